"""SAM's image encoder: a ViT that attends inside windows, and over the whole image in a few of its layers.

Papers: https://arxiv.org/abs/2304.02643, and https://arxiv.org/abs/2203.16527 for the encoder. Serves checkpoints of
model type "sam_vision_model" and is one half of "sam".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.nn import Conv2d, LayerNorm, Linear, layer_norm, linear
from jaxformers.nn.image_windows import join_windows, split_windows
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, Stack, zeros

PREFIX = "sam"
EPS = 1e-6  # of the neck's norms


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="sam_vision_model"):
    hidden_size: int = 768
    output_channels: int = 256
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    num_channels: int = 3
    image_size: int = 1024
    patch_size: int = 16
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-6
    attention_dropout: float = 0.0
    initializer_range: float = 1e-10
    qkv_bias: bool = True
    mlp_ratio: float = 4.0
    use_abs_pos: bool = True
    use_rel_pos: bool = True
    window_size: int = 14
    global_attn_indexes: tuple[int, ...] = (2, 5, 8, 11)
    num_pos_feats: int = 128
    mlp_dim: int | None = None

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        self.default(mlp_dim=int(self.hidden_size * self.mlp_ratio))
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 < self.patch_size <= self.image_size:
            yield f"patch_size must be at least 1 and at most image_size ({self.image_size}), got {self.patch_size}"
        if self.window_size < 0:
            yield f"window_size must be at least 1, or 0 for layers that see all of the image, got {self.window_size}"

    @property
    def grid(self) -> int:
        """Rows, and columns, of patches in an image."""
        return self.image_size // self.patch_size

    def window(self, layer: int) -> int:
        """How wide the windows of a layer are; 0 if it sees all of the image."""
        return 0 if layer in self.global_attn_indexes else self.window_size


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c, i: int):
    d, heads = c.hidden_size, c.num_attention_heads
    table = Param((2 * (c.window(i) or c.grid) - 1, d // heads), "- -", zeros)
    return {
        "layer_norm1": LayerNorm(d),
        "attn": {
            "qkv": Linear(d, 3 * d, "embed heads", bias=c.qkv_bias),
            "proj": Linear(d, d, "heads embed"),
            **({"rel_pos_h": table, "rel_pos_w": table} if c.use_rel_pos else {}),
        },
        "layer_norm2": LayerNorm(d),
        "mlp": {"lin1": Linear(d, c.mlp_dim), "lin2": Linear(c.mlp_dim, d, "mlp embed")},
    }


def Tower(c):
    d, out = c.hidden_size, c.output_channels
    layers = [Layer(c, i) for i in range(c.num_hidden_layers)]
    return {
        "patch_embed": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
        **({"pos_embed": Param((1, c.grid, c.grid, d), "- - - embed", zeros)} if c.use_abs_pos else {}),
        # Layers with and without windows may only be told apart by their tables: without these they are not scanned.
        "layers": Layers(layers) if c.use_rel_pos else layers,
        "neck": {
            "conv1": Conv2d(d, out, 1, "embed channels", bias=False),
            "layer_norm1": LayerNorm(out, "channels"),
            "conv2": Conv2d(out, out, 3, bias=False),
            "layer_norm2": LayerNorm(out, "channels"),
        },
    }


def Model(c):
    return {"vision_encoder": Tower(c)}


# ------------------------------------------------------------------------------------------------------ functions


def distance_bias(p, q, size: int):
    """Scores [B, N, size^2, size^2] of queries q [B, size^2, N, H] by their keys' distance, down and across.

    "Decomposed" relative positions, https://arxiv.org/abs/2112.01526, section 4.1.
    """
    steps = jnp.arange(size)[:, None] - jnp.arange(size)[None] + size - 1
    q = q.reshape(q.shape[0], size, size, *q.shape[2:])
    down = jnp.einsum("byxnh,ykh->bnyxk", q, p["rel_pos_h"][steps])
    across = jnp.einsum("byxnh,xkh->bnyxk", q, p["rel_pos_w"][steps])
    bias = down[..., :, None] + across[..., None, :]
    return bias.reshape(*bias.shape[:2], size**2, size**2)


def attention(p, c, x, size: int, key, weights: bool):
    """Attention among squares of patches x [B, size^2, D]. Returns (y, weights [B * N, size^2, size^2] or None)."""
    heads = c.num_attention_heads
    q, k, v = (nn.split_heads(h, heads) for h in jnp.split(linear(p["qkv"], x), 3, -1))
    bias = distance_bias(p, q, size) if "rel_pos_h" in p else None
    h, probs = nn.attend(q, k, v, bias=bias, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["proj"], nn.merge_heads(h)), None if probs is None else probs.reshape(-1, *probs.shape[2:])


def layer(p, c, x, window: int, key, weights: bool):
    """A block over x [B, H, W, D], whose windows, if any, are padded with zeros that are attended to."""
    (height, width), size = x.shape[1:3], window or x.shape[1]
    h = layer_norm(p["layer_norm1"], x, c.layer_norm_eps)
    h = jnp.pad(h, ((0, 0), (0, -height % size), (0, -width % size), (0, 0)))
    full = h.shape[1:3]
    h, probs = attention(p["attn"], c, split_windows(h, size), size, key, weights)
    x = x + join_windows(h, size, *full)[:, :height, :width]
    h = linear(p["mlp"]["lin1"], layer_norm(p["layer_norm2"], x, c.layer_norm_eps))
    return x + linear(p["mlp"]["lin2"], nn.activation(c.hidden_act, h)), {"attention": probs}


def blocks(p, c, x, states: bool, weights: bool, key):
    """All layers, run by run of those with equal windows. Returns (x, what every layer reports)."""
    layers, at = p["layers"], 0
    said: list = []
    keys = nn.split_layers(key, c.num_hidden_layers)
    for run in [layers] if isinstance(layers, Stack) else layers:
        run, window = run if isinstance(run, Stack) else [run], c.window(at)

        def step(p, x, key, window=window):
            return layer(p, c, x, window, key, weights)

        count = nn.num_layers(run)
        some = None if keys is None else keys[at : at + count]
        x, ys = nn.fold(step, run, x, states=states, key=some)
        said += [ys] if isinstance(ys, Stack) else ys
        at += count
    return x, said


def tower(p, c, pixel_values, output_hidden_states=False, output_attentions=False, key=None):
    """The encoder over images [B, C, H, W] of the config's `image_size`; see `model`."""
    nn.images(c.model_type, pixel_values, c.num_channels, (c.image_size, c.image_size))
    first = nn.patchify(p["patch_embed"]["projection"], pixel_values)
    if "pos_embed" in p:
        first = first + p["pos_embed"]
    x, ys = blocks(p, c, first, output_hidden_states, output_attentions, key)
    neck = p["neck"]
    x = layer_norm(neck["layer_norm1"], nn.conv2d(neck["conv1"], x), EPS)
    x = layer_norm(neck["layer_norm2"], nn.conv2d(neck["conv2"], x, padding=1), EPS)
    return Output(
        last_hidden_state=nn.channels_first(x),
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(tower)
def model(p, c, pixel_values, **inputs):
    """Features of images float [B, C, H, W]: `last_hidden_state` [B, output_channels, rows, columns].

    They are SAM's `image_embeddings`. `hidden_states` are [B, rows, columns, D], `attentions` [B * windows * N, window
    size^2, window size^2]. `key` switches dropout on.
    """
    return tower(p["vision_encoder"], c, pixel_values, **inputs)


HEADS = {"SamVisionModel": Head(Model, model)}
