"""Attention masks: bool, True where a query may attend, broadcastable to [B, N, S, T]."""

from __future__ import annotations

import jax.numpy as jnp


def padding(attention_mask):
    """attention_mask [B, T] (nonzero = token), [B, S, T] or [B, 1|N, S, T] -> a mask to broadcast; None stays None."""
    if attention_mask is None:
        return None
    mask = attention_mask.astype(bool)
    return {2: lambda: mask[:, None, None, :], 3: lambda: mask[:, None], 4: lambda: mask}[mask.ndim]()


def causal(queries: int, keys: int, offset=0, window: int | None = None):
    """[1, 1, S, T]: query s, at slot s + offset, sees the last `window` slots up to its own (all for None)."""
    return _before(jnp.arange(queries) + offset, jnp.arange(keys), window)


def _before(q, k, window):
    q, k = q[:, None], k[None, :]
    mask = k <= q
    return (mask if window is None else mask & (k > q - window))[None, None]


def decoder(attention_mask, length: int, cache=None, window: int | None = None, ring: int | None = None):
    """Causal mask and padding together, over the keys that `cache.update` returns.

    Args:
      attention_mask: [B, length] validity of the new tokens, or a ready mask [B, S, T] / [B, N, S, T], or None.
      length: number of new tokens.
      cache: the cache after these tokens (`cache.begin`'s third result), or None for a pass without one.
      window: how many tokens back, itself included, a token sees.
      ring: slots of the rings that such layers keep in the cache; see `cache.ring`.
    """
    if cache is None:
        mask = causal(length, length, 0, window)
        return mask if attention_mask is None else mask & padding(attention_mask)
    slots, start = cache["mask"].shape[1], cache["index"] - length
    if ring is None:
        return causal(length, slots, start, window) & padding(cache["mask"])
    last = start if length == 1 else start - 1  # the newest token in the ring's slots
    k = last - (last - jnp.arange(ring)) % ring  # the token in each slot; negative where there is none yet
    if length > 1:
        k = jnp.concatenate([k, start + jnp.arange(length)])
    real = jnp.take(cache["mask"], jnp.maximum(k, 0), axis=1) & (k >= 0)
    return _before(start + jnp.arange(length), k, window) & padding(real)


def both(a, b):
    """Conjunction of two masks, either of which may be None."""
    if a is None or b is None:
        return b if a is None else a
    return a & b
