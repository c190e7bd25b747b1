"""Caches for decoding: plain pytrees, state in and state out.

A cache is `{"layers": ..., "index": int32 [], "mask": bool [B, T]}`. `layers` has the form of the model's layers
(`Layers` of dicts, or one `Stack`); `index` is the next free slot of T, `mask` tells which slots hold real tokens. A
layer's dict is one of

* dense: `{"k", "v"}`, each [B, K, T, H], the order in which a batched product reads them without turning them over;
* a ring, for layers that see `window` tokens back: the same with `window` slots instead of T, slot t % window;
* quantised: `{"k", "v"}` int8 and `{"k_scale", "v_scale"}` [B, K, T, 1], one scale a token and head;
* a recurrent state of the layer's own (see `nn.ssm`);

and after its first call a decoder that attends to an encoder also keeps `{"memory": {"k", "v"}}` [B', K, S, H]: the
encoder's keys and values, made once. They have one row a *prompt*, however many rows (beams, candidates) read them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.fold import pick
from jaxformers.spec import Layers, Stack


def KVCache(
    num_layers: int,
    batch: int,
    length: int,
    heads: int,
    head_dim: int,
    dtype,
    stacked: bool = False,
    windows: tuple[int | None, ...] | int | None = None,
) -> dict:
    """An empty cache of `length` slots for `num_layers` layers of `heads` key/value heads.

    Args:
      dtype: of keys and values; int8 stores them quantised.
      stacked: one `Stack` instead of a list.
      windows: how many tokens back a layer sees, for all layers or for each; it then gets a ring of so many slots.
        Layers of different windows can not be one stack: they stay a list.
    """
    per_layer = windows if isinstance(windows, tuple) else (windows,) * num_layers
    slots = [length if w is None else min(w, length) for w in per_layer]
    layers: Layers | Stack
    if stacked and len(set(slots)) == 1:
        layers = Stack(_empty((num_layers, batch, heads, slots[0], head_dim), dtype))
    else:
        layers = Layers(_empty((batch, heads, n, head_dim), dtype) for n in slots)
    return {"layers": layers, "index": jnp.zeros((), jnp.int32), "mask": jnp.zeros((batch, length), bool)}


def _empty(shape, dtype) -> dict:
    layer = {name: jnp.zeros(shape, dtype) for name in ("k", "v")}
    if jnp.dtype(dtype) == jnp.int8:
        layer |= {f"{name}_scale": jnp.zeros((*shape[:-1], 1), jnp.float32) for name in ("k", "v")}
    return layer


# ------------------------------------------------------------------------------------------------------ one layer


def update(layer, k, v, index, ring: int | None = None):
    """Takes new keys and values [B, S, K, H], the first at slot `index`, into one layer's cache.

    Args:
      layer: the layer's cache; None for a pass without one.
      ring: slots of the layer's ring, or None; see `ring`.

    Returns:
      (the layer's cache, keys, values) with the keys and values to attend to: all slots, dequantised, in the order
      that `nn.mask.decoder` masks. A ring's are its slots, with the new ones behind them where there are several.
    """
    if layer is None:
        return None, k, v
    slots, new = slots_of(layer), k.shape[1]
    entries = _encode(layer, k, v)
    if ring is None:
        at = (0, 0, index, 0)
        layer = {**layer, **{n: jax.lax.dynamic_update_slice(layer[n], x, at) for n, x in entries.items()}}
        return layer, *_decode(layer, k.dtype)
    last = min(slots, new)  # of many new tokens only the last can stay
    at = (index + jnp.arange(new - last, new)) % slots
    kept = {**layer, **{n: layer[n].at[:, :, at].set(x[:, :, new - last :]) for n, x in entries.items()}}
    if new == 1:
        return kept, *_decode(kept, k.dtype)
    seen = {n: jnp.concatenate([layer[n], x], 2) for n, x in entries.items()}
    return kept, *_decode(seen, k.dtype)


def slots_of(layer) -> int:
    """Slots that a layer's cache of keys and values has; of a stack, each of its layers."""
    return layer["k"].shape[-2]


def _turned(*arrays):
    """[B, S, K, H] and [B, K, S, H], each made of the other."""
    return tuple(x.swapaxes(1, 2) for x in arrays)


def _encode(layer, k, v) -> dict:
    k, v = _turned(k, v)
    if "k_scale" not in layer:
        return {"k": k.astype(layer["k"].dtype), "v": v.astype(layer["v"].dtype)}
    out = {}
    for name, x in (("k", k), ("v", v)):
        x = x.astype(jnp.float32)
        scale = jnp.abs(x).max(-1, keepdims=True) / 127
        out[name] = jnp.round(x / jnp.where(scale == 0, 1, scale)).astype(jnp.int8)
        out[f"{name}_scale"] = scale
    return out


def _decode(layer, dtype):
    if "k_scale" not in layer:
        return _turned(layer["k"], layer["v"])
    return _turned(*((layer[n].astype(jnp.float32) * layer[f"{n}_scale"]).astype(dtype) for n in ("k", "v")))


def memory(layer, make):
    """The encoder's keys and values for one layer: those that its cache holds, or `make()`, then kept in it.

    Args:
      layer: the layer's cache, or None.
      make: `() -> (k, v)`, each [B', S, K, H].

    Returns:
      (the layer's cache, k, v).
    """
    if keeps_memory(layer):
        return layer, *_turned(layer["memory"]["k"], layer["memory"]["v"])
    k, v = make()
    return None if layer is None else {**layer, "memory": dict(zip("kv", _turned(k, v), strict=True))}, k, v


def keeps_memory(layer) -> bool:
    """Does a layer's cache (or None) hold the encoder's keys and values already?"""
    return layer is not None and "memory" in layer


# ------------------------------------------------------------------------------------------------------ all layers


def begin(past, attention_mask, length: int):
    """What a decoder needs of `past_key_values` (a cache or None) for `length` new tokens.

    Returns:
      index: slot of the first new token, int32 [] (0 without a cache).
      layers: the per-layer caches for `fold`, or None.
      after: the cache with `mask` and `index` moved on, the new tokens valid where attention_mask [B, length]
        is; its `layers` are replaced by `finish`. None without a cache.
    """
    if past is None:
        return 0, None, None
    index, batch = past["index"], past["mask"].shape[0]
    new = jnp.ones((batch, length), bool) if attention_mask is None else attention_mask.astype(bool)
    mask = jax.lax.dynamic_update_slice(past["mask"], new, (0, index))
    return index, past["layers"], {**past, "mask": mask, "index": index + length}


def finish(after, ys):
    """The cache to return as `past_key_values`: `begin`'s third result with the layers that `fold` reported."""
    return None if after is None else {**after, "layers": pick(ys, "cache")}


def select(cache, rows):
    """A cache of the batch rows `rows` int [R], repeated or reordered.

    An encoder's keys and values stay as they are, a row a prompt: rows of one prompt must stay side by side.
    """

    def one(layer):
        axis = 1 if isinstance(layer, Stack) else 0
        return {
            n: x if n == "memory" else jax.tree.map(lambda x: jnp.take(x, rows, axis), x) for n, x in layer.items()
        }

    chosen = Layers(Stack(one(layer)) if isinstance(layer, Stack) else one(layer) for layer in _parts(cache))
    layers = chosen[0] if isinstance(cache["layers"], Stack) else chosen
    return {**cache, "layers": layers, "mask": cache["mask"][rows]}


def has_memory(cache) -> bool:
    """Does a cache (or None) hold the encoder's keys and values already?"""
    return cache is not None and keeps_memory(_parts(cache)[0])


def _parts(cache) -> list:
    """The layers' dicts, or the stacks of them."""
    return [cache["layers"]] if isinstance(cache["layers"], Stack) else cache["layers"]


def can_rewind(cache) -> bool:
    """Can tokens be taken back? Not from a recurrent state, nor from a ring, where they took the place of others."""
    length = cache["mask"].shape[1]
    return all("k" in layer and slots_of(layer) == length for layer in _parts(cache))


def ring(cache, window: int | None) -> int | None:
    """Slots of the rings that layers seeing `window` tokens back keep in a cache; None if they keep every token."""
    if cache is None or window is None:
        return None
    return window if min(map(slots_of, _parts(cache))) < cache["mask"].shape[1] else None


def rewind(cache, index):
    """The cache as it was when `index` (int32 []) was the next free slot; see `can_rewind`."""
    kept = jnp.arange(cache["mask"].shape[1]) < index
    return {**cache, "index": jnp.asarray(index, jnp.int32), "mask": cache["mask"] & kept}
