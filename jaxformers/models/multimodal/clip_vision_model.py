"""CLIP's vision tower: an image cut into patches, each a token of a transformer encoder, behind a class token.

Paper: https://arxiv.org/abs/2103.00020. Serves checkpoints of model type "clip_vision_model" and is one half of
"clip".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models.clip_family import Encoder, Projection, encode
from jaxformers.nn import Conv2d, Embedding, LayerNorm, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Param, normal

PREFIX = "clip"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="clip_vision_model"):
    hidden_size: int = 768
    intermediate_size: int = 3072
    projection_dim: int = 512
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    num_channels: int = 3
    image_size: int = 224
    patch_size: int = 32
    hidden_act: str = "quick_gelu"
    layer_norm_eps: float = 1e-5
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    initializer_factor: float = 1.0

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 < self.patch_size <= self.image_size:
            yield f"patch_size must be at least 1 and at most image_size ({self.image_size}), got {self.patch_size}"

    @property
    def grid(self) -> int:
        """Rows, and columns, of patches in an image."""
        return self.image_size // self.patch_size


# ------------------------------------------------------------------------------------------------------ declarations


def Tower(c):
    d, init = c.hidden_size, normal(c.initializer_range * c.initializer_factor)
    return {
        "embeddings": {
            "class_embedding": Param((d,), "embed", normal(d**-0.5 * c.initializer_factor)),
            "patch_embedding": Conv2d(c.num_channels, d, c.patch_size, "- embed", bias=False, init=init),
            "position_embedding": Embedding(c.grid**2 + 1, d, "- embed", init),
        },
        "pre_layrnorm": LayerNorm(d),
        "encoder": Encoder(c),
        "post_layernorm": LayerNorm(d),
    }


def Model(c):
    return {"vision_model": Tower(c)}


def WithProjection(c):
    return {"vision_model": Tower(c), "visual_projection": Projection(c, c.projection_dim)}


# ------------------------------------------------------------------------------------------------------ functions


def positions(p, c, grid: tuple[int, int]):
    """Position embeddings [1 + rows * columns, D] of a grid of patches, interpolated if it is not the config's."""
    table = p["weight"]
    if grid == (c.grid, c.grid):
        return table
    patches = nn.resize.bicubic(table[1:].reshape(c.grid, c.grid, -1), grid)
    return jnp.concatenate([table[:1], patches.reshape(grid[0] * grid[1], -1)])


def tower(
    p,
    c,
    pixel_values,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The tower over pixel_values [B, C, H, W].

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
    x = jnp.concatenate([first, x], 1) + positions(held["position_embedding"], c, grid)
    x = layer_norm(p["pre_layrnorm"], x, c.layer_norm_eps)
    out = encode(p["encoder"], c, x, states=output_hidden_states, weights=output_attentions, key=key)
    pooled = layer_norm(p["post_layernorm"], out.last_hidden_state[:, 0], c.layer_norm_eps)
    return Output(out, pooler_output=pooled)


# ------------------------------------------------------------------------------------------------------ heads


@extends(tower)
def model(p, c, pixel_values, **inputs):
    """Features of an image: `last_hidden_state` [B, 1 + patches, D] and `pooler_output` [B, D] of the class token."""
    return tower(p["vision_model"], c, pixel_values, **inputs)


@extends(tower)
def with_projection(p, c, pixel_values, **inputs):
    """`image_embeds` [B, projection_dim] of images, to be compared with those of texts, and the features they have."""
    out = tower(p["vision_model"], c, pixel_values, **inputs)
    embeds = linear(p["visual_projection"], out.pop("pooler_output"))
    return Output(image_embeds=embeds, **out)


HEADS = {
    "CLIPVisionModel": Head(Model, model),
    "CLIPVisionModelWithProjection": Head(WithProjection, with_projection),
}
