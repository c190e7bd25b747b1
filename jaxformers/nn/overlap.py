"""Frames that overlap in time: adding them up, and the transposed convolution that makes such frames."""

from __future__ import annotations

import functools

import jax.numpy as jnp

from jaxformers.spec import Param, zeros


def overlap_add(frames, stride: int):
    """The sum [..., (F - 1) * stride + L, C] of frames [..., F, L, C] that start `stride` apart."""
    *lead, count, length, channels = frames.shape
    parts = -(-length // stride)
    none = [(0, 0)] * len(lead)
    x = jnp.pad(frames, [*none, (0, 0), (0, parts * stride - length), (0, 0)])
    x = x.reshape(*lead, count, parts, stride, channels)
    # The parts of one frame lie one stride apart: shifted so and added, every stride is complete.
    shifted = (jnp.pad(x[..., i, :, :], [*none, (i, parts - 1 - i), (0, 0), (0, 0)]) for i in range(parts))
    y = functools.reduce(jnp.add, shifted).reshape(*lead, -1, channels)
    return y[..., : (count - 1) * stride + length, :]


def TransposedTimeConv(cin: int, cout: int, width: int, axes: str = "- channels", init=None, bias_init=zeros):
    """Declares `weight` [cin, cout, width], `bias` [cout]. `axes` names the input, then the output axis."""
    a_in, a_out = axes.split()
    return {"weight": Param((cin, cout, width), (a_in, a_out, "-"), init), "bias": Param((cout,), (a_out,), bias_init)}


def transposed_time_conv(p, x, stride: int):
    """x [B, S, cin] -> [B, (S - 1) * stride + width, cout]: each place adds a frame, `stride` after the one before."""
    return overlap_add(jnp.einsum("bsi,iow->bswo", x, p["weight"]), stride) + p["bias"]
