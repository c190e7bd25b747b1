"""Key/value caches for decoding: plain pytrees, state in and state out.

A cache is `{"layers": ..., "index": int32 [], "mask": bool [B, T]}`. `layers` has the form of the model's layers
(`Layers` of `{"k", "v"}` or one `Stack`), each [B, T, K, H]; `index` is the next free slot, `mask` tells which slots
hold real tokens.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.fold import pick
from jaxformers.spec import Layers, Stack


def KVCache(num_layers: int, batch: int, length: int, heads: int, head_dim: int, dtype, stacked: bool = False) -> dict:
    """An empty cache of `length` slots for `num_layers` layers of `heads` key/value heads."""
    shape = (batch, length, heads, head_dim)
    layers: Layers | Stack
    if stacked:
        layers = Stack({name: jnp.zeros((num_layers, *shape), dtype) for name in ("k", "v")})
    else:
        layers = Layers({name: jnp.zeros(shape, dtype) for name in ("k", "v")} for _ in range(num_layers))
    return {"layers": layers, "index": jnp.zeros((), jnp.int32), "mask": jnp.zeros((batch, length), bool)}


def write(layer, k, v, index):
    """One layer's cache with new keys and values [B, S, K, H] written from slot `index` on."""
    at = (0, index, 0, 0)
    return {
        "k": jax.lax.dynamic_update_slice(layer["k"], k.astype(layer["k"].dtype), at),
        "v": jax.lax.dynamic_update_slice(layer["v"], v.astype(layer["v"].dtype), at),
    }


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
    """A cache of the batch rows `rows` int [R], repeated or reordered."""

    def one(layer):
        axis = 1 if isinstance(layer, Stack) else 0
        return jax.tree.map(lambda x: jnp.take(x, rows, axis=axis), layer)

    layers = cache["layers"]
    chosen = one(layers) if isinstance(layers, Stack) else Layers(one(layer) for layer in layers)
    return {**cache, "layers": chosen, "mask": cache["mask"][rows]}
