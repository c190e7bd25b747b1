"""ConvNeXT: stages of depthwise 7x7 convolutions and pointwise layers, built like a transformer's blocks.

Paper: https://arxiv.org/abs/2201.03545. Serves ConvNeXT tiny to xlarge (ImageNet-1k and -22k) and every checkpoint of
model type "convnext".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.nn import Conv2d, LayerNorm, Linear, layer_norm, linear
from jaxformers.nn.backbone import BackboneConfig
from jaxformers.nn.drop_path import drop_path, drop_path_rates
from jaxformers.nn.ssm import constant
from jaxformers.output import Output
from jaxformers.spec import Layers, Param

PREFIX = "convnext"
EPS = 1e-6  # of every norm but the last; that one's is `layer_norm_eps`


@dataclasses.dataclass(frozen=True)
class Config(BackboneConfig, model_type="convnext"):
    num_channels: int = 3
    patch_size: int = 4
    num_stages: int = 4
    hidden_sizes: tuple[int, ...] = (96, 192, 384, 768)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    hidden_act: str = "gelu"
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    layer_scale_init_value: float = 1e-6
    drop_path_rate: float = 0.0
    image_size: int = 224

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        yield from super().check()
        if not len(self.depths) == len(self.hidden_sizes) == self.num_stages:
            yield (
                f"depths and hidden_sizes must have num_stages = {self.num_stages} entries, got {self.depths} and "
                f"{self.hidden_sizes}"
            )
        if not self.depths or min(self.depths) < 1:
            yield f"depths must be at least 1 in every stage, got {self.depths}"
        if not 0 <= self.drop_path_rate < 1:
            yield f"drop_path_rate must be in [0, 1), got {self.drop_path_rate}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c, d: int):
    p = {
        "dwconv": Conv2d(d, d, 7, groups=d),
        "layernorm": LayerNorm(d, "channels"),
        "pwconv1": Linear(d, 4 * d, "channels mlp"),
        "pwconv2": Linear(4 * d, d, "mlp channels"),
    }
    if c.layer_scale_init_value > 0:
        p["layer_scale_parameter"] = Param((d,), "channels", constant(c.layer_scale_init_value))
    return p


def Stage(c, i: int):
    cin, cout = (c.hidden_sizes[0], *c.hidden_sizes)[i : i + 2]
    shrink = {"downsampling_layer": [LayerNorm(cin, "channels"), Conv2d(cin, cout, 2)]} if i else {}
    return {**shrink, "layers": Layers(Layer(c, cout) for _ in range(c.depths[i]))}


def Encoder(c):
    d = c.hidden_sizes[0]
    return {
        "embeddings": {
            "patch_embeddings": Conv2d(c.num_channels, d, c.patch_size),
            "layernorm": LayerNorm(d, "channels"),
        },
        "encoder": {"stages": [Stage(c, i) for i in range(c.num_stages)]},
    }


def Model(c):
    return {**Encoder(c), "layernorm": LayerNorm(c.hidden_sizes[-1], "channels")}


def Classifier(c):
    return {"convnext": Model(c), "classifier": Linear(c.hidden_sizes[-1], c.num_labels, "channels -")}


def Backbone(c):
    widths = (c.hidden_sizes[0], *c.hidden_sizes)
    return {
        **Encoder(c),
        "hidden_states_norms": {c.stage_names[i]: LayerNorm(widths[i], "channels") for i in c.stages},
    }


# ------------------------------------------------------------------------------------------------------ functions


def layer(p, c, x, rate, key):
    """A residual block over x [B, H, W, C]; with a key it is left out with probability `rate`."""
    h = nn.conv2d(p["dwconv"], x, padding=3, groups=x.shape[-1])
    h = linear(p["pwconv1"], layer_norm(p["layernorm"], h, EPS))
    h = linear(p["pwconv2"], nn.activation(c.hidden_act, h))
    if "layer_scale_parameter" in p:
        h = p["layer_scale_parameter"] * h
    return x + drop_path(h, rate, key), {}


def encode(p, c, pixel_values, key):
    """The patches and every stage's output, [B, H, W, C]."""
    nn.images("convnext", pixel_values, c.num_channels)
    x = nn.patchify(p["embeddings"]["patch_embeddings"], pixel_values)
    x = layer_norm(p["embeddings"]["layernorm"], x, EPS)
    maps, at, rates = [x], 0, drop_path_rates(c.drop_path_rate, sum(c.depths))
    keys = nn.split_layers(key, sum(c.depths))

    def step(p, x, rate, key):
        return layer(p, c, x, rate, key)

    for stage, depth in zip(p["encoder"]["stages"], c.depths, strict=True):
        if "downsampling_layer" in stage:
            norm, conv = stage["downsampling_layer"]
            x = nn.conv2d(conv, layer_norm(norm, x, EPS), stride=2)
        each = {"rate": rates[at : at + depth], "key": None if keys is None else keys[at : at + depth]}
        x, _ = nn.fold(step, stage["layers"], x, unroll_on_cpu=True, **each)
        maps.append(x)
        at += depth
    return maps


def model(p, c, pixel_values, output_hidden_states=False, key=None):
    """Features of images float [B, C, H, W]: `last_hidden_state` [B, C, H / 32, W / 32], and its norm's mean [B, C].

    `key` switches stochastic depth on.
    """
    maps = encode(p, c, pixel_values, key)
    return Output(
        last_hidden_state=nn.channels_first(maps[-1]),
        pooler_output=layer_norm(p["layernorm"], maps[-1].mean((1, 2)), c.layer_norm_eps),
        hidden_states=tuple(map(nn.channels_first, maps)) if output_hidden_states else None,
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = model(p["convnext"], c, pixel_values, **inputs)
    return nn.heads.classification(out, c, linear(p["classifier"], out.pooler_output), labels)


@extends(model)
def backbone(p, c, pixel_values, output_hidden_states=False, key=None):
    """Normalised feature maps [B, C, H, W] of the stages that the config's `out_features` or `out_indices` choose."""
    maps = encode(p, c, pixel_values, key)
    norms = p["hidden_states_norms"]
    chosen = (layer_norm(norms[c.stage_names[i]], maps[i], EPS) for i in c.stages)
    return Output(
        feature_maps=tuple(map(nn.channels_first, chosen)),
        hidden_states=tuple(map(nn.channels_first, maps)) if output_hidden_states else None,
    )


HEADS = {
    "ConvNextModel": Head(Model, model),
    "ConvNextForImageClassification": Head(Classifier, image_classification),
    "ConvNextBackbone": Head(Backbone, backbone),
}
