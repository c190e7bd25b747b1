"""Sinusoidal positions: sines and cosines whose wavelengths grow geometrically; nothing is learnt.

https://arxiv.org/abs/1706.03762, section 3.5. Two spellings are in use, which differ in the longest wavelength; both
keep all sines before all cosines.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jaxformers.spec import Param

_BASE = 10000.0


def SinusoidTable(num: int, dim: int) -> dict:
    """Declares the waves of positions 0 to num - 1 as `weight` [num, dim]: some files hold them, others do not."""
    return {"weight": Param((num, dim), "- embed", sinusoid_table, trainable=False, optional=True)}


def sinusoid_table(key, shape, dtype):
    """Initialiser of such a table: wave i of dim / 2 turns by position / 10000^(2i / dim)."""
    num, dim = shape
    angles = np.arange(num)[:, None] / _BASE ** (2 * np.arange((dim + 1) // 2) / dim)
    return jnp.asarray(np.concatenate([np.sin(angles), np.cos(angles[:, : dim // 2])], 1), dtype)


def sinusoids(positions, dim: int):
    """positions int [...] -> waves float32 [..., dim], the longest of which turns by position / 10000.

    An odd `dim` ends with a zero. `dim` must be at least 4.
    """
    half = dim // 2
    speeds = np.exp(np.arange(half, dtype=np.float32) * np.float32(-np.log(_BASE) / (half - 1)))
    angles = positions[..., None].astype(jnp.float32) * speeds
    waves = [jnp.sin(angles), jnp.cos(angles)]
    if dim % 2:
        waves.append(jnp.zeros((*positions.shape, 1), jnp.float32))
    return jnp.concatenate(waves, -1)
