"""`fold`: runs a list of layers or a stack of layers, with one function for both."""

from __future__ import annotations

import functools

import jax
from jax.ad_checkpoint import checkpoint_name

from jaxformers import context
from jaxformers.errors import InputError
from jaxformers.nn import pipeline
from jaxformers.nn.constrain import residual
from jaxformers.nn.device import platform
from jaxformers.nn.dropout import split_layers
from jaxformers.spec import Layers, Stack

_POLICIES = {
    "full": None,
    "dots": jax.checkpoint_policies.dots_saveable,
    "dots_no_batch": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
    "offload": jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=["stream"],
        offload_src="device",
        offload_dst="pinned_host",
    ),
    "offload_dots": jax.checkpoint_policies.offload_dot_with_no_batch_dims("device", "pinned_host"),
}


def fold(f, layers, x, *, states: bool = False, unroll_on_cpu: bool = False, **each):
    """Threads x through the layers.

    Args:
      f: `f(layer, x, **one) -> (x, y)`; y is a dict of what the layer reports (attention weights, its new cache, ...),
        whose values may be None.
      layers: `Layers` or a list (unrolled, in order), a `Stack` (one `lax.scan`), or a list that holds both.
      x: the activations, a pytree whose shapes the layers keep.
      states: also report each layer's output, as `hidden` (see `hidden_states`).
      unroll_on_cpu: write a stack's scan out when compiling for the CPU. For layers with convolutions, whose layouts
        XLA's CPU compiler chooses only outside loops: a gradient is ten times slower inside.
      each: per-layer inputs: None, an array with a leading layer axis, or a list/`Stack` of the same form as `layers`.
        One random key as `key` is split for the layers.

    Returns:
      x after the last layer, and the ys in the form of `layers`: `Layers` of dicts, or one `Stack`.
    """
    remat = context.current().remat
    if context.current().mesh is not None:
        x, f = jax.tree.map(residual, x), _laid(f)
    if "key" in each:
        each["key"] = split_layers(each["key"], num_layers(layers))
    if states:
        f = _reporting(f)
    unroll = unroll_on_cpu and platform() == "cpu"
    scanned = _scanned(f, remat, unroll, layers)
    if isinstance(layers, Stack):
        return scanned(layers, x, each)
    ys = Layers()
    at = 0
    unrolled = _checkpointed(f, remat, scanned=False)
    for position, layer in enumerate(layers):
        n = _length(layer)
        one = {k: _take(v, at, n, position) for k, v in each.items()}
        if isinstance(layer, Stack):
            x, y = scanned(layer, x, one)
        else:
            x, y = unrolled(layer, x, **one)
        ys.append(y)
        at += n or 1
    return x, ys


def _scanned(f, remat: str, unroll: bool, layers):
    """What runs a stack: a scan, or the pipeline that the run context asks for."""
    planned = pipeline.planned()
    checkpointed = functools.partial(_checkpointed, remat=remat, scanned=True)
    if planned is None:
        return functools.partial(_scan, checkpointed(f), unroll=unroll)
    if not any(isinstance(layer, Stack) for layer in (layers, *layers)):
        problem = f"layers must be stacked to run as a pipeline, got a list of {len(layers)}"
        raise InputError("fold", [problem], "load the model with stack=True, or run it with microbatches=None")
    return functools.partial(pipeline.run, planned, f, checkpointed=checkpointed, unroll=unroll)


def _laid(f):
    """A layer whose output lies on the mesh as the stream between layers does."""

    def g(layer, x, **one):
        x, y = f(layer, x, **one)
        return jax.tree.map(residual, x), y

    return g


def _reporting(f):
    def g(layer, x, **one):
        x, y = f(layer, x, **one)
        return x, {**y, "hidden": x}

    return g


def _scan(f, stack, x, each, unroll: bool):
    if each.get("cache") is None:
        x, y = jax.lax.scan(lambda x, xs: f(xs[0], x, **xs[1]), x, (dict(stack), each), unroll=unroll or 1)
        return x, Stack(y)

    # A cache is carried, so that the layers write into it in place: as a scan's output it would be copied every time.
    def body(carry, xs):
        (x, held), (i, layer, one) = carry, xs
        old = jax.tree.map(lambda c: jax.lax.dynamic_index_in_dim(c, i, 0, keepdims=False), held)
        x, y = f(layer, x, cache=old, **one)
        new = y["cache"]
        for name in held:
            if new[name] is not old[name]:
                put = functools.partial(jax.lax.dynamic_update_index_in_dim, index=i, axis=0)
                held = {**held, name: jax.tree.map(put, held[name], new[name])}
        return (x, held), {**y, "cache": {name: v for name, v in new.items() if name not in held}}

    rest = {name: v for name, v in each.items() if name != "cache"}
    layers = (jax.numpy.arange(_length(stack)), dict(stack), rest)
    (x, held), y = jax.lax.scan(body, (x, dict(each["cache"])), layers, unroll=unroll or 1)
    return x, Stack({**y, "cache": {**held, **y["cache"]}})


def _checkpointed(f, remat: str, scanned: bool):
    if remat == "none":
        return f
    if remat == "offload":
        f = _named(f)
    return jax.checkpoint(f, policy=_POLICIES[remat], prevent_cse=not scanned)


def _named(f):
    """A layer whose input is called "stream", for the policy that moves what bears that name."""

    def g(layer, x, **one):
        return f(layer, jax.tree.map(lambda v: checkpoint_name(v, "stream"), x), **one)

    return g


def _length(layer) -> int:
    """Layers in a stack; 0 for a single layer."""
    return jax.tree.leaves(layer)[0].shape[0] if isinstance(layer, Stack) else 0


def _take(values, at: int, n: int, position: int):
    if values is None:
        return None
    if isinstance(values, list):
        return values[position]
    return jax.tree.map(lambda v: v[at : at + n] if n else v[at], values)


def num_layers(layers) -> int:
    """How many layers a list or stack holds."""
    return _length(layers) if isinstance(layers, Stack) else sum(_length(x) or 1 for x in layers)


def collect(ys, name: str):
    """One field of `fold`'s ys as a tuple with an entry per layer; None where no layer reports it."""
    if isinstance(ys, Stack):
        ys = [ys]
    out: list = []
    for y in ys:
        value = y.get(name)
        if value is not None:
            out += _each(value) if isinstance(y, Stack) else [value]
    return tuple(out) or None


def _each(value) -> list:
    """The entries of an array, or of a tuple of arrays that belong together."""
    return list(zip(*map(_each, value), strict=True)) if isinstance(value, tuple) else list(value)


def pick(ys, name: str):
    """One field of `fold`'s ys, itself a dict, in the form of `layers`: a cache or statistics to go back in."""
    if isinstance(ys, Stack):
        return Stack(ys[name])
    return Layers(Stack(y[name]) if isinstance(y, Stack) else y[name] for y in ys)


def hidden_states(first, ys):
    """The reference's `hidden_states`: the first layer's input, then every layer's `hidden`."""
    rest = collect(ys, "hidden")
    return None if rest is None else (first, *rest)
