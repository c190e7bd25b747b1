"""Attention masks: bool, True where a query may attend, broadcastable to [B, N, S, T].

A causal mask or a window is kept as its rule, `Band`, until something needs the array: a kernel that works in blocks
never does.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=("queries", "keys", "valid", "also"), meta_fields=("window", "ahead")
)
@dataclasses.dataclass(frozen=True)
class Band:
    """Query s sees the keys at its own position, `window` - 1 places before it and `ahead` places behind it.

    JAX functions take it for the array that `array` gives.

    Args:
      queries, keys: int [S] and [T]: the positions of both in the text.
      valid: a mask broadcastable to [B, N, S, T] that must hold as well, or None.
      window: None sees all of the past.
      ahead: 0 sees nothing of the future.
      also: a mask broadcastable to [B, 1, 1, T] of keys that every query sees, or None; `valid` must hold for them.
    """

    queries: Any
    keys: Any
    valid: Any = None
    window: int | None = None
    ahead: int = 0
    also: Any = None

    def array(self):
        """bool [1|B, 1|N, S, T]."""
        q, k = self.queries[:, None], self.keys[None, :]
        mask = k <= q + self.ahead
        mask = (mask if self.window is None else mask & (k > q - self.window))[None, None]
        mask = mask if self.also is None else mask | self.also
        return mask if self.valid is None else mask & self.valid

    __jax_array__ = array

    def __and__(self, other):
        return dataclasses.replace(self, valid=both(self.valid, array(other)))

    __rand__ = __and__

    def is_causal(self) -> bool:
        """Is there nothing else to it than that the future is not seen?"""
        return self.valid is None and self.window is None and self.ahead == 0 and self.also is None

    def is_static(self) -> bool:
        """Are `window` and `ahead` known when the program is made?"""
        return isinstance(self.window, int | None) and isinstance(self.ahead, int)

    def any_seen(self):
        """bool []: does any query see a key, whatever `valid` says?"""
        seen = self.keys.min() <= self.queries.max() + self.ahead
        if self.window is not None:
            seen = seen & (self.keys.max() > self.queries.min() - self.window)
        return seen if self.also is None else seen | self.also.any()


def array(mask):
    """A mask as an array (or None)."""
    return mask.array() if isinstance(mask, Band) else mask


def padding(attention_mask):
    """attention_mask [B, T] (nonzero = token), [B, S, T] or [B, 1|N, S, T] -> a mask to broadcast; None stays None."""
    if attention_mask is None:
        return None
    mask = attention_mask.astype(bool)
    return {2: lambda: mask[:, None, None, :], 3: lambda: mask[:, None], 4: lambda: mask}[mask.ndim]()


def causal(queries: int, keys: int, offset=0, window: int | None = None) -> Band:
    """Query s of `queries`, in slot s + offset, sees the last `window` of `keys` slots up to its own (None: all)."""
    return Band(jnp.arange(queries) + offset, jnp.arange(keys), None, window)


def window(attention_mask, length: int, each_side: int) -> Band:
    """Every token sees itself and `each_side` tokens on each side; attention_mask as `padding` takes it, or None."""
    at = jnp.arange(length)
    return Band(at, at, padding(attention_mask), each_side + 1, each_side)


def decoder(attention_mask, length: int, cache=None, window: int | None = None, ring: int | None = None):
    """Band mask and padding together (a `Band`), over the keys that `cache.update` returns.

    Args:
      attention_mask: [B, length] validity of the new tokens, or a ready mask [B, S, T] / [B, N, S, T], or None.
      length: number of new tokens.
      cache: the cache after these tokens (`cache.begin`'s third result), or None for a pass without one.
      window: how many tokens back, itself included, a token sees.
      ring: slots of the rings that such layers keep in the cache; see `cache.ring`.
    """
    if cache is None:
        return dataclasses.replace(causal(length, length, 0, window), valid=padding(attention_mask))
    slots, start = cache["mask"].shape[1], cache["index"] - length
    if ring is None:
        return causal(length, slots, start, window) & padding(cache["mask"])
    last = start if length == 1 else start - 1  # the newest token in the ring's slots
    k = last - (last - jnp.arange(ring)) % ring  # the token in each slot; negative where there is none yet
    if length > 1:
        k = jnp.concatenate([k, start + jnp.arange(length)])
    real = jnp.take(cache["mask"], jnp.maximum(k, 0), axis=1) & (k >= 0)
    return Band(start + jnp.arange(length), k, padding(real), window)


def both(a, b):
    """Conjunction of two masks, either of which may be None."""
    if a is None or b is None:
        return b if a is None else a
    return a & b
