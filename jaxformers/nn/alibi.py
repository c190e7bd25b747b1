"""ALiBi: scores that fall with the distance of a key, by a slope of each head's own, in place of positions.

https://arxiv.org/abs/2108.12409. A softmax does not see what is added to all of a query's scores, so a key's own
position, counted without padding, stands for its distance.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np


@functools.cache
def slopes(heads: int) -> np.ndarray:
    """float32 [N]: powers of one base for a power of two of heads, for the rest every other power of a finer base."""
    n = 2 ** int(math.log2(heads))
    powers = np.concatenate([np.arange(1, n + 1) / n, np.arange(1, 2 * (heads - n), 2) / (2 * n)])
    return np.exp2(-8 * powers).astype(np.float32)


def key_positions(mask, keys: int):
    """int [B or 1, T]: how many tokens stand before each of `keys` keys, 0 at padding.

    Args:
      mask: [B, T], nonzero = token; anything but two axes counts every key as a token.
    """
    if mask is None or mask.ndim != 2:
        return jnp.arange(keys)[None]
    mask = mask.astype(jnp.int32)
    return (jnp.cumsum(mask, -1) - 1) * mask


def alibi(heads: int, positions, dtype):
    """What to add to scores, [B, N, 1, T] of `dtype`, for keys at `positions` int [B, T]."""
    return (jnp.asarray(slopes(heads))[:, None, None] * positions[:, None, None, :]).astype(dtype)
