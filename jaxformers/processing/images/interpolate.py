"""Maps of numbers [..., H, W] resized as models do it: half-pixel centers, no smoothing."""

from __future__ import annotations

import numpy as np


def bilinear(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x [..., H, W] -> [..., *size], float32, straight between the nearest two in each direction."""
    return _resized(x, size, _linear)


def bicubic(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x [..., H, W] -> [..., *size], float32, by cubic convolution (a = -0.75) of the nearest four."""
    return _resized(x, size, _cubic)


def nearest(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x [..., H, W] -> [..., *size], the entry at the place rounded down."""
    for axis, n in ((-2, int(size[0])), (-1, int(size[1]))):
        have = x.shape[axis]
        at = np.minimum((np.arange(n, dtype=np.float32) * np.float32(have / n)).astype(int), have - 1)
        x = np.take(x, at, axis)
    return x


def smooth(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x [..., H, W] -> [..., *size], float32: `bilinear` whose triangles are as wide as shrinking makes them."""
    x = np.asarray(x, np.float32)
    for axis, n in ((-1, int(size[1])), (-2, int(size[0]))):
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ _triangles(n, x.shape[axis]).T, -1, axis)
    return x


def _triangles(n: int, have: int) -> np.ndarray:
    """Weights [n, have], each row summing to 1; in float32 throughout, as places are rounded in training."""
    one, half = np.float32(1), np.float32(0.5)
    scale = np.float32(have) / np.float32(n)
    wide = max(scale, one)
    center = (scale * (np.arange(n, dtype=np.float32) + half))[:, None]
    at = np.arange(have, dtype=np.float32)
    near = (at >= (center - wide + half).astype(int)) & (at < (center + wide + half).astype(int))
    weights = np.where(near, np.maximum(0, one - np.abs((at - center + half) * (one / wide))), 0)
    return weights / weights.sum(1, keepdims=True)


def _resized(x: np.ndarray, size: tuple[int, int], weigh) -> np.ndarray:
    x = np.asarray(x, np.float32)
    for axis, n in ((-2, int(size[0])), (-1, int(size[1]))):
        have = x.shape[axis]
        if n != have:
            x = np.moveaxis(weigh(np.moveaxis(x, axis, -1), n, have), -1, axis)
    return x


def _places(n: int, have: int) -> np.ndarray:
    return (np.arange(n, dtype=np.float32) + np.float32(0.5)) * np.float32(have / n) - np.float32(0.5)


def _linear(x: np.ndarray, n: int, have: int) -> np.ndarray:
    at = np.maximum(_places(n, have), 0)
    low = np.minimum(at.astype(int), have - 1)
    part = at - low.astype(np.float32)
    return x[..., low] * (1 - part) + x[..., np.minimum(low + 1, have - 1)] * part


def _cubic(x: np.ndarray, n: int, have: int) -> np.ndarray:
    at = _places(n, have)
    low = np.floor(at).astype(int)
    t, a = at - low.astype(np.float32), np.float32(-0.75)
    far, near = 1 + t, t
    weights = (
        ((a * far - 5 * a) * far + 8 * a) * far - 4 * a,
        ((a + 2) * near - (a + 3)) * near * near + 1,
        ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1,
        ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a,
    )
    taken = (x[..., np.clip(low + i, 0, have - 1)] for i in (-1, 0, 1, 2))
    return sum(w * v for w, v in zip(weights, taken, strict=True))  # type: ignore[return-value]
