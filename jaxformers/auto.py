"""The front door: `load`, `init`, `save` and the familiar `Auto*` names, all thin over the same functions."""

from __future__ import annotations

import inspect
import logging
import os
import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import bridges, loading, models, saving, sharding, spec
from jaxformers.checkpoints.hub import TEXT, resolve
from jaxformers.config import ModelConfig, read_json, unknown_model_type
from jaxformers.errors import CheckpointError, ConfigError
from jaxformers.generation.config import FILE, GenerationConfig
from jaxformers.model import Model
from jaxformers.sharding.gather import spread

Path = str | os.PathLike


def load(
    path: Path,
    head: str | None = None,
    *,
    config: ModelConfig | None = None,
    dtype: Any = None,
    stack: bool = False,
    mesh: Any = None,
    rules: Any = None,
    key: Any = None,
    ignore_mismatched_sizes: bool = False,
    revision: str | None = None,
    **changes: Any,
) -> Model:
    """Loads a checkpoint: architecture and head from its config.json, parameters placed on the device(s).

    Nothing is compiled. Each device reads only its own slices of the file. On the CPU, tensors that need no cast and
    start on 64 bytes (as in every file that `save` writes) stay mapped to the file: replace such a file as `save`
    does, by a new one under its name, and do not write into it while the model is in use.

    Args:
      path: a directory with config.json and weights, or a hub id.
      head: a head's full name or suffix ("ForSequenceClassification", "Model"); None takes the config's.
      config: use this config instead of the directory's.
      dtype: floating dtype of the parameters; None is float32 on the CPU and the file's dtype elsewhere, "auto" the
        config's `torch_dtype`.
      stack: parameters with stacked layers (for training: one `lax.scan`) instead of a list (for inference).
      mesh, rules: a `jax.sharding.Mesh` and sharding rules (a preset such as "fsdp", or a dictionary).
      key: JAX key for parameters that the file lacks; `jax.random.key(0)` by default.
      ignore_mismatched_sizes: initialise a head whose shapes differ from the file's instead of refusing.
      revision: branch, tag or commit on the hub.
      changes: config fields to override, e.g. `num_labels=5`.

    Returns:
      A `Model`, with the directory's generation_config.json as its `generation_config` if there is one.

    Raises:
      ConfigError: config.json is missing, of an unknown model type, or asks for what this library does not compute.
      CheckpointError: no such directory, a damaged file, or tensors that do not fit, all listed in one error.
    """
    directory = resolve(path, revision)
    if config is None:
        config = AutoConfig.from_pretrained(directory, **changes)
    elif changes:
        config = config.replace(**changes)
    name, chosen = models.find_head(config, head)
    where = f"{name} from {os.fspath(path)}"
    tensors = bridges.open_weights(directory)
    fitted = loading.fit(config, chosen, tensors, where, resize=ignore_mismatched_sizes)
    dtype = _dtype(dtype, config, {n: tensors[f] for n, f in fitted.source.items()})
    declared = chosen.declare(config)
    declared = spec.stack(declared) if stack else declared
    same = {"config": config.to_json(), "dtype": str(dtype), "stack": stack, "tensors": (fitted.source, fitted.fresh)}
    key = jax.random.key(0) if key is None else key
    shardings = _shardings(f"load {name}", declared, mesh, rules, key=key, **same)
    optional = {n for n, p in spec.flatten(declared).items() if p.optional}
    loading.warn_fresh(name, os.fspath(path), tuple(n for n in fitted.fresh if n not in optional))
    std = getattr(config, "initializer_range", 0.02)

    def fresh(path, p, sharding):
        return spec.init_leaf(path, p, key, dtype, std, sharding)

    params = loading.read(declared, fitted.source, tensors, dtype, shardings, fresh)
    return Model(params, config, chosen, name, _generation_config(directory))


def _generation_config(directory: pathlib.Path) -> GenerationConfig | None:
    """The checkpoint's settings for writing; if they contradict each other, its weights are loaded all the same."""
    if not (directory / FILE).is_file():
        return None
    try:
        return GenerationConfig.from_pretrained(directory)
    except ConfigError as e:
        warnings.warn(f"{FILE} is left out: {e}", stacklevel=3)
        return None


def init(
    config: ModelConfig,
    head: str | None = None,
    *,
    key: Any = None,
    dtype: Any = jnp.float32,
    stack: bool = False,
    mesh: Any = None,
    rules: Any = None,
) -> Model:
    """A model with random parameters, drawn directly into their shards; equal values on every mesh.

    Args:
      config: the config, e.g. `AutoConfig.for_model("gpt2", n_layer=2)`.
      head: a head's full name or suffix; None takes the config's first architecture, or the bare model.
      key: JAX key; `jax.random.key(0)` by default. A parameter's value depends on the key and its own name only.
      dtype, stack, mesh, rules: as in `load`.
    """
    name, chosen = models.find_head(config, head)
    declared = chosen.declare(config)
    declared = spec.stack(declared) if stack else declared
    key = jax.random.key(0) if key is None else key
    std = getattr(config, "initializer_range", 0.02)
    same = {"config": config.to_json(), "dtype": str(jnp.dtype(dtype)), "stack": stack}
    shardings = _shardings(f"init {name}", declared, mesh, rules, key=key, **same)
    params = spec.init(declared, key, dtype, std, shardings)
    return Model(params, config, chosen, name)


def save(model: Model, path: Path, *, max_shard_size: int | str = "5GB") -> list[pathlib.Path]:
    """Writes config.json and model.safetensors (or shards and an index), which the original library loads.

    A model with a `generation_config` has it written to generation_config.json as well.

    Every file is written whole or not at all; tensors are fetched from the devices one at a time. Where the parameters
    lie over several processes all must call it: the first writes, the others wait until it is done.

    Args:
      model: the model, list or stacked.
      path: the directory; made if it is not there.
      max_shard_size: bytes, or a string like "5GB".

    Returns:
      The files written.

    Raises:
      CheckpointError: `path` is a file, the parameters do not match the head's declaration, or a dtype has no name in
        the format.
      ConfigError: the `generation_config` holds `constraints`, which are no JSON values.
    """
    together = spread(model.params)
    entries: dict[str, Any] = {}
    for where, x in spec.paths(model.params):
        stacked = x.shape[: sum(isinstance(part, range) for part in where)]
        for at, name in zip(np.ndindex(stacked), spec.names(where), strict=True):
            entries[name] = saving.lazy(x, at, together)
    declared = {n: p.shape for n, p in spec.flatten(model.head.declare(model.config)).items()}
    problems = [f"missing: {n} {s}" for n, s in declared.items() if n not in entries]
    problems += [f"unexpected: {n} {e.shape}" for n, e in entries.items() if n not in declared]
    problems += [
        f"shape: {n} must be {s}, got {entries[n].shape}"
        for n, s in declared.items()
        if n in entries and entries[n].shape != s
    ]
    if problems:
        raise CheckpointError(f"save {model.name}", problems, "params must fit the head that they are saved with")
    entries.update(bridges.with_inert(entries))
    entries.update(model.head.buffers(model.config))
    changes: dict[str, Any] = {"architectures": (model.name,)}
    for key in ("torch_dtype", "dtype"):
        if key in model.config.extra:
            changes[key] = str(model.dtype)
    texts = {"config.json": model.config.replace(**changes).to_json()}
    if model.generation_config is not None:
        texts[FILE] = model.generation_config.to_json()
    return saving.write(pathlib.Path(path), entries, texts, max_shard_size, together)


def _shardings(where: str, declared: Any, mesh: Any, rules: Any, **same: Any):
    """A tree of shardings, or None without a mesh; `same` is what a mesh's processes must have alike beside rules."""
    if mesh is None:
        return None
    several = len({d.process_index for d in mesh.devices.flat}) > 1
    if several:  # before anything can go wrong in one process alone
        grid = {"axes": dict(mesh.shape), "devices": [d.id for d in mesh.devices.flat]}
        given = dict(sorted(rules.items())) if isinstance(rules, Mapping) else rules
        key = jax.random.key_data(same.pop("key")).tolist()
        sharding.agree(where, mesh=grid, rules=given, key=key, **same)
    if not (isinstance(rules, str) and rules == "auto"):
        return sharding.plan(declared, mesh, rules).shardings
    plan = sharding.plan(declared, mesh, rules, dtype=same["dtype"])
    if several:
        sharding.agree(where, auto=plan.rules)
    logging.getLogger("jaxformers.sharding").warning("%s: %s", where, plan.notes[0])
    return plan.shardings


def _dtype(dtype: Any, config: ModelConfig, tensors: dict[str, Any]) -> np.dtype:
    if isinstance(dtype, str) and dtype == "auto":
        dtype = config.extra.get("dtype") or config.extra.get("torch_dtype") or "float32"
    if dtype is None:
        return loading.default_dtype(config, tensors)
    try:
        found = np.dtype(jnp.dtype(dtype))
    except TypeError:
        found = np.dtype(np.void)
    if not jnp.issubdtype(found, jnp.floating):
        raise ConfigError("dtype", [f"must be a floating dtype such as 'bfloat16', got {dtype!r}"])
    return found


# ------------------------------------------------------------------------------------------------------ Auto names


class AutoConfig:
    """Configs by model type or from a checkpoint."""

    @staticmethod
    def for_model(model_type: str, **values: Any) -> ModelConfig:
        """The default config of a model type with some fields changed; unknown fields are refused.

        Raises:
          ConfigError: an unknown model type or field, or values that this library does not compute.
        """
        return models.module(model_type, "for_model").Config.from_dict({}, **values)

    @staticmethod
    def from_pretrained(path: Path, *, revision: str | None = None, **changes: Any) -> ModelConfig:
        """The config of a directory, of a config file or of a hub id; `changes` override its fields.

        Raises:
          ConfigError: no config.json, not JSON, or an unknown model type (the error names the nearest).
          CheckpointError: no such directory or hub id.
        """
        file = pathlib.Path(path)
        if not file.is_file():
            file = resolve(path, revision, TEXT) / "config.json"
        if not file.is_file():
            held = ", ".join(sorted(p.name for p in file.parent.iterdir())[:12]) or "nothing"
            raise ConfigError(os.fspath(path), [f"must hold config.json, it holds {held}"])
        values = read_json(file)
        model_type = values.get("model_type")
        if model_type not in models.TABLE:
            raise unknown_model_type(str(file), model_type, models.TABLE)
        return models.module(model_type).Config.from_dict(values, **changes)


class _Door:
    """Base of the `AutoModel*` names: `load` and `init` with the head chosen by its suffix."""

    suffixes: tuple[str, ...] = ("Model",)

    @classmethod
    def _head(cls, config: ModelConfig) -> str:
        heads = models.module(config.model_type).HEADS
        stem = models.base_head(config).removesuffix("Model")
        for suffix in cls.suffixes:
            if stem + suffix in heads:
                return stem + suffix
        wanted = " or ".join(stem + s for s in cls.suffixes)
        problem = f"{cls.__name__} needs a head named {wanted}; it has {', '.join(heads)}"
        raise ConfigError(config.model_type, [problem])

    @classmethod
    def from_pretrained(cls, path: Path, *, config: ModelConfig | None = None, **options: Any) -> Model:
        """`load(path, head=...)`; options are those of `load`."""
        known = inspect.signature(load).parameters
        changes = {k: v for k, v in options.items() if k not in known}
        if config is None:
            config = AutoConfig.from_pretrained(path, revision=options.get("revision"), **changes)
        elif changes:
            config = config.replace(**changes)
        rest = {k: v for k, v in options.items() if k in known}
        return load(path, cls._head(config), config=config, **rest)

    @classmethod
    def from_config(cls, config: ModelConfig, **options: Any) -> Model:
        """`init(config, head=...)`; options are those of `init`."""
        return init(config, cls._head(config), **options)


_DOORS = {
    "AutoModel": ("Model",),
    "AutoBackbone": ("Backbone",),
    "AutoModelForCausalLM": ("ForCausalLM", "LMHeadModel"),
    "AutoModelForImageClassification": ("ForImageClassification",),
    "AutoModelForMaskedImageModeling": ("ForMaskedImageModeling",),
    "AutoModelForMaskedLM": ("ForMaskedLM",),
    "AutoModelForMultipleChoice": ("ForMultipleChoice",),
    "AutoModelForNextSentencePrediction": ("ForNextSentencePrediction",),
    "AutoModelForPreTraining": (
        "ForPreTraining",
        "ForConditionalGeneration",
        "ForCausalLM",
        "LMHeadModel",
        "ForMaskedLM",
    ),
    "AutoModelForQuestionAnswering": ("ForQuestionAnswering",),
    "AutoModelForSeq2SeqLM": ("ForConditionalGeneration",),
    "AutoModelForSequenceClassification": ("ForSequenceClassification",),
    "AutoModelForTextEncoding": ("EncoderModel", "Model"),
    "AutoModelForTokenClassification": ("ForTokenClassification",),
}

DOORS = {
    name: type(name, (_Door,), {"suffixes": suffixes, "__doc__": f"Models with the head {' or '.join(suffixes)}."})
    for name, suffixes in _DOORS.items()
}
