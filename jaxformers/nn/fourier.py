"""Fourier features: where something lies, told by sines and cosines of frequencies up to what the grid can tell apart.

Paper: https://arxiv.org/abs/2103.03206, appendix D.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np


def linspace(first: float, last: float, n: int) -> np.ndarray:
    """float32 [n] from `first` to `last`, each half counted from its own end and rounded as PyTorch rounds it.

    Frequencies are in the hundreds and thousands: the last bit of a position or of a frequency shows.
    """
    low, high, steps = np.float32(first), np.float32(last), np.arange(n, dtype=np.float32)
    step = (high - low) / np.float32(max(n - 1, 1))
    return np.where((steps < n // 2) | (n == 1), low + step * steps, high - step * (n - 1 - steps))


def grid_positions(shape: Sequence[int]):
    """float32 [prod(shape), d]: the places of a grid, row by row; each axis runs from -1 to 1."""
    axes = jnp.meshgrid(*(jnp.asarray(linspace(-1, 1, n)) for n in shape), indexing="ij")
    return jnp.stack(axes, -1).reshape(-1, len(shape))


def point_positions(indices, shape: Sequence[int]):
    """float32 [n, d]: places of flat `indices` int [n] into a grid; each axis runs from -1 to just below 1."""
    axes = jnp.stack(jnp.unravel_index(indices, tuple(shape)), -1)
    return -1 + 2 * axes / jnp.asarray(shape, jnp.float32)


def fourier_size(bands: int, dims: int) -> int:
    """Features of a place in so many dimensions."""
    return dims * (2 * bands + 1)


def fourier(positions, bands: int, resolution: Sequence[int]):
    """float32 [n, d * (2 * bands + 1)] of positions float32 [n, d]: themselves, then all sines, then all cosines.

    Args:
      bands: frequencies an axis, evenly spaced from 1 to half of its `resolution` (the Nyquist frequency).
      resolution: of each of the d axes, as the model was trained.
    """
    frequencies = np.stack([linspace(1, n / 2, bands) for n in resolution])
    angles = (math.pi * (positions[:, :, None] * frequencies)).reshape(len(positions), -1)
    return jnp.concatenate([positions, jnp.sin(angles), jnp.cos(angles)], -1)
