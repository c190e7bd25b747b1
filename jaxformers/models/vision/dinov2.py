"""DINOv2: ViT with scaled residual branches, whose positions stretch over images of any size.

Paper: https://arxiv.org/abs/2304.07193. Serves DINOv2 small to giant, and every checkpoint of
model type "dinov2".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models.vision import vit
from jaxformers.nn import Conv2d, LayerNorm, Linear, layer_norm, linear
from jaxformers.nn.backbone import BackboneConfig, feature_maps
from jaxformers.nn.drop_path import drop_path
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, constant, normal, zeros

PREFIX = "dinov2"


@dataclasses.dataclass(frozen=True)
class Config(BackboneConfig, model_type="dinov2"):
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    mlp_ratio: int = 4
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-6
    image_size: int | tuple[int, int] = 224
    patch_size: int | tuple[int, int] = 14
    num_channels: int = 3
    qkv_bias: bool = True
    layerscale_value: float = 1.0
    drop_path_rate: float = 0.0
    use_swiglu_ffn: bool = False
    apply_layernorm: bool = True
    reshape_hidden_states: bool = True
    use_mask_token: bool = True

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    tokens: ClassVar[tuple[str, ...]] = ("cls_token",)
    grid = vit.Config.grid

    @property
    def stage_names(self) -> tuple[str, ...]:
        return ("stem", *(f"stage{i + 1}" for i in range(self.num_hidden_layers)))

    def check(self):
        yield from super().check()
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 <= self.drop_path_rate < 1:
            yield f"drop_path_rate must be in [0, 1), got {self.drop_path_rate}"


# ------------------------------------------------------------------------------------------------------ declarations


def FeedForward(c):
    d, f = c.hidden_size, int(c.hidden_size * c.mlp_ratio)
    if not c.use_swiglu_ffn:
        return {"fc1": Linear(d, f), "fc2": Linear(f, d, "mlp embed")}
    f = (int(f * 2 / 3) + 7) // 8 * 8
    return {"weights_in": Linear(d, 2 * f), "weights_out": Linear(f, d, "mlp embed")}


def Layer(c):
    d, scale = c.hidden_size, {"lambda1": Param((c.hidden_size,), "embed", constant(c.layerscale_value))}
    return {
        "norm1": LayerNorm(d),
        "attention": {
            "attention": {n: Linear(d, d, "embed heads", bias=c.qkv_bias) for n in ("query", "key", "value")},
            "output": {"dense": Linear(d, d, "heads embed")},
        },
        "layer_scale1": scale,
        "norm2": LayerNorm(d),
        "mlp": FeedForward(c),
        "layer_scale2": scale,
    }


def Model(c):
    d, (rows, columns) = c.hidden_size, c.grid()
    return {
        "embeddings": {
            "cls_token": Param((1, 1, d), "- - embed", normal(1.0)),
            **({"mask_token": Param((1, d), "- embed", zeros)} if c.use_mask_token else {}),
            "position_embeddings": Param((1, rows * columns + 1, d), "- - embed", normal(1.0)),
            "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
        },
        "encoder": {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))},
        "layernorm": LayerNorm(d),
    }


def Classifier(c):
    return {"dinov2": Model(c), "classifier": Linear(2 * c.hidden_size, c.num_labels, "embed -")}


# ------------------------------------------------------------------------------------------------------ functions


def feed_forward(p, c, x):
    if "fc1" in p:
        return linear(p["fc2"], nn.activation(c.hidden_act, linear(p["fc1"], x)))
    gate, x = jnp.split(linear(p["weights_in"], x), 2, -1)
    return linear(p["weights_out"], nn.activation("silu", gate) * x)


def layer(p, c, x, *, key, weights):
    k_attention, *k_drop = nn.split(key, 3)
    h = layer_norm(p["norm1"], x, c.layer_norm_eps)
    h, probs = vit.attention(p["attention"], c, h, key=k_attention, weights=weights)
    x = x + drop_path(h * p["layer_scale1"]["lambda1"], c.drop_path_rate, k_drop[0])
    h = feed_forward(p["mlp"], c, layer_norm(p["norm2"], x, c.layer_norm_eps))
    x = x + drop_path(h * p["layer_scale2"]["lambda1"], c.drop_path_rate, k_drop[1])
    return x, {"attention": probs}


def encode(p, c, pixel_values, bool_masked_pos, states, weights, key):
    """The layers over images [B, C, H, W] of any size. Returns (x before the last norm, hidden states, attentions)."""
    nn.images(c.model_type, pixel_values, c.num_channels)
    hidden = bool_masked_pos if c.use_mask_token else None
    k_embed, k_layers = nn.split(key, 2)
    first, layers = vit.embeddings(p["embeddings"], c, pixel_values, hidden, k_embed), p["encoder"]["layer"]

    def step(p, x, key):
        return layer(p, c, x, key=key, weights=weights)

    x, ys = nn.fold(step, layers, first, states=states, key=k_layers)
    return x, nn.hidden_states(first, ys), nn.collect(ys, "attention")


def model(p, c, pixel_values, bool_masked_pos=None, output_hidden_states=False, output_attentions=False, key=None):
    """Features of images [B, C, H, W] of any size: `last_hidden_state` [B, 1 + patches, D], `pooler_output` [B, D].

    Patches where `bool_masked_pos` [B, patches] is true are hidden behind the mask token. `key` switches dropout on.
    """
    x, hidden, probs = encode(p, c, pixel_values, bool_masked_pos, output_hidden_states, output_attentions, key)
    x = layer_norm(p["layernorm"], x, c.layer_norm_eps)
    return Output(last_hidden_state=x, pooler_output=x[:, 0], hidden_states=hidden, attentions=probs)


# ------------------------------------------------------------------------------------------------------ heads


@extends(model, "bool_masked_pos")
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = model(p["dinov2"], c, pixel_values, **inputs)
    x = out.last_hidden_state
    logits = linear(p["classifier"], jnp.concatenate([x[:, 0], x[:, 1:].mean(1)], -1))
    return nn.heads.classification(out, c, logits, labels)


def backbone(p, c, pixel_values, output_hidden_states=False, output_attentions=False, key=None):
    """Feature maps of the layers that `out_features` or `out_indices` choose: [B, D, H / patch, W / patch].

    Without `reshape_hidden_states` they are [B, 1 + patches, D]; `apply_layernorm` norms them.
    """
    grid = c.grid(pixel_values.shape[2:])
    _, hidden, probs = encode(p, c, pixel_values, None, True, output_attentions, key)

    def feature(x):
        x = layer_norm(p["layernorm"], x, c.layer_norm_eps) if c.apply_layernorm else x
        if not c.reshape_hidden_states:
            return x
        return nn.channels_first(x[:, 1:].reshape(x.shape[0], *grid, -1))

    maps = tuple(feature(x) if i in c.stages else None for i, x in enumerate(hidden))
    out = feature_maps(c, maps, False, attentions=probs)
    return Output({**out, "hidden_states": hidden if output_hidden_states else None})


HEADS = {
    "Dinov2Model": Head(Model, model),
    "Dinov2ForImageClassification": Head(Classifier, image_classification),
    "Dinov2Backbone": Head(Model, backbone),
}
