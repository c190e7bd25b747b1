"""ResNet: a strided stem, then stages of residual blocks of convolutions with batch normalisation.

Paper: https://arxiv.org/abs/1512.03385. Serves ResNet-18 to -152 (the v1.5 variant, which strides in the 3x3
convolution, unless `downsample_in_bottleneck`) and every checkpoint of model type "resnet".
"""

from __future__ import annotations

import dataclasses
import math

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.nn import BatchNorm, Conv2d, linear
from jaxformers.nn.backbone import BackboneConfig, feature_maps
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, normal, uniform

PREFIX = "resnet"
REDUCTION = 4  # a bottleneck's inner width is the block's over this


@dataclasses.dataclass(frozen=True)
class Config(BackboneConfig, model_type="resnet"):
    num_channels: int = 3
    embedding_size: int = 64
    hidden_sizes: tuple[int, ...] = (256, 512, 1024, 2048)
    depths: tuple[int, ...] = (3, 4, 6, 3)
    layer_type: str = "bottleneck"
    hidden_act: str = "relu"
    downsample_in_first_stage: bool = False
    downsample_in_bottleneck: bool = False

    allowed = {"layer_type": ("basic", "bottleneck"), "hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        yield from super().check()
        if len(self.depths) != len(self.hidden_sizes):
            yield f"depths must have an entry per stage of hidden_sizes {self.hidden_sizes}, got {self.depths}"
        if not self.depths or min(self.depths) < 1:
            yield f"depths must be at least 1 in every stage, got {self.depths}"


# ------------------------------------------------------------------------------------------------------ declarations


def ConvNorm(cin: int, cout: int, kernel: int = 3):
    kaiming = normal(math.sqrt(2 / (cout * kernel**2)))  # https://arxiv.org/abs/1502.01852, over the fan-out
    return {
        "convolution": Conv2d(cin, cout, kernel, bias=False, init=kaiming),
        "normalization": BatchNorm(cout),
    }


def Layer(c, cin: int, cout: int, stride: int):
    inner = cout // REDUCTION
    convolutions = {
        "basic": lambda: [ConvNorm(cin, cout), ConvNorm(cout, cout)],
        "bottleneck": lambda: [ConvNorm(cin, inner, 1), ConvNorm(inner, inner), ConvNorm(inner, cout, 1)],
    }
    shortcut = {"shortcut": ConvNorm(cin, cout, 1)} if cin != cout or stride != 1 else {}
    return {**shortcut, "layer": convolutions[c.layer_type]()}


def Stage(c, i: int):
    cin, cout = (c.embedding_size, *c.hidden_sizes)[i : i + 2]
    rest = [Layer(c, cout, cout, 1) for _ in range(c.depths[i] - 1)]
    return {"layers": Layers([Layer(c, cin, cout, stage_stride(c, i)), *rest])}


def Model(c):
    return {
        "embedder": {"embedder": ConvNorm(c.num_channels, c.embedding_size, 7)},
        "encoder": {"stages": [Stage(c, i) for i in range(len(c.depths))]},
    }


def Classifier(c):
    d, init = c.hidden_sizes[-1], uniform(c.hidden_sizes[-1] ** -0.5)
    weight = Param((c.num_labels, d), "- channels", init)
    return {"resnet": Model(c), "classifier": {"1": {"weight": weight, "bias": Param((c.num_labels,), "-", init)}}}


# ------------------------------------------------------------------------------------------------------ functions


def stage_stride(c, i: int) -> int:
    return 2 if i > 0 or c.downsample_in_first_stage else 1


def conv_norm(p, x, stride: int, train: bool):
    """x [B, H, W, C] convolved and normalised. Returns (y, new statistics or None)."""
    w = p["convolution"]["weight"]
    y, state = nn.batch_norm(p["normalization"], nn.conv2d(p["convolution"], x, stride, w.shape[-1] // 2), train)
    return y, {"normalization": state} if train else None


def layer(p, c, x, stride: int, train: bool):
    """A residual block. Only the first of a stage strides, and a block that strides has a projecting shortcut."""
    stride = stride if "shortcut" in p else 1
    at = 1 if c.layer_type == "bottleneck" and not c.downsample_in_bottleneck else 0
    h, states = x, []
    for i, conv in enumerate(p["layer"]):
        h, state = conv_norm(conv, nn.activation("relu", h) if i else h, stride if i == at else 1, train)
        states.append(state)
    new = {"layer": states}
    if "shortcut" in p:
        x, new["shortcut"] = conv_norm(p["shortcut"], x, stride, train)
    return nn.activation(c.hidden_act, h + x), {"state": new if train else None}


def encode(p, c, pixel_values, train: bool):
    """The stem's output and every stage's [B, H, W, C], and the new statistics (None unless `train`)."""
    stem = p["embedder"]["embedder"]
    x = nn.channels_last(nn.images("resnet", pixel_values, c.num_channels)).astype(stem["convolution"]["weight"].dtype)
    x, new = conv_norm(stem, x, 2, train)
    x = nn.max_pool(nn.activation(c.hidden_act, x), 3, 2, 1)
    maps, states = [x], []
    for i, stage in enumerate(p["encoder"]["stages"]):
        stride = stage_stride(c, i)

        def step(p, x, stride=stride):
            return layer(p, c, x, stride, train)

        x, ys = nn.fold(step, stage["layers"], x, unroll_on_cpu=True)
        maps.append(x)
        states.append({"layers": nn.pick(ys, "state")} if train else None)
    return maps, {"embedder": {"embedder": new}, "encoder": {"stages": states}} if train else None


def model(p, c, pixel_values, output_hidden_states=False, train=False):
    """Features of images float [B, C, H, W]: `last_hidden_state` [B, C, H / 32, W / 32] and its mean over the image.

    With `train` every batch normalisation uses the batch's statistics, and `state` holds the new running ones:
    `jf.update(params, out.state)` are the parameters to go on with.
    """
    maps, state = encode(p, c, pixel_values, train)
    return Output(
        last_hidden_state=nn.channels_first(maps[-1]),
        pooler_output=nn.channels_first(maps[-1].mean((1, 2), keepdims=True)),
        hidden_states=tuple(map(nn.channels_first, maps)) if output_hidden_states else None,
        state=state,
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = model(p["resnet"], c, pixel_values, **inputs)
    logits = linear(p["classifier"]["1"], out.pooler_output[:, :, 0, 0])
    state = None if out.state is None else {"resnet": out.state}
    return Output({**nn.heads.classification(out, c, logits, labels), "state": state})


@extends(model)
def backbone(p, c, pixel_values, output_hidden_states=False, train=False):
    """Feature maps [B, C, H, W] of the stages that the config's `out_features` or `out_indices` choose."""
    maps, state = encode(p, c, pixel_values, train)
    return feature_maps(c, tuple(map(nn.channels_first, maps)), output_hidden_states, state=state)


HEADS = {
    "ResNetModel": Head(Model, model),
    "ResNetForImageClassification": Head(Classifier, image_classification),
    "ResNetBackbone": Head(Model, backbone),
}
