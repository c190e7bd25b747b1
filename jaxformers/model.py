"""`Head` and `Model`: a pair of functions, and the same pair together with its parameters."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import spec
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError, nearest
from jaxformers.output import Output


@dataclasses.dataclass(frozen=True)
class Head:
    """What a name in `config.json`'s `architectures` stands for.

    Args:
      declare: `config -> tree of Param`.
      apply: `(params, config, **inputs) -> Output`, pure.
      cache: `(config, batch, length, dtype, stacked) -> cache`, for heads that decode step by step.
      ties: `config -> {name that files may hold: declared name it is tied to}`. Such names are never declared: they
        are read when the declared one is absent, and skipped when it is there.
      prefix: the name under which this head keeps the base model, where it is not its module's `PREFIX`.
      words: `(params, config, x) -> logits`, the output layer of a head that writes text, for hidden states of any
        layer.
      images: `(config, input_ids, pixel_values) -> int [B]`, on the host, for heads that read both: how many of the
        images [I, ...] the tokens of each row speak of. Raises InputError where they speak of a part of one.
      begin: `(config, input_ids, attention_mask, options) -> (input_ids, attention_mask, settings)`, on the host, for
        heads that write from prompts, and by settings, of their own; what a call's `options` name wins over these.
      buffers: `config -> {name: array}`: what files hold beside parameters and follows from the config. It is written
        with them and not read (see `bridges.names`).
    """

    declare: Callable[[Any], dict]
    apply: Callable[..., Output]
    cache: Callable[..., dict] | None = None
    ties: Callable[[Any], dict[str, str]] = lambda config: {}
    prefix: str | None = None
    words: Callable[..., Any] | None = None
    images: Callable[..., np.ndarray] | None = None
    begin: Callable[..., tuple] | None = None
    buffers: Callable[[Any], dict[str, np.ndarray]] = lambda config: {}

    @property
    def reads_source(self) -> bool:
        """Does it write anew about what it reads, as an encoder-decoder, instead of going on with it?"""
        return "decoder_input_ids" in arguments(self.apply)


def extends(base: Callable, *without: str):
    """Decorator for `f(p, c, ..., **inputs)` that hands `inputs` to `base`: its signature lists base's too."""

    def decorate(f):
        own = {n: p for n, p in inspect.signature(f).parameters.items() if p.kind != p.VAR_KEYWORD}
        more = {n: p for n, p in inspect.signature(base).parameters.items() if n not in own and n not in without}
        keyword = [p.replace(kind=p.KEYWORD_ONLY) for p in more.values() if p.kind != p.VAR_KEYWORD]
        first = [p for p in own.values() if p.kind != p.KEYWORD_ONLY]
        rest = [p for p in own.values() if p.kind == p.KEYWORD_ONLY]
        f.__signature__ = inspect.Signature([*first, *keyword, *rest])
        return f

    return decorate


@functools.cache
def arguments(apply: Callable) -> dict[str, inspect.Parameter]:
    """A head's inputs and options by name, without `params` and `config`."""
    return dict(list(inspect.signature(apply).parameters.items())[2:])


def main_input(apply: Callable) -> str:
    """The input that a head takes first: "input_ids", or what else it reads ("pixel_values", "input_features")."""
    return next(iter(arguments(apply)))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def run(apply, config, options, params, arrays):
    """The compiled call: one trace per head, config, options, shapes and run context."""
    return apply(params, config, **arrays, **dict(options))


@jax.tree_util.register_pytree_with_keys_class
@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A head, its config and its parameters. A pytree whose leaves are the parameters.

    Calling it runs the compiled head: `model(input_ids=ids, attention_mask=mask)` -> `Output`. Arguments that are
    arrays (or nested lists of numbers) are traced; bools, strings and numbers are options and static. `jax.grad`,
    `jax.jit`, optax and orbax take a model as they take any tree.
    """

    params: dict
    config: ModelConfig
    head: Head
    name: str
    generation_config: Any = None  # a `GenerationConfig`, of the checkpoint's generation_config.json

    def tree_flatten_with_keys(self):
        static = self.config, self.head, self.name, self.generation_config
        return [(jax.tree_util.GetAttrKey("params"), self.params)], static

    @classmethod
    def tree_unflatten(cls, static, children):
        return cls(children[0], *static)

    def __call__(self, *args, **inputs) -> Output:
        """Runs the head, compiled. Inputs are those of the head's function; see `help(model.head.apply)`.

        Raises:
          InputError: an argument is unknown, missing, not an array, or holds token ids outside the vocabulary.
        """
        arrays, options = self._sort(args, inputs)
        return run(self.head.apply, self.config, options, self.params, arrays)

    def apply(self, params: dict, **inputs) -> Output:
        """The pure function, not compiled: for your own `jit`, `grad`, `vmap` and `shard_map`."""
        arrays, options = self._sort((), inputs)
        return self.head.apply(params, self.config, **arrays, **dict(options))

    def init_cache(self, batch: int, length: int, dtype=None) -> dict:
        """An empty key/value cache of `length` slots, to pass as `past_key_values`; like the layers, list or stack.

        Raises:
          InputError: the head does not decode step by step.
        """
        if self.head.cache is None:
            raise InputError(self.name, ["init_cache needs a head that decodes step by step; this one has no cache"])
        stacked = spec.is_stacked(self.params)
        return self.head.cache(self.config, batch, length, dtype or self.dtype, stacked)

    def generate(self, input_ids=None, attention_mask=None, **options):
        """Same as `jf.generate(model, input_ids, attention_mask, ...)`, which see for all options."""
        from jaxformers import generation

        return generation.generate(self, input_ids, attention_mask, **options)

    def replace(self, **changes) -> Self:
        """A copy with other `params` (or config, head)."""
        return dataclasses.replace(self, **changes)

    def save(self, path: str | os.PathLike, **options) -> None:
        """Same as `jf.save(model, path)`."""
        from jaxformers import auto

        auto.save(self, path, **options)

    save_pretrained = save

    @property
    def dtype(self):
        """The dtype of the first floating-point parameter."""
        return next(x.dtype for x in jax.tree.leaves(self.params) if jnp.issubdtype(x.dtype, jnp.floating))

    def num_parameters(self, only_trainable: bool = False) -> int:
        """Number of parameters; running statistics count unless `only_trainable`."""
        return spec.count(self.head.declare(self.config), trainable=only_trainable)

    def __repr__(self) -> str:
        return f"{self.name}({self.config.model_type}, {self.num_parameters():,} parameters)"

    # -------------------------------------------------------------------------------------------- inputs

    def _sort(self, args, inputs) -> tuple[dict, tuple]:
        """Splits a call's inputs into arrays (traced) and options (static), or says what is wrong with them."""
        known = arguments(self.head.apply)
        problems = [
            f"unknown argument {name!r}; nearest: {', '.join(nearest(name, known, 3))}"
            for name in inputs
            if name not in known
        ]
        if len(args) > len(known):
            problems.append(f"takes at most {len(known)} arguments, got {len(args)}")
        for name, value in zip(known, args, strict=False):
            if name in inputs:
                problems.append(f"argument {name!r} is given twice, by position and by name")
            inputs[name] = value
        for flag in ("output_hidden_states", "output_attentions"):
            if flag in known and inputs.get(flag) is None and getattr(self.config, flag):
                inputs[flag] = True
        required = [n for n, p in known.items() if p.default is p.empty]
        problems += [f"argument {n!r} is required" for n in required if inputs.get(n) is None]
        arrays: dict[str, Any] = {}
        options: list[tuple[str, Any]] = []
        for name, value in inputs.items():
            if value is None or name not in known:
                continue
            if isinstance(value, bool | str | int | float) and not isinstance(value, np.generic):
                options.append((name, value))
                continue
            try:
                arrays[name] = _array(name, value)
            except (TypeError, ValueError) as e:
                problems.append(
                    f"argument {name!r} must be an array or nested lists of equal length, got {value!r:.60}: {e}"
                )
                continue
            problems += self._check_ids(name, value)
        problems += self._check_images(inputs)
        if problems:
            raise InputError(self.name, problems, f"it takes {', '.join(known)}")
        return arrays, tuple(sorted(options))

    def _check_ids(self, name: str, value) -> list[str]:
        """Token ids still on the host are checked against the vocabulary; a gather would clip them silently."""
        if name not in ("input_ids", "inputs", "decoder_input_ids") or isinstance(value, jax.Array | Mapping):
            return []
        ids = np.asarray(value)
        if name == "inputs" and not np.issubdtype(ids.dtype, np.integer):
            return []
        size = getattr(self.config.get_text_config(encoder=name != "decoder_input_ids"), "vocab_size", None)
        if size is None or not ids.size or (ids.min() >= 0 and ids.max() < size):
            return []
        return [f"{name} must lie in [0, {size}), got values from {ids.min()} to {ids.max()}"]

    def _check_images(self, inputs) -> list[str]:
        """Ids still on the host are checked to speak of as many images as are given."""
        ids, images = inputs.get("input_ids"), inputs.get("pixel_values")
        if self.head.images is None or ids is None or images is None or isinstance(ids, jax.Array):
            return []
        count = int(self.head.images(self.config, np.asarray(ids), images).sum())
        if count == np.shape(images)[0]:
            return []
        return [f"pixel_values must hold the {count} images that input_ids speak of, got {np.shape(images)[0]}"]


def _array(name: str, value):
    if name == "labels" and isinstance(value, Mapping):  # of several kinds
        return {k: _array(k, x) for k, x in value.items()}
    if isinstance(value, list | tuple) and not any(isinstance(x, jax.Array) for x in value):
        if name.endswith("hidden_states") and len({np.shape(x) for x in value}) > 1:  # maps of several sizes
            return tuple(_array(name, x) for x in value)
        value = np.asarray(value)
        if value.dtype == object:
            raise ValueError("rows differ in length")
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype == np.int64:
            value = value.astype(np.int32)
        elif value.dtype == np.float64:
            value = value.astype(np.float32)
    return value
