"""What DPT makes of an encoder's states: maps of four sizes, fused from the coarsest to the finest, and read out.

Paper: https://arxiv.org/abs/2103.13413, section 3; the residual units are RefineNet's,
https://arxiv.org/abs/1611.06612. Maps are channels-last [B, H, W, C].
"""

from __future__ import annotations

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.nn import BatchNorm, Conv2d, Linear, dropout, linear
from jaxformers.nn.dense import bilinear
from jaxformers.nn.segmentation import Upscale, upscale


def width(c) -> int:
    """Of the states that the neck reads."""
    return c.hidden_size if c.backbone_config is None else c.backbone_config.hidden_size


def Reassemble(c, channels: int, factor: float):
    resize = {}
    if factor > 1:
        resize = {"resize": Upscale(channels, channels, int(factor), "- channels")}
    elif factor < 1:
        resize = {"resize": Conv2d(channels, channels, 3)}
    return {"projection": Conv2d(width(c), channels, 1, "embed channels"), **resize}


def Residual(c):
    d, norm, bias = c.fusion_hidden_size, c.use_batch_norm_in_fusion_residual, c.use_bias_in_fusion_residual
    conv = Conv2d(d, d, 3, bias=not norm if bias is None else bias)
    norms = {"batch_norm1": BatchNorm(d), "batch_norm2": BatchNorm(d)} if norm else {}
    return {"convolution1": conv, "convolution2": conv, **norms}


def Fusion(c):
    d = c.fusion_hidden_size
    return {"projection": Conv2d(d, d, 1), "residual_layer1": Residual(c), "residual_layer2": Residual(c)}


def Neck(c):
    d, sizes = width(c), c.neck_hidden_sizes
    stage: dict = {"layers": [Reassemble(c, n, factor) for n, factor in zip(sizes, c.reassemble_factors, strict=True)]}
    if c.readout_type == "project":
        stage["readout_projects"] = [{"0": Linear(2 * d, d, "- embed")} for _ in sizes]
    return {
        "reassemble_stage": stage,
        "convs": [Conv2d(n, c.fusion_hidden_size, 3, bias=False) for n in sizes],
        "fusion_stage": {"layers": [Fusion(c) for _ in sizes]},
    }


def PixelClassifier(c):
    d = c.fusion_hidden_size
    return {
        "head": {"0": Conv2d(d, d, 3, bias=False), "1": BatchNorm(d), "4": Conv2d(d, c.num_labels, 1, "channels -")}
    }


def reassemble(p, c, i: int, x, grid: tuple[int, int]):
    """States x [B, 1 + patches, D] as the map of the i-th size; `readout_type` says what the class token adds."""
    first, x = x[:, :1], x[:, 1:]
    if c.readout_type == "project":
        both = jnp.concatenate([x, jnp.broadcast_to(first, x.shape)], -1)
        x = nn.activation(c.hidden_act, linear(p["readout_projects"][i]["0"], both))
    elif c.readout_type == "add":
        x = x + first
    own, factor = p["layers"][i], c.reassemble_factors[i]
    x = nn.conv2d(own["projection"], x.reshape(x.shape[0], *grid, -1))
    if factor > 1:
        return upscale(own["resize"], x)
    return nn.conv2d(own["resize"], x, int(1 / factor), 1) if factor < 1 else x


def residual(p, x, train: bool):
    """x and two convolutions of it, each after a rectifier. Returns (y, new statistics)."""
    h, new = x, {}
    for i in (1, 2):
        h = nn.conv2d(p[f"convolution{i}"], nn.activation("relu", h), padding=1)
        if (name := f"batch_norm{i}") in p:
            h, new[name] = nn.batch_norm(p[name], h, train)
    return x + h, new if train else None


def kept(p):
    """The running statistics of a residual unit that nothing runs through."""
    norms = {name: own for name, own in p.items() if "running_mean" in own}
    return {name: {n: own[n] for n in ("running_mean", "running_var")} for name, own in norms.items()}


def double(x):
    """A map twice as large, its corners staying corners."""
    return bilinear(x, (2 * x.shape[1], 2 * x.shape[2]), align_corners=True)


def fuse(p, x, beside, train: bool):
    """x [B, H, W, C], with the finer map `beside` added where there is one, doubled. Returns (y, new statistics)."""
    if beside is None:
        first = kept(p["residual_layer1"])
    else:
        h, first = residual(p["residual_layer1"], bilinear(beside, x.shape[1:3]), train)
        x = x + h
    x, second = residual(p["residual_layer2"], x, train)
    state = {"residual_layer1": first, "residual_layer2": second} if train else None
    return nn.conv2d(p["projection"], double(x)), state


def neck(p, c, states, grid: tuple[int, int], train: bool):
    """Fused maps of an encoder's `states` [B, 1 + patches, D], shallowest first.

    Returns:
      maps: [B, H, W, fusion_hidden_size], coarsest first, each twice as large as the one before.
      state: new statistics of the batch normalisations; None unless `train` and unless there are any.
    """
    maps = [
        nn.conv2d(conv, reassemble(p["reassemble_stage"], c, i, x, grid), padding=1)
        for i, (conv, x) in enumerate(zip(p["convs"], states, strict=True))
    ]
    fused: list = []
    news = []
    for own, finer in zip(p["fusion_stage"]["layers"], maps[::-1], strict=True):
        x, new = fuse(own, fused[-1], finer, train) if fused else fuse(own, finer, None, train)
        fused.append(x)
        news.append(new)
    some = train and c.use_batch_norm_in_fusion_residual
    return fused, {"fusion_stage": {"layers": news}} if some else None


def depths(p, x):
    """Depths [B, H, W], never negative, twice as large as the map x [B, h, w, C]."""
    if "projection" in p:
        x = nn.activation("relu", nn.conv2d(p["projection"], x, padding=1))
    own = p["head"]
    x = double(nn.conv2d(own["0"], x, padding=1))
    x = nn.activation("relu", nn.conv2d(own["2"], x, padding=1))
    return nn.activation("relu", nn.conv2d(own["4"], x))[..., 0]


def classify_pixels(p, x, rate: float, train: bool, key):
    """Scores [B, H, W, num_labels] of a map x [B, H, W, C], and new statistics."""
    own = p["head"]
    x, state = nn.batch_norm(own["1"], nn.conv2d(own["0"], x, padding=1), train)
    return nn.conv2d(own["4"], dropout(nn.activation("relu", x), rate, key)), {"head": {"1": state}} if train else None
