"""Square windows of images: cutting into them, and who attends to whom in them. https://arxiv.org/abs/2103.14030"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np


def split_windows(x, size: int):
    """[B, H, W, C] -> [B * windows, size^2, C]; a row's windows lie side by side."""
    b, h, w, d = x.shape
    x = x.reshape(b, h // size, size, w // size, size, d).swapaxes(2, 3)
    return x.reshape(-1, size * size, d)


def join_windows(x, size: int, height: int, width: int):
    """The inverse of `split_windows`."""
    x = x.reshape(-1, height // size, width // size, size, size, x.shape[-1]).swapaxes(2, 3)
    return x.reshape(-1, height, width, x.shape[-1])


def window_mask(height: int, width: int, size: int, shift: int) -> np.ndarray:
    """bool [windows, 1, size^2, size^2]: pairs that were neighbours before the image was rolled by `shift`."""
    ends = [np.searchsorted([n - size, n - shift], np.arange(n), "right") for n in (height, width)]
    parts = split_windows((3 * ends[0][:, None] + ends[1])[None, :, :, None], size)[..., 0]
    return (parts[:, :, None] == parts[:, None, :])[:, None]


def window_bias(table, size: int):
    """The table [(2 * size - 1)^2, N] as scores [1, N, size^2, size^2] of every pair of a window's pixels."""
    y, x = np.divmod(np.arange(size**2), size)
    pairs = (y[:, None] - y + size - 1) * (2 * size - 1) + x[:, None] - x + size - 1
    return jnp.moveaxis(table[pairs], -1, 0)[None]
