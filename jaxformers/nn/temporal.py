"""Convolutions over time: x [B, S, C] with weights in the checkpoint's layout [out, in / groups, width]."""

from __future__ import annotations

import jax

from jaxformers.nn.constrain import positions_whole
from jaxformers.spec import Param, zeros


def TimeConv(cin: int, cout: int, width: int, axes: str = "- channels", bias: bool = True, groups: int = 1, init=None):
    """Declares `weight` [cout, cin / groups, width], `bias` [cout]. `axes` names the input, then the output axis."""
    a_in, a_out = axes.split()
    p = {"weight": Param((cout, cin // groups, width), (a_out, a_in, "-"), init)}
    return {**p, "bias": Param((cout,), (a_out,), zeros)} if bias else p


def time_conv(p, x, stride: int = 1, padding: int | tuple[int, int] = 0, groups: int = 1, dilation: int = 1):
    """Cross-correlation of x [B, S, cin] -> [B, S', cout]; `padding` zeros on both sides, or (before, after)."""
    pads = [padding if isinstance(padding, tuple) else (padding, padding)]
    w = p["weight"].transpose(2, 1, 0)  # by this layout XLA's CPU is as fast inside a scan as outside
    layout = ("NWC", "WIO", "NWC")
    y = jax.lax.conv_general_dilated(positions_whole(x), w, (stride,), pads, None, (dilation,), layout, groups)
    y = positions_whole(y)
    return y + p["bias"] if "bias" in p else y
