"""MobileNetV2: narrow features that widen inside every block, where a depthwise convolution sees them.

Paper: https://arxiv.org/abs/1801.04381; the segmentation head is DeepLabV3+'s, https://arxiv.org/abs/1802.02611.
Serves every width (0.35 to 1.4) and resolution of MobileNetV2 and every checkpoint of model type "mobilenet_v2".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.nn import BatchNorm, Conv2d, Linear, dropout, linear
from jaxformers.nn.dense import semantic_loss
from jaxformers.output import Output

PREFIX = "mobilenet_v2"
MOMENTUM = 0.997  # of the statistics, as PyTorch means it: nearly all of a batch's go into the running ones
STEM, LAST, HEAD = 32, 1280, 256
CHANNELS = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)  # before and after every block
STRIDES = (2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="mobilenet_v2"):
    num_channels: int = 3
    image_size: int = 224
    depth_multiplier: float = 1.0
    depth_divisible_by: int = 8
    min_depth: int = 8
    expand_ratio: float = 6.0
    output_stride: int = 32
    first_layer_is_expansion: bool = True
    finegrained_output: bool = True
    hidden_act: str = "relu6"
    tf_padding: bool = True
    classifier_dropout_prob: float = 0.8
    initializer_range: float = 0.02
    layer_norm_eps: float = 0.001
    semantic_loss_ignore_index: int = 255

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        if self.depth_multiplier <= 0:
            yield f"depth_multiplier must be greater than 0, got {self.depth_multiplier}"

    def divisible(self, width: float) -> int:
        """`width` as a multiple of `depth_divisible_by`, never less than nine tenths of it."""
        by = self.depth_divisible_by
        new = max(self.min_depth, int(width + by / 2) // by * by)
        return int(new + by if new < 0.9 * width else new)

    def width(self, channels: int) -> int:
        return self.divisible(round(channels * self.depth_multiplier))

    @property
    def blocks(self) -> tuple[tuple[int, int, int, int], ...]:
        """Of every block: channels before and after, stride and dilation; dilated instead of strided at the end."""
        widths, reached, dilation, out = tuple(map(self.width, CHANNELS)), 2, 1, []
        for i, stride in enumerate(STRIDES):
            if reached == self.output_stride:
                out.append((widths[i], widths[i + 1], 1, dilation))
                dilation *= stride
            else:
                out.append((widths[i], widths[i + 1], stride, 1))
                reached *= stride
        return tuple(out)

    @property
    def last_width(self) -> int:
        return LAST if self.finegrained_output and self.depth_multiplier < 1 else self.width(LAST)


# ------------------------------------------------------------------------------------------------------ declarations


def ConvNorm(cin: int, cout: int, kernel: int = 1, groups: int = 1):
    return {
        "convolution": Conv2d(cin, cout, kernel, bias=False, groups=groups),
        "normalization": BatchNorm(cout),
    }


def Stem(c):
    d = c.width(STEM)
    return {
        "first_conv": ConvNorm(c.num_channels, d, 3),
        **({} if c.first_layer_is_expansion else {"expand_1x1": ConvNorm(d, d)}),
        "conv_3x3": ConvNorm(d, d, 3, groups=d),
        "reduce_1x1": ConvNorm(d, c.width(CHANNELS[0])),
    }


def Block(c, cin: int, cout: int):
    d = c.divisible(round(cin * c.expand_ratio))
    return {
        "expand_1x1": ConvNorm(cin, d),
        "conv_3x3": ConvNorm(d, d, 3, groups=d),
        "reduce_1x1": ConvNorm(d, cout),
    }


def Model(c):
    return {
        "conv_stem": Stem(c),
        # A plain list: blocks of equal shapes may differ in stride and dilation, and so can not be scanned.
        "layer": [Block(c, cin, cout) for cin, cout, _, _ in c.blocks],
        "conv_1x1": ConvNorm(c.width(CHANNELS[-1]), c.last_width),
    }


def Classifier(c):
    return {"mobilenet_v2": Model(c), "classifier": Linear(c.last_width, c.num_labels, "channels -")}


def Segmenter(c):
    d = c.width(CHANNELS[-1])
    head = {
        "conv_pool": ConvNorm(d, HEAD),
        "conv_aspp": ConvNorm(d, HEAD),
        "conv_projection": ConvNorm(2 * HEAD, HEAD),
        "classifier": {"convolution": Conv2d(HEAD, c.num_labels, 1, "channels -")},
    }
    return {"mobilenet_v2": Model(c), "segmentation_head": head}


# ------------------------------------------------------------------------------------------------------ functions


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """TensorFlow's zeros before and after an axis of `size`: the odd one comes after."""
    total = max(kernel - (size % stride or stride), 0)
    return total // 2 * dilation, (total - total // 2) * dilation


def conv_norm(p, c, x, act: str, train: bool, stride=1, dilation=1, eps: float | None = None):
    """x [B, H, W, C] convolved, normalised and activated. Returns (y, new statistics or None)."""
    w = p["convolution"]["weight"]
    kernel, groups = w.shape[-1], x.shape[-1] // w.shape[1]
    pads = (kernel - 1) // 2 * dilation
    if c.tf_padding:
        pads = tuple(same_padding(n, kernel, stride, dilation) for n in x.shape[1:3])
    x = nn.conv2d(p["convolution"], x, stride, pads, groups, dilation)
    x, state = nn.batch_norm(p["normalization"], x, train, c.layer_norm_eps if eps is None else eps, MOMENTUM)
    return nn.activation(act, x), {"normalization": state}


def chain(p, c, x, train: bool, **at_3x3):
    """The convolutions of a stem or a block in order; only the last has no activation."""
    strides, states = {"first_conv": {"stride": 2}, "conv_3x3": at_3x3}, {}
    for name in ("first_conv", "expand_1x1", "conv_3x3", "reduce_1x1"):
        if name in p:
            act = "linear" if name == "reduce_1x1" else c.hidden_act
            x, states[name] = conv_norm(p[name], c, x, act, train, **strides.get(name, {}))
    return x, states


def features(p, c, pixel_values, train: bool):
    """Every block's and the last convolution's output [B, H, W, C], and the new statistics (None unless `train`)."""
    nn.images("mobilenet_v2", pixel_values, c.num_channels)
    x = nn.channels_last(pixel_values).astype(p["conv_1x1"]["convolution"]["weight"].dtype)
    x, stem = chain(p["conv_stem"], c, x, train)
    maps, states = [], []
    for block, (cin, cout, stride, dilation) in zip(p["layer"], c.blocks, strict=True):
        h, state = chain(block, c, x, train, stride=stride, dilation=dilation)
        x = x + h if stride == 1 and cin == cout else h
        maps.append(x)
        states.append(state)
    x, last = conv_norm(p["conv_1x1"], c, x, c.hidden_act, train)
    return [*maps, x], {"conv_stem": stem, "layer": states, "conv_1x1": last} if train else None


def hidden(maps):
    return tuple(map(nn.channels_first, maps[:-1]))


def model(p, c, pixel_values, output_hidden_states=False, train=False):
    """Features of images float [B, C, H, W]: `last_hidden_state` [B, D, H / 32, W / 32] and its mean [B, D].

    With `train` every batch normalisation uses the batch's statistics, and `state` holds the new running ones:
    `jf.update(params, out.state)` are the parameters to go on with.
    """
    maps, state = features(p, c, pixel_values, train)
    return Output(
        last_hidden_state=nn.channels_first(maps[-1]),
        pooler_output=maps[-1].mean((1, 2)),
        hidden_states=hidden(maps) if output_hidden_states else None,
        state=state,
    )


def deeplab(p, c, x, train: bool, key):
    """Scores [B, H, W, num_labels] of features x [B, H, W, C]: every pixel beside the mean of the image."""

    def conv(name, x):
        y, states[name] = conv_norm(p[name], c, x, "relu", train, eps=1e-5)
        return y

    states: dict = {}
    pooled = jnp.broadcast_to(conv("conv_pool", x.mean((1, 2), keepdims=True)), (*x.shape[:3], HEAD))
    x = conv("conv_projection", jnp.concatenate([pooled, conv("conv_aspp", x)], -1))
    x = x * dropout(jnp.ones((x.shape[0], 1, 1, HEAD), x.dtype), c.classifier_dropout_prob, key)  # whole channels
    return nn.conv2d(p["classifier"]["convolution"], x), states


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def image_classification(p, c, pixel_values, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them.

    `key` switches dropout on.
    """
    out = model(p["mobilenet_v2"], c, pixel_values, **inputs)
    logits = linear(p["classifier"], dropout(out.pooler_output, c.classifier_dropout_prob, key))
    state = None if out.state is None else {"mobilenet_v2": out.state}
    return Output({**nn.heads.classification(out, c, logits, labels), "state": state})


@extends(model)
def semantic_segmentation(
    p, c, pixel_values, *, labels=None, output_hidden_states=False, train=False, key=None, **inputs
):
    """One of `num_labels` classes a pixel: `logits` [B, num_labels, H / output_stride, W / output_stride].

    labels int [B, H, W] of any size; `semantic_loss_ignore_index` marks pixels that are not scored. `key` switches
    dropout on.
    """
    if labels is not None and c.num_labels == 1:
        raise InputError("MobileNetV2ForSemanticSegmentation", ["labels need a config with two or more num_labels"])
    maps, state = features(p["mobilenet_v2"], c, pixel_values, train)
    logits, states = deeplab(p["segmentation_head"], c, maps[-2], train, key)
    return Output(
        loss=None if labels is None else semantic_loss(logits, labels, c.semantic_loss_ignore_index),
        logits=nn.channels_first(logits),
        hidden_states=hidden(maps) if output_hidden_states else None,
        state={"mobilenet_v2": state, "segmentation_head": states} if train else None,
    )


HEADS = {
    "MobileNetV2Model": Head(Model, model),
    "MobileNetV2ForImageClassification": Head(Classifier, image_classification),
    "MobileNetV2ForSemanticSegmentation": Head(Segmenter, semantic_segmentation),
}
