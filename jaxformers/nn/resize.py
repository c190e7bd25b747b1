"""Resizing grids and images by two small matrices, one for the height and one for the width."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

_A = -0.75  # the cubic kernel's slope at 1: PyTorch's choice (OpenCV's too; Pillow and TensorFlow use -0.5)


@functools.cache
def bicubic_weights(old: int, new: int) -> np.ndarray:
    """float32 [new, old]: each new sample as a mixture of four old ones, edges repeated.

    Pixel centres are aligned by halves (`align_corners=False`) and nothing is smoothed before shrinking
    (`antialias=False`). Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    at = (np.arange(new) + 0.5) * (old / new) - 0.5
    base = np.floor(at)
    out = np.zeros((new, old))
    for tap in range(-1, 3):
        t = np.abs(at - base - tap)
        near = ((_A + 2) * t - (_A + 3)) * t * t + 1
        far = ((_A * t - 5 * _A) * t + 8 * _A) * t - 4 * _A
        np.add.at(out, (np.arange(new), np.clip(base + tap, 0, old - 1).astype(int)), np.where(t <= 1, near, far))
    return out.astype(np.float32)


def bicubic(x, size: tuple[int, int]):
    """x [..., H, W, C] resized to (height, width) as `torch.nn.functional.interpolate(mode="bicubic")` does it."""
    rows, columns = (jnp.asarray(bicubic_weights(o, n)) for o, n in zip(x.shape[-3:-1], size, strict=True))
    y = jnp.einsum("ih,jw,...hwc->...ijc", rows, columns, x.astype(jnp.float32), precision=jax.lax.Precision.HIGHEST)
    return y.astype(x.dtype)
