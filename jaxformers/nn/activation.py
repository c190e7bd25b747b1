"""Activation functions by the names that `config.json` uses."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

_SQRT_2_OVER_PI = 0.7978845608028654


def gelu_new(x):
    """Gaussian error linear unit, tanh approximation. https://arxiv.org/abs/1606.08415"""
    return 0.5 * x * (1 + jnp.tanh(_SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)))


def quick_gelu(x):
    """x * sigmoid(1.702 x)."""
    return x * jax.nn.sigmoid(1.702 * x)


def gelu_10(x):
    """Exact gelu, clipped to [-10, 10]."""
    return jnp.clip(gelu(x), -10, 10)


def mish(x):
    return x * jnp.tanh(jax.nn.softplus(x))


gelu = functools.partial(jax.nn.gelu, approximate=False)

ACTIVATIONS: dict[str, Callable] = {
    "gelu": gelu,
    "gelu_python": gelu,
    "gelu_new": gelu_new,
    "gelu_pytorch_tanh": gelu_new,
    "gelu_fast": gelu_new,
    "gelu_accurate": gelu_new,
    "quick_gelu": quick_gelu,
    "gelu_10": gelu_10,
    "relu": jax.nn.relu,
    "relu2": lambda x: jnp.square(jax.nn.relu(x)),
    "relu6": jax.nn.relu6,
    "leaky_relu": jax.nn.leaky_relu,
    "silu": jax.nn.silu,
    "swish": jax.nn.silu,
    "mish": mish,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "linear": lambda x: x,
}

NAMES = tuple(ACTIVATIONS)


def activation(name: str, x):
    """Applies the activation that a config names; the names are the keys of `ACTIVATIONS`."""
    return ACTIVATIONS[name](x)
