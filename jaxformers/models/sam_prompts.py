"""SAM's prompts: points, boxes and masks of an image as embeddings. https://arxiv.org/abs/2304.02643, section 3."""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.nn import Conv2d, Embedding, LayerNorm, layer_norm

NOT_A_POINT, PADDING = -1, -10  # labels of points beside 0 (outside) and 1 (inside)


@dataclasses.dataclass(frozen=True)
class PromptEncoderConfig(ModelConfig):
    hidden_size: int = 256
    image_size: int = 1024
    patch_size: int = 16
    mask_input_channels: int = 16
    num_point_embeddings: int = 4
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-6

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        if self.num_point_embeddings < 4:
            yield f"num_point_embeddings must be at least 4, got {self.num_point_embeddings}"

    @property
    def image_embedding_size(self) -> int:
        return self.image_size // self.patch_size


# ------------------------------------------------------------------------------------------------------ declarations


def PromptEncoder(c):
    d, m = c.hidden_size, c.mask_input_channels
    return {
        "mask_embed": {
            "conv1": Conv2d(1, m // 4, 2),
            "conv2": Conv2d(m // 4, m, 2),
            "conv3": Conv2d(m, d, 1, "channels embed"),
            "layer_norm1": LayerNorm(m // 4, "channels"),
            "layer_norm2": LayerNorm(m // 4 * 4, "channels"),
        },
        "no_mask_embed": Embedding(1, d, "- embed"),
        "point_embed": [Embedding(1, d, "- embed") for _ in range(c.num_point_embeddings)],
        "not_a_point_embed": Embedding(1, d, "- embed"),
    }


# ------------------------------------------------------------------------------------------------------ functions


def places(p, at):
    """Embeddings [..., D] of places at [..., 2], across and down, as fractions of the image."""
    waves = p["positional_embedding"]
    angles = 2 * math.pi * jnp.matmul(2 * at - 1, waves.astype(jnp.float32), precision="highest")
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1).astype(waves.dtype)


def grid_places(p, size: int):
    """Embeddings [size^2, D] of the centres of an image's patches."""
    centres = (jnp.arange(size, dtype=jnp.float32) + 0.5) / size
    across, down = jnp.meshgrid(centres, centres)
    return places(p, jnp.stack([across, down], -1)).reshape(size**2, -1)


def point_prompts(p, c, shared, points, labels, pad: bool):
    """Points [B, P, n, 2] in pixels, with their labels, as embeddings [B, P, n, D]; `pad` adds one that is none."""
    points = points.astype(jnp.float32) + 0.5
    if pad:
        points = jnp.pad(points, ((0, 0), (0, 0), (0, 1), (0, 0)))
        labels = jnp.pad(labels, ((0, 0), (0, 0), (0, 1)), constant_values=NOT_A_POINT)
    x, labels = places(shared, points / c.image_size), labels[..., None]
    x = jnp.where(labels == NOT_A_POINT, p["not_a_point_embed"]["weight"], x)
    x = jnp.where(labels == PADDING, 0, x)
    for label in (0, 1):
        x = jnp.where(labels == label, x + p["point_embed"][label]["weight"], x)
    return x


def box_prompts(p, c, shared, boxes):
    """Boxes [B, P, 4] as left, top, right and bottom in pixels -> their two corners, [B, P, 2, D]."""
    corners = (boxes.astype(jnp.float32) + 0.5).reshape(*boxes.shape[:2], 2, 2)
    kinds = jnp.concatenate([p["point_embed"][i]["weight"] for i in (2, 3)])
    return places(shared, corners / c.image_size) + kinds


def mask_prompts(p, c, masks):
    """Masks [B, 1, 4 rows, 4 columns] of scores -> [B, rows, columns, D]."""
    p, size = p["mask_embed"], 4 * c.image_embedding_size
    nn.images("SamModel", masks, 1, (size, size), f"input_masks must have shape [batch, 1, {size}, {size}]")
    x = layer_norm(p["layer_norm1"], nn.patchify(p["conv1"], masks), c.layer_norm_eps)
    x = nn.channels_first(nn.activation(c.hidden_act, x))
    x = layer_norm(p["layer_norm2"], nn.patchify(p["conv2"], x), c.layer_norm_eps)
    return nn.conv2d(p["conv3"], nn.activation(c.hidden_act, x))
