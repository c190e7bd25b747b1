"""Stochastic depth: whole residual branches are left out at random, one draw a row. https://arxiv.org/abs/1603.09382"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np


def drop_path(x, rate, key):
    """Zeroes each row of x [B, ...] with probability `rate` and scales the rest by 1 / (1 - rate); x without a key.

    `rate` is a number in [0, 1) or a scalar array, so that scanned layers may each have their own.
    """
    if key is None:
        return x
    keep = jax.random.bernoulli(key, 1.0 - rate, (x.shape[0],) + (1,) * (x.ndim - 1))
    return jnp.where(keep, x / (1.0 - rate), 0).astype(x.dtype)


def drop_path_rates(last: float, layers: int) -> np.ndarray:
    """float32 [layers]: the rate grows evenly with depth, from 0 in the first layer to `last`."""
    return np.linspace(0, last, layers, dtype=np.float32)
