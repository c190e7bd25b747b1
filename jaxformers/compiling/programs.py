"""The programs that are worth compiling ahead: a training step, the reading of a prompt, the writing of a token."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding, PartitionSpec

from jaxformers import context, sharding, spec
from jaxformers.errors import JaxformersError
from jaxformers.model import Head, arguments, main_input

STEPS = ("train", "prefill", "decode")


@dataclasses.dataclass(frozen=True)
class Program:
    """A function ready to be lowered, with arguments that are shapes on a mesh.

    Args:
      run: the function.
      arguments: its arguments, trees of `jax.ShapeDtypeStruct` with shardings.
      outputs: shardings of its results, or None where XLA chooses.
      donate: which arguments it may overwrite.
      forward: `(params, inputs)` -> what the operations of one forward pass are counted on.
      passes: how many forward passes its useful work is worth (3 with gradients).
      plan: where the parameters lie.
      settings: the run context that it is to be lowered in.
    """

    run: Callable
    arguments: tuple
    outputs: Any
    donate: tuple[int, ...]
    forward: Callable
    passes: int
    plan: sharding.Plan
    settings: dict[str, Any]

    def lower(self) -> Any:
        """The program, lowered for its mesh: `.compile()` is next."""
        with context.running(**self.settings):
            made = jax.jit(self.run, donate_argnums=self.donate, out_shardings=self.outputs)
            return made.lower(*self.arguments)


def program(
    config: Any,
    head: Head,
    mesh: Any,
    rules: Any,
    *,
    step: str = "train",
    batch: int | None = None,
    length: int = 2048,
    remat: str = "full",
    attention: str = "auto",
    tx: optax.GradientTransformation | None = None,
    **settings: Any,
) -> Program:
    """A step of a model on a mesh, nothing of which is computed.

    Args:
      config, head: the model; `models.find_head` gives the head.
      mesh, rules: as for `jf.load`; rules may be "auto".
      step: "train": forward, backward and optimizer, parameters and optimizer in float32, computed in bfloat16.
        "prefill": reads `length` tokens into a cache. "decode": one token after `length` of them. Both in bfloat16.
      batch: rows, of all devices together; one for each part that the rules cut a batch into by default.
      length: tokens of a row; images and sounds have the config's sizes.
      remat, attention, settings: as for `jf.running`.
      tx: the optimizer; AdamW by default.

    Raises:
      JaxformersError: an unknown step; a head that has no loss, or for prefill and decode no cache.
    """
    problems = [] if step in STEPS else [f"step must be one of {', '.join(STEPS)}, got {step!r}"]
    problems += [
        f"{n} must be positive, got {v}" for n, v in (("batch", batch), ("length", length)) if v is not None and v < 1
    ]
    if step in STEPS and not takes(head, step):
        needed = "with a loss is needed to train" if step == "train" else f"that writes words is needed for {step}"
        problems.append(f"a head {needed}; this one takes {', '.join(arguments(head.apply))}")
    if step == "prefill" and head.reads_source:
        problems.append("an encoder-decoder reads its prompt in one pass without a cache: use step decode")
    if problems:
        raise JaxformersError("program", problems)
    declared = spec.stack(head.declare(config))
    budget = {"train": step == "train", "dtype": jnp.float32 if step == "train" else jnp.bfloat16}
    plan = sharding.plan(declared, mesh, rules, **(budget if rules == "auto" else {}))
    batch = plan.ways() if batch is None else batch
    how = {"mesh": mesh, "rules": plan.rules, "attention": attention, **settings}
    if step == "train":
        how["remat"] = remat
        return _train(config, head, plan, batch, length, tx or optax.adamw(1e-4), how)
    return _writing(config, head, plan, batch, length, step, how)


def takes(head: Head, step: str) -> bool:
    """Can a head do a step?"""
    return "labels" in arguments(head.apply) and (step == "train" or head.cache is not None)


def _train(config, head: Head, plan, batch: int, length: int, tx, settings) -> Program:
    params = spec.abstract(plan.declared, jnp.float32, plan.shardings)
    whole = NamedSharding(plan.mesh, PartitionSpec())
    state = optax.tree_utils.tree_map_params(
        tx,
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
        jax.eval_shape(tx.init, params),
        plan.optimizer,
        transform_non_params=lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=whole),
    )
    inputs = _placed(training_inputs(config, head, batch, length), plan)

    def forward(params, inputs):
        return head.apply(params, config, **inputs).loss

    def run(params, state, inputs):
        def loss(params):
            return forward(jax.tree.map(lambda x: x.astype(jnp.bfloat16), params), inputs)

        value, grads = jax.value_and_grad(loss)(params)
        grads = jax.lax.with_sharding_constraint(grads, plan.gradients)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    outputs = plan.shardings, jax.tree.map(lambda x: x.sharding, state), whole
    return Program(run, (params, state, inputs), outputs, (0, 1), forward, 3, plan, settings)


def training_inputs(config: Any, head: Head, batch: int, length: int) -> dict[str, jax.ShapeDtypeStruct]:
    """Shapes of what a head reads to train: its main input, of the config's sizes, and labels."""
    name = main_input(head.apply)
    found = {name: _main(config, name, batch, length)}
    ids = jax.ShapeDtypeStruct((batch, length), jnp.int32)
    one = jax.ShapeDtypeStruct((batch,), jnp.int32)
    params, refused = spec.abstract(head.declare(config), jnp.bfloat16), []
    for labels in (ids, one) if name == "input_ids" else (one, ids):
        try:
            jax.eval_shape(lambda p, i: head.apply(p, config, **i).loss, params, {**found, "labels": labels})
        except (TypeError, ValueError, IndexError, AssertionError) as e:  # what labels of another shape lead to
            refused.append(f"labels int {list(labels.shape)} do not suit this head: {str(e).splitlines()[0]}")
            continue
        return {**found, "labels": labels}
    raise JaxformersError("program", refused)


def _main(config: Any, name: str, batch: int, length: int) -> jax.ShapeDtypeStruct:
    if name == "input_ids":
        return jax.ShapeDtypeStruct((batch, length), jnp.int32)
    if name == "pixel_values":
        size = config.image_size
        height, width = size if isinstance(size, tuple | list) else (size, size)
        return jax.ShapeDtypeStruct((batch, config.num_channels, height, width), jnp.bfloat16)
    if name == "input_features" and hasattr(config, "max_source_positions"):
        return jax.ShapeDtypeStruct((batch, config.num_mel_bins, 2 * config.max_source_positions), jnp.bfloat16)
    raise JaxformersError("program", [f"heads that read {name!r} have no sizes of their own to compile for"])


def _placed(inputs: Any, plan) -> Any:
    def one(x):
        over = sharding.partition(("batch",) + ("-",) * (x.ndim - 1), x.shape, plan.mesh, plan.rules)
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=NamedSharding(plan.mesh, over))

    return jax.tree.map(one, inputs)


def _writing(config, head: Head, plan, batch: int, length: int, step: str, settings) -> Program:
    params = spec.abstract(plan.declared, jnp.bfloat16, plan.shardings)
    name = main_input(head.apply)
    words = "decoder_input_ids" if head.reads_source else name
    count = length if step == "prefill" else 1
    inputs = {words: jax.ShapeDtypeStruct((batch, count), jnp.int32)}
    if head.reads_source:
        inputs |= {"encoder_outputs": _read(config, head, plan.declared, name, batch, length)}
    make = head.cache
    assert make is not None
    cache = place_cache(jax.eval_shape(lambda: make(config, batch, length + 1, jnp.bfloat16, True)), plan)

    def forward(params, inputs):
        return head.apply(params, config, **inputs).logits

    def run(params, cache, inputs):
        out = head.apply(params, config, past_key_values=cache, **inputs)
        return out.logits[:, -1], out.past_key_values

    return Program(run, (params, cache, _placed(inputs, plan)), None, (1,), forward, 1, plan, settings)


def _read(config, head: Head, declared, name: str, batch: int, length: int):
    """What an encoder gives its decoder to read."""
    params = spec.abstract(declared, jnp.bfloat16)
    start = jax.ShapeDtypeStruct((batch, 1), jnp.int32)
    source = _main(config, name, batch, length)
    out = jax.eval_shape(lambda p: head.apply(p, config, **{name: source, "decoder_input_ids": start}), params)
    return {"last_hidden_state": out.encoder_last_hidden_state}


def place_cache(cache: Any, plan) -> Any:
    """Shapes of a cache on the mesh: rows as a batch, heads of keys and values as `kv_heads`; see `nn.cache`."""

    def one(path, x):
        axes = ["-"] * x.ndim
        if x.ndim:
            layered = any(isinstance(k, jax.tree_util.DictKey) and k.key == "layers" for k in path)
            first = 1 if layered and isinstance(cache["layers"], spec.Stack) else 0
            axes[first] = "batch"
            if layered and x.ndim - first == 4:
                axes[first + 1] = "kv_heads"
        over = sharding.partition(tuple(axes), x.shape, plan.mesh, plan.rules)
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=NamedSharding(plan.mesh, over))

    return jax.tree_util.tree_map_with_path(one, cache)
