"""Heads that label every pixel from the feature maps of an encoder: pyramid pooling, UPerNet and a plain one.

PSPNet, https://arxiv.org/abs/1612.01105; UPerNet, https://arxiv.org/abs/1807.10221; FCN,
https://arxiv.org/abs/1411.4038. Maps are channels-last [B, H, W, C]. Every function that normalises a batch returns
its new running statistics too, None unless `train`, in the form of its parameters.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers.nn.activation import activation
from jaxformers.nn.conv import Conv2d, conv2d
from jaxformers.nn.dense import bilinear
from jaxformers.nn.norm import BatchNorm, batch_norm
from jaxformers.spec import Param, zeros


def Upscale(cin: int, cout: int, factor: int, axes: str = "embed channels") -> dict:
    """Declares a transposed convolution whose stride is its kernel: `weight` [cin, cout, factor, factor], `bias`."""
    a_in, a_out = axes.split()
    return {
        "weight": Param((cin, cout, factor, factor), (a_in, a_out, "-", "-")),
        "bias": Param((cout,), (a_out,), zeros),
    }


def upscale(p, x):
    """x [B, H, W, cin] -> [B, H * factor, W * factor, cout]; blocks do not overlap, so it is one matrix product."""
    b, h, w, _ = x.shape
    factor = p["weight"].shape[-1]
    y = jnp.einsum("bhwi,iokl->bhkwlo", x, p["weight"]).reshape(b, h * factor, w * factor, -1)
    return y + p["bias"]


@functools.cache
def pooling_weights(old: int, new: int) -> np.ndarray:
    """float32 [new, old]: means over `new` windows that cover the old samples, as `AdaptiveAvgPool2d` lays them."""
    out = np.zeros((new, old), np.float32)
    for i in range(new):
        first, last = i * old // new, math.ceil((i + 1) * old / new)
        out[i, first:last] = 1 / (last - first)
    return out


def adaptive_mean(x, size: tuple[int, int]):
    """x [..., H, W, C] -> [..., *size, C]: the means of a grid of windows that cover the map."""
    rows, columns = (jnp.asarray(pooling_weights(o, n)) for o, n in zip(x.shape[-3:-1], size, strict=True))
    y = jnp.einsum("ih,jw,...hwc->...ijc", rows, columns, x.astype(jnp.float32), precision=jax.lax.Precision.HIGHEST)
    return y.astype(x.dtype)


def ConvNorm(cin: int, cout: int, kernel: int) -> dict:
    """Declares a convolution without a bias, `conv`, and its batch normalisation, `bn`."""
    return {"conv": Conv2d(cin, cout, kernel, bias=False), "bn": BatchNorm(cout)}


def conv_norm(p, x, train: bool):
    """x [B, H, W, cin] convolved in its size, normalised and rectified. Returns (y, new statistics)."""
    kernel = p["conv"]["weight"].shape[-1]
    y, state = batch_norm(p["bn"], conv2d(p["conv"], x, padding=kernel // 2), train)
    return activation("relu", y), {"bn": state} if train else None


def UperHead(widths, width: int, scales, labels: int) -> dict:
    """Declares UPerNet's head.

    Args:
      widths: channels of the maps, finest first.
      width: channels inside.
      scales: sides of the grids to which the coarsest map is pooled.
      labels: number of classes.
    """
    last = widths[-1]
    return {
        "classifier": Conv2d(width, labels, 1, "channels -"),
        "psp_modules": [{"1": ConvNorm(last, width, 1)} for _ in scales],
        "bottleneck": ConvNorm(last + len(scales) * width, width, 3),
        "lateral_convs": [ConvNorm(n, width, 1) for n in widths[:-1]],
        "fpn_convs": [ConvNorm(width, width, 3) for _ in widths[:-1]],
        "fpn_bottleneck": ConvNorm(len(widths) * width, width, 3),
    }


def uper_head(p, maps, scales, train: bool):
    """Scores [B, H, W, labels] at the size of the first of `maps`, finest first. Returns (scores, new statistics)."""

    def size(x):
        return x.shape[1:3]

    def each(name, xs):
        pairs = [conv_norm(q, x, train) for q, x in zip(p[name], xs, strict=True)]
        return [x for x, _ in pairs], [s for _, s in pairs]

    new: dict = {"psp_modules": []}
    top, pooled = maps[-1], []
    for scale, q in zip(scales, p["psp_modules"], strict=True):
        x, state = conv_norm(q["1"], adaptive_mean(top, (scale, scale)), train)
        pooled.append(bilinear(x, size(top)))
        new["psp_modules"].append({"1": state})
    top, new["bottleneck"] = conv_norm(p["bottleneck"], jnp.concatenate([maps[-1], *pooled], -1), train)
    levels, new["lateral_convs"] = each("lateral_convs", maps[:-1])
    x = top
    for i in range(len(levels) - 1, -1, -1):
        x = levels[i] = levels[i] + bilinear(x, size(levels[i]))
    levels, new["fpn_convs"] = each("fpn_convs", levels)
    whole = jnp.concatenate([bilinear(x, size(maps[0])) for x in [*levels, top]], -1)
    x, new["fpn_bottleneck"] = conv_norm(p["fpn_bottleneck"], whole, train)
    return conv2d(p["classifier"], x), new if train else None


def FCNHead(cin: int, width: int, depth: int, concat: bool, labels: int) -> dict:
    """Declares `depth` convolutions and a classifier; with `concat` one more that sees the map itself again."""
    return {
        **({"convs": [ConvNorm(cin if i == 0 else width, width, 3) for i in range(depth)]} if depth else {}),
        **({"conv_cat": ConvNorm(cin + width, width, 3)} if concat else {}),
        "classifier": Conv2d(width, labels, 1, "channels -"),
    }


def fcn_head(p, x, train: bool):
    """Scores [B, H, W, labels] of a map x [B, H, W, cin]. Returns (scores, new statistics)."""
    seen = x
    new: dict = {}
    if "convs" in p:
        states = []
        for q in p["convs"]:
            x, state = conv_norm(q, x, train)
            states.append(state)
        new["convs"] = states
    if "conv_cat" in p:
        x, new["conv_cat"] = conv_norm(p["conv_cat"], jnp.concatenate([seen, x], -1), train)
    return conv2d(p["classifier"], x), new if train else None
