"""BLIP's vision tower: an image cut into patches, each a token of a transformer encoder, behind a class token.

Paper: https://arxiv.org/abs/2201.12086. Serves checkpoints of model type "blip_vision_model" and is one half of
"blip".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models.clip_family import encode
from jaxformers.models.multimodal.clip_vision_model import positions
from jaxformers.nn import Conv2d, LayerNorm, Linear, layer_norm
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, truncated_normal

PREFIX = "blip"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="blip_vision_model"):
    hidden_size: int = 768
    intermediate_size: int = 3072
    projection_dim: int = 512
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    image_size: int = 384
    patch_size: int = 16
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-5
    attention_dropout: float = 0.0
    initializer_range: float = 1e-10

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    num_channels: ClassVar[int] = 3

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 < self.patch_size <= self.image_size:
            yield f"patch_size must be at least 1 and at most image_size ({self.image_size}), got {self.patch_size}"

    @property
    def grid(self) -> int:
        """Rows, and columns, of patches in an image."""
        return self.image_size // self.patch_size


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    return {
        "self_attn": {"qkv": Linear(d, 3 * d, "embed heads"), "projection": Linear(d, d, "heads embed")},
        "layer_norm1": LayerNorm(d),
        "mlp": {"fc1": Linear(d, f), "fc2": Linear(f, d, "mlp embed")},
        "layer_norm2": LayerNorm(d),
    }


def Model(c):
    d, init = c.hidden_size, truncated_normal(c.initializer_range)
    return {
        "embeddings": {
            "class_embedding": Param((1, 1, d), "- - embed", init),
            "patch_embedding": Conv2d(c.num_channels, d, c.patch_size, "- embed"),
            "position_embedding": Param((1, c.grid**2 + 1, d), "- - embed", init),
        },
        "encoder": {"layers": Layers(Layer(c) for _ in range(c.num_hidden_layers))},
        "post_layernorm": LayerNorm(d),
    }


# ------------------------------------------------------------------------------------------------------ functions


def model(
    p,
    c,
    pixel_values,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Features of images [B, 3, H, W]: `last_hidden_state` [B, 1 + patches, D], `pooler_output` of the class token.

    Images must have the config's `image_size` unless `interpolate_pos_encoding`, which stretches the position
    embeddings over any larger or smaller grid. `key` switches dropout on.
    """
    size = None if interpolate_pos_encoding else (c.image_size, c.image_size)
    todo = "resize the images or pass interpolate_pos_encoding=True"
    nn.images(c.model_type, pixel_values, c.num_channels, size, todo)
    held = p["embeddings"]
    x = nn.patchify(held["patch_embedding"], pixel_values)
    grid, x = x.shape[1:3], x.reshape(x.shape[0], -1, x.shape[-1])
    first = jnp.broadcast_to(held["class_embedding"], (x.shape[0], 1, x.shape[-1]))
    x = jnp.concatenate([first, x], 1) + positions({"weight": held["position_embedding"][0]}, c, grid)
    out = encode(p["encoder"], c, x, states=output_hidden_states, weights=output_attentions, key=key)
    x = layer_norm(p["post_layernorm"], out.last_hidden_state, c.layer_norm_eps)
    # The class token is normalised twice, as checkpoints expect.
    pooled = layer_norm(p["post_layernorm"], x[:, 0], c.layer_norm_eps)
    return Output({**out, "last_hidden_state": x}, pooler_output=pooled)


HEADS = {"BlipVisionModel": Head(Model, model)}
