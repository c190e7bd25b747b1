"""Group normalisation. https://arxiv.org/abs/1803.08494"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.norm import LayerNorm


def GroupNorm(dim: int, axes: str = "channels") -> dict:
    """Declares `weight` and `bias` [dim]."""
    return LayerNorm(dim, axes)


def group_norm(p, x, groups: int, eps: float = 1e-5):
    """x [B, ..., C] normalised over all places and the channels of each of `groups` groups, scaled and shifted."""
    y = x.astype(jnp.float32).reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    centred = y - y.mean((1, 3), keepdims=True)
    y = centred * jax.lax.rsqrt(jnp.square(centred).mean((1, 3), keepdims=True) + eps)
    y = y.reshape(x.shape) * p["weight"].astype(jnp.float32) + p["bias"].astype(jnp.float32)
    return y.astype(x.dtype)
