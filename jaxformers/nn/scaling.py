"""Scalers of time series: what shifts and divides a series so that series of all magnitudes look alike to a model.

Each takes the values `x` [B, T] or [B, T, C] and `observed`, 1 where there is a value and 0 where it is missing, and
gives (loc, scale), one of each a series, with an axis of length 1 in place of T. The scaled series is
(x - loc) / scale. Sums are float32.
"""

from __future__ import annotations

import jax.numpy as jnp


def mean_scale(x, observed, minimum: float = 1e-10, default: float | None = None):
    """Divides by the mean absolute value of what is observed; nothing is shifted.

    Args:
      minimum: the smallest scale.
      default: the scale of series without any value; by default the mean absolute value of the whole batch.
    """
    x32, seen = x.astype(jnp.float32), observed.astype(jnp.float32)
    total, count = jnp.abs(x32 * seen).sum(1, keepdims=True), seen.sum(1, keepdims=True)
    batch = total.sum(0) / jnp.maximum(count.sum(0), 1)
    scale = jnp.where(count > 0, total / jnp.maximum(count, 1), batch if default is None else default)
    scale = jnp.maximum(scale, minimum).astype(x.dtype)
    return jnp.zeros_like(scale), scale


def std_scale(x, observed, minimum: float = 1e-5):
    """Shifts by the mean of what is observed and divides by its standard deviation; the variance gains `minimum`."""
    x32, seen = x.astype(jnp.float32), observed.astype(jnp.float32)
    count = jnp.maximum(seen.sum(1, keepdims=True), 1)
    loc = (x32 * seen).sum(1, keepdims=True) / count
    variance = jnp.square((x32 - loc) * seen).sum(1, keepdims=True) / count
    return loc.astype(x.dtype), jnp.sqrt(variance + minimum).astype(x.dtype)


def no_scale(x, observed=None):
    """Leaves the series as they are."""
    scale = jnp.ones_like(x[:, :1])
    return jnp.zeros_like(scale), scale
