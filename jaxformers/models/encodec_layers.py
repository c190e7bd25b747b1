"""The layers of EnCodec's encoder and decoder, which files number through, those without parameters too.

`encoder(c)` and `decoder(c)` list what the layers are; `Parts` declares and `run` computes such a list.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxformers.nn.group_norm import GroupNorm, group_norm
from jaxformers.nn.lstm import LSTM, lstm
from jaxformers.nn.overlap import TransposedTimeConv, transposed_time_conv
from jaxformers.nn.temporal import TimeConv, time_conv
from jaxformers.nn.weight_norm import WeightNorm, weight_norm
from jaxformers.spec import uniform

PAD_MODES = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}  # ours: numpy's


class Conv(NamedTuple):
    """A convolution over time, padded so that T samples make ceil(T / stride)."""

    cin: int
    cout: int
    width: int
    stride: int = 1
    dilation: int = 1


class Up(NamedTuple):
    """A transposed convolution of twice the stride's width, trimmed so that T samples make T * stride."""

    cin: int
    cout: int
    stride: int


class Residual(NamedTuple):
    """Two convolutions, the first of them dilated, beside a shortcut."""

    dim: int
    dilation: int


class Memory(NamedTuple):
    """LSTM layers beside a shortcut."""

    dim: int


class Elu(NamedTuple):
    """The exponential linear unit. https://arxiv.org/abs/1511.07289"""


def encoder(c) -> list:
    d = c.num_filters
    parts: list = [Conv(c.audio_channels, d, c.kernel_size)]
    for ratio in reversed(c.upsampling_ratios):
        parts += [Residual(d, c.dilation_growth_rate**i) for i in range(c.num_residual_layers)]
        parts += [Elu(), Conv(d, 2 * d, 2 * ratio, ratio)]
        d *= 2
    return [*parts, Memory(d), Elu(), Conv(d, c.hidden_size, c.last_kernel_size)]


def decoder(c) -> list:
    d = c.num_filters * 2 ** len(c.upsampling_ratios)
    parts: list = [Conv(c.hidden_size, d, c.kernel_size), Memory(d)]
    for ratio in c.upsampling_ratios:
        parts += [Elu(), Up(d, d // 2, ratio)]
        d //= 2
        parts += [Residual(d, c.dilation_growth_rate**i) for i in range(c.num_residual_layers)]
    return [*parts, Elu(), Conv(d, c.audio_channels, c.last_kernel_size)]


def block(c, part: Residual) -> list:
    """The layers of a residual one."""
    d, hidden = part.dim, part.dim // c.compress
    first = Conv(d, hidden, c.residual_kernel_size, 1, part.dilation)
    return [Elu(), first, Elu(), Conv(hidden, d, 1)]


# ------------------------------------------------------------------------------------------------------ declarations


def Parts(c, parts) -> dict:
    return {"layers": [Part(c, part) for part in parts]}


def Part(c, part) -> dict:
    match part:
        case Conv():
            init = uniform((part.cin * part.width) ** -0.5)
            return Normed(c, TimeConv(part.cin, part.cout, part.width, init=init), part.cout)
        case Up():
            init = uniform((part.cout * 2 * part.stride) ** -0.5)
            return Normed(c, TransposedTimeConv(part.cin, part.cout, 2 * part.stride, init=init), part.cout)
        case Residual():
            shortcut = {"shortcut": Part(c, Conv(part.dim, part.dim, 1))} if c.use_conv_shortcut else {}
            return {"block": Parts(c, block(c, part))["layers"], **shortcut}
        case Memory():
            return {"lstm": LSTM(part.dim, part.dim, c.num_lstm_layers)}
    return {}


def Normed(c, conv: dict, cout: int) -> dict:
    if c.norm_type == "weight_norm":
        return {"conv": WeightNorm(conv)}
    return {"conv": conv, "norm": GroupNorm(cout)}


# ------------------------------------------------------------------------------------------------------ functions


def run(p, c, parts, x):
    """x [B, T, C] through the layers that `parts` lists."""
    for own, part in zip(p["layers"], parts, strict=True):
        x = _COMPUTED[type(part)](own, c, part, x)
    return x


def conv(p, c, part: Conv, x):
    width = (part.width - 1) * part.dilation + 1
    around, missing = width - part.stride, -x.shape[1] % part.stride
    after = 0 if c.use_causal_conv else around // 2
    x = pad(x, around - after, after + missing, c.pad_mode)
    x = time_conv(weight_norm(p["conv"]), x, part.stride, dilation=part.dilation)
    return group_norm(p["norm"], x, 1) if "norm" in p else x


def pad(x, before: int, after: int, mode: str):
    """x [B, T, C] with more samples on both sides. What is too short to be mirrored is first followed by zeros."""
    short = max(0, max(before, after) - x.shape[1] + 1) if mode == "reflect" else 0
    x = jnp.pad(x, ((0, 0), (0, short), (0, 0)))
    x = jnp.pad(x, ((0, 0), (before, after), (0, 0)), PAD_MODES[mode])
    return x[:, : x.shape[1] - short]


def up(p, c, part: Up, x):
    x = transposed_time_conv(weight_norm(p["conv"]), x, part.stride)
    if "norm" in p:
        x = group_norm(p["norm"], x, 1)
    after = math.ceil(part.stride * c.trim_right_ratio) if c.use_causal_conv else part.stride // 2
    return x[:, part.stride - after : x.shape[1] - after]


def residual(p, c, part: Residual, x):
    y = run({"layers": p["block"]}, c, block(c, part), x)
    return y + (conv(p["shortcut"], c, Conv(part.dim, part.dim, 1), x) if "shortcut" in p else x)


def memory(p, c, part: Memory, x):
    return lstm(p["lstm"], x) + x


def elu(p, c, part: Elu, x):
    return jax.nn.elu(x)


_COMPUTED = {Conv: conv, Up: up, Residual: residual, Memory: memory, Elu: elu}
