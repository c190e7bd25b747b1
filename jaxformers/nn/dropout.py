"""Dropout. A key switches it on: without one every function here is the identity."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def dropout(x, rate: float, key):
    """Zeroes each entry with probability `rate` and scales the rest by 1 / (1 - rate); x itself when key is None."""
    if key is None or rate == 0.0:
        return x
    if rate >= 1.0:
        return jnp.zeros_like(x)
    return jnp.where(jax.random.bernoulli(key, 1.0 - rate, x.shape), x / (1.0 - rate), 0).astype(x.dtype)


def split(key, n: int):
    """`n` independent keys, or `n` times None when there is no key."""
    return (None,) * n if key is None else tuple(jax.random.split(key, n))


def split_layers(key, n: int):
    """Keys for `n` layers as one array [n], made of one key or given as such; or None."""
    if key is None:
        return None
    one = jnp.ndim(key) == (0 if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else 1)
    return jax.random.split(key, n) if one else key
