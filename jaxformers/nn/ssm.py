"""State space models: the causal convolution, the selective scan and the state that decoding carries.

A cache is `{"layers": ..., "index": int32 [], "mask": bool [B, T]}` as in `nn.cache`, and goes through the same
`begin`, `finish` and `select`. What a layer keeps does not grow with the text: `conv` [B, D, K], the last K inputs of
the convolution, the newest last, and `ssm` [B, D, N], the state of the recurrence.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp

from jaxformers.nn.device import platform
from jaxformers.spec import Layers, Param, Stack, uniform, zeros

# A gradient keeps the state before every so many steps, and recomputes those within.
CHUNK = 64


def StateCache(
    num_layers: int, batch: int, length: int, conv: tuple, ssm: tuple, dtype, stacked: bool = False
) -> dict:
    """The cache before the first token.

    Args:
      length: slots of `mask`, which tells the real tokens among those read; the states do not depend on it.
      conv, ssm: shapes of one row's states, (D, K) and (D, N).
      dtype: of `conv`, float32 for one that is not floating: states are never quantised. `ssm` is float32 always,
        since rounding adds up over a whole text.
    """
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32
    front = (num_layers, batch) if stacked else (batch,)

    def one() -> dict:
        return {"conv": jnp.zeros((*front, *conv), dtype), "ssm": jnp.zeros((*front, *ssm), jnp.float32)}

    layers: Layers | Stack = Stack(one()) if stacked else Layers(one() for _ in range(num_layers))
    return {"layers": layers, "index": jnp.zeros((), jnp.int32), "mask": jnp.zeros((batch, length), bool)}


# ------------------------------------------------------------------------------------------------------ initialisers


@functools.cache
def constant(value: float):
    """`value` everywhere."""
    return functools.partial(_constant, value)


def _constant(value: float, key, shape, dtype):
    return jnp.full(shape, value, dtype)


def decay_log(key, shape, dtype):
    """log(1) to log(N) along the last axis: the logarithms of S4D-Real's decays. https://arxiv.org/abs/2206.11893"""
    return jnp.broadcast_to(jnp.log(jnp.arange(1, shape[-1] + 1, dtype=jnp.float32)), shape).astype(dtype)


@functools.cache
def step_bias(low: float, high: float, floor: float):
    """Values whose softplus is log-uniform on [low, high], and at least `floor`."""
    return functools.partial(_step_bias, low, high, floor)


def _step_bias(low: float, high: float, floor: float, key, shape, dtype):
    drawn = jnp.exp(jax.random.uniform(key, shape, jnp.float32, math.log(low), math.log(high)))
    step = jnp.maximum(drawn, floor)
    return (step + jnp.log(-jnp.expm1(-step))).astype(dtype)


# ------------------------------------------------------------------------------------------------------ convolution


def CausalConv(dim: int, kernel: int, axes: str = "mlp", bias: bool = True) -> dict:
    """Declares `weight` [dim, 1, kernel], a filter for every channel, and `bias` [dim]."""
    p = {"weight": Param((dim, 1, kernel), (axes, "-", "-"), uniform(kernel**-0.5))}
    return {**p, "bias": Param((dim,), axes, zeros)} if bias else p


def causal_conv(p, x, window=None):
    """Filters each channel of x [B, S, D] over its last K steps, summed in float32.

    Args:
      window: the K inputs before x, [B, D, K]; zeros by default.

    Returns:
      y like x, and the window after x, in the dtype of the one before.
    """
    batch, length, dim = x.shape
    w = p["weight"][:, 0].astype(jnp.float32)
    kernel = w.shape[1]
    window = jnp.zeros((batch, dim, kernel), x.dtype) if window is None else window
    seen = jnp.concatenate([window[:, :, 1:].swapaxes(1, 2).astype(x.dtype), x], 1)
    # Sums of shifted copies: a depthwise convolution inside a scan is slow on XLA's CPU.
    y = sum(seen[:, k : k + length].astype(jnp.float32) * w[:, k] for k in range(kernel))
    y = y + p["bias"].astype(jnp.float32) if "bias" in p else y
    return y.astype(x.dtype), seen[:, -kernel:].swapaxes(1, 2).astype(window.dtype)


# ------------------------------------------------------------------------------------------------------ recurrence


def selective_scan(x, step, decay, b, c, state=None, parallel: bool | None = None):
    """The selective recurrence in float32, https://arxiv.org/abs/2312.00752:

        h[t] = exp(step[t] decay) h[t - 1] + step[t] x[t] b[t],    y[t] = <h[t], c[t]>

    with a state h [D, N] for each row.

    Long inputs are read in chunks, of which one at a time is spread out to [B, CHUNK, D, N].

    Args:
      x, step: [B, S, D], inputs and their positive step sizes.
      decay: [D, N], negative.
      b, c: [B, S, N], what is written to and read from the state.
      state: h before the first step, [B, D, N]; zeros by default.
      parallel: an associative scan within a chunk, of logarithmic depth, instead of step after step. By default
        everywhere but on the CPU, where it is four times slower (measured: 512 steps of [1536, 16], 87 ms and 21 ms).

    Returns:
      y float32 [B, S, D], and h after the last step, float32 [B, D, N].
    """
    batch, length, dim = x.shape
    x, step, decay, b, c = (a.astype(jnp.float32) for a in (x, step, decay, b, c))
    state = jnp.zeros((batch, *decay.shape), jnp.float32) if state is None else state.astype(jnp.float32)
    if length == 1:
        state, y = _one(decay, state, (x[:, 0], step[:, 0], b[:, 0], c[:, 0]))
        return y[:, None], state
    parallel = platform() != "cpu" if parallel is None else parallel
    size = min(CHUNK, length)
    chunks = -(-length // size)

    def cut(a):  # [B, S, F] -> [chunks, B, size, F]; the steps added at the end have size 0 and keep the state
        a = jnp.pad(a, ((0, 0), (0, chunks * size - length), (0, 0)))
        return a.reshape(batch, chunks, size, -1).swapaxes(0, 1)

    read = jax.checkpoint(functools.partial(_tree if parallel else _steps, decay), prevent_cse=False)
    state, y = jax.lax.scan(read, state, tuple(cut(a) for a in (x, step, b, c)))
    return y.swapaxes(0, 1).reshape(batch, chunks * size, dim)[:, :length], state


def _one(decay, h, inputs):
    """One step: x, step [B, D] and b, c [B, N]. Returns (h, y [B, D])."""
    x, step, b, c = inputs
    h = jnp.exp(step[..., None] * decay) * h + (step * x)[..., None] * b[:, None]
    return h, jnp.einsum("bdn,bn->bd", h, c)


def _steps(decay, h, inputs):
    """A chunk [B, L, ...] step after step."""
    h, y = jax.lax.scan(functools.partial(_one, decay), h, tuple(a.swapaxes(0, 1) for a in inputs))
    return h, y.swapaxes(0, 1)


def _tree(decay, h, inputs):
    """A chunk [B, L, ...] by an associative scan over the maps h -> gain h + added."""
    x, step, b, c = inputs
    gain = jnp.exp(step[..., None] * decay)
    added = (step * x)[..., None] * b[:, :, None]

    def compose(first, then):
        return first[0] * then[0], then[0] * first[1] + then[1]

    gain, added = jax.lax.associative_scan(compose, (gain, added), axis=1)
    states = gain * h[:, None] + added
    return states[:, -1], jnp.einsum("bldn,bln->bld", states, c)
