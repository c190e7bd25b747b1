"""Normalisation layers. Statistics are float32 whatever the dtype of the activations."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.spec import Param, ones, zeros


def LayerNorm(dim: int, axes: str = "embed", bias: bool = True) -> dict:
    """Declares `weight` and `bias` [dim]. https://arxiv.org/abs/1607.06450"""
    p = {"weight": Param((dim,), axes, ones)}
    return {**p, "bias": Param((dim,), axes, zeros)} if bias else p


def layer_norm(p, x, eps: float):
    """x [..., dim] normalised over its last axis to mean 0 and variance 1, scaled and shifted."""
    x32 = x.astype(jnp.float32)
    mean = x32.mean(-1, keepdims=True)
    centred = x32 - mean
    y = centred * jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + eps)
    y = y * p["weight"].astype(jnp.float32)
    return (y + p["bias"].astype(jnp.float32) if "bias" in p else y).astype(x.dtype)


def RMSNorm(dim: int, axes: str = "embed") -> dict:
    """Declares `weight` [dim]. https://arxiv.org/abs/1910.07467"""
    return {"weight": Param((dim,), axes, ones)}


def rms_norm(p, x, eps: float):
    """x [..., dim] divided by its root mean square over the last axis and scaled; no mean is taken."""
    x32 = x.astype(jnp.float32)
    y = x32 * jax.lax.rsqrt(jnp.square(x32).mean(-1, keepdims=True) + eps)
    return p["weight"] * y.astype(x.dtype)


def BatchNorm(dim: int, axes: str = "channels") -> dict:
    """Declares `weight`, `bias` and the running statistics, all [dim]. https://arxiv.org/abs/1502.03167"""
    return {
        "weight": Param((dim,), axes, ones),
        "bias": Param((dim,), axes, zeros),
        "running_mean": Param((dim,), axes, zeros, trainable=False),
        "running_var": Param((dim,), axes, ones, trainable=False),
    }


def batch_norm(p, x, train: bool, eps: float = 1e-5, momentum: float = 0.1):
    """Normalises x [..., C] per channel: by the batch's statistics when `train`, by the running ones otherwise.

    Returns:
      y: like x.
      state: the new `running_mean` and `running_var` (None when not `train`). As in PyTorch they move by `momentum`
        towards the batch's mean and its *unbiased* variance; the batch is normalised by the biased one.
    """
    x32 = x.astype(jnp.float32)
    if train:
        axes = tuple(range(x.ndim - 1))
        n = x.size // x.shape[-1]
        mean, var = x32.mean(axes), x32.var(axes)
        state = {
            "running_mean": _towards(p["running_mean"], mean, momentum),
            "running_var": _towards(p["running_var"], var * (n / max(n - 1, 1)), momentum),
        }
    else:
        mean, var, state = p["running_mean"].astype(jnp.float32), p["running_var"].astype(jnp.float32), None
    scale = jax.lax.rsqrt(var + eps) * p["weight"].astype(jnp.float32)
    shift = p["bias"].astype(jnp.float32) - mean * scale
    return (x32 * scale + shift).astype(x.dtype), state


def _towards(old, new, momentum):
    mixed = (1 - momentum) * old.astype(jnp.float32) + momentum * jax.lax.stop_gradient(new)
    return mixed.astype(old.dtype)
