"""ViTMAE: ViT over a random quarter of an image's patches, and a small decoder that paints the others.

Paper: https://arxiv.org/abs/2111.06377. Serves every checkpoint of model type "vit_mae".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.vision import vit
from jaxformers.nn import Conv2d, LayerNorm, Linear, layer_norm, linear
from jaxformers.nn.sinusoid import sinusoid_table
from jaxformers.output import Output
from jaxformers.spec import Layers, Param

PREFIX = "vit"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="vit_mae"):
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    image_size: int = 224
    patch_size: int = 16
    num_channels: int = 3
    qkv_bias: bool = True
    decoder_num_attention_heads: int = 16
    decoder_hidden_size: int = 512
    decoder_num_hidden_layers: int = 8
    decoder_intermediate_size: int = 2048
    mask_ratio: float = 0.75
    norm_pix_loss: bool = False

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    tokens: ClassVar[tuple[str, ...]] = ("cls_token",)
    grid = vit.Config.grid

    def check(self):
        for side in ("", "decoder_"):
            d, heads = getattr(self, f"{side}hidden_size"), getattr(self, f"{side}num_attention_heads")
            if d % heads or d % 4:
                rule = f"{side}hidden_size must be a multiple of 4 and of {side}num_attention_heads"
                yield f"{rule}, got {d} and {heads}"
        yield from self.multiple("image_size", "patch_size")
        if not 0 <= self.mask_ratio < 1:
            yield f"mask_ratio must be in [0, 1), got {self.mask_ratio}"

    @property
    def decoder(self):
        """The config of the decoder's layers."""
        sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        return self.replace(**{n: getattr(self, f"decoder_{n}") for n in sizes})


# ------------------------------------------------------------------------------------------------------ declarations


def plane(key, shape, dtype):
    """Initialiser [1, 1 + n * n, D] of positions on a square: half of D are waves of the column, half of the row."""
    side, half = round((shape[1] - 1) ** 0.5), shape[2] // 2
    waves = np.asarray(sinusoid_table(None, (side, half), np.float32))
    rows, columns = np.repeat(waves, side, 0), np.tile(waves, (side, 1))
    return jnp.asarray(np.concatenate([np.zeros((1, 2 * half)), np.concatenate([columns, rows], 1)]), dtype)[None]


def Positions(c, d: int):
    rows, columns = c.grid()
    return Param((1, rows * columns + 1, d), "- - embed", plane, trainable=False)


def Model(c):
    d = c.hidden_size
    return {
        "embeddings": {
            "cls_token": Param((1, 1, d), "- - embed"),
            "position_embeddings": Positions(c, d),
            "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
        },
        "encoder": {"layer": Layers(vit.Layer(c) for _ in range(c.num_hidden_layers))},
        "layernorm": LayerNorm(d),
    }


def Decoder(c):
    d = c.decoder_hidden_size
    return {
        "decoder_embed": Linear(c.hidden_size, d, "embed -"),
        "mask_token": Param((1, 1, d), "- - embed"),
        "decoder_pos_embed": Positions(c, d),
        "decoder_layers": Layers(vit.Layer(c.decoder) for _ in range(c.decoder_num_hidden_layers)),
        "decoder_norm": LayerNorm(d),
        "decoder_pred": Linear(d, c.patch_size**2 * c.num_channels, "embed -"),
    }


# ------------------------------------------------------------------------------------------------------ functions


def shuffle(c, noise):
    """Which patches are seen, [B, kept], the place of each in the shuffled order, [B, P], and 1 where it is hidden.

    Those with the least noise [B, P] are seen.
    """
    kept = int(noise.shape[1] * (1 - c.mask_ratio))
    order = jnp.argsort(noise, axis=1)
    restore = jnp.argsort(order, axis=1)
    return order[:, :kept], restore, restore >= kept


def embeddings(p, c, pixel_values, noise):
    """The class token and the patches that are seen, [B, 1 + kept, D], and `shuffle`'s order and mask."""
    x = nn.patchify(p["patch_embeddings"]["projection"], pixel_values)
    at, x = vit.positions(p, c, x.shape[1:3]), x.reshape(x.shape[0], -1, x.shape[-1])
    if noise.shape != x.shape[:2]:
        raise InputError(
            c.model_type, [f"noise must be [batch, patches] {list(x.shape[:2])}, got {list(noise.shape)}"]
        )
    seen, restore, hidden = shuffle(c, noise)
    x = jnp.take_along_axis(x + at[:, 1:], seen[..., None], 1)
    first = jnp.broadcast_to(p["cls_token"] + at[:, :1], (x.shape[0], 1, x.shape[-1]))
    return jnp.concatenate([first, x], 1), restore, hidden


def model(
    p,
    c,
    pixel_values,
    noise=None,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Features of a random part of each image: `last_hidden_state` [B, 1 + kept, D].

    pixel_values [B, C, H, W] of the config's `image_size`, or of any with `interpolate_pos_encoding`. The patches with
    the least `noise` [B, patches] are seen; it is drawn with `key`, which also switches dropout on, if not given.
    `mask` [B, patches] is 1 where a patch is hidden; `ids_restore` int [B, patches] undoes the shuffling.
    """
    todo = "resize the images or pass interpolate_pos_encoding=True"
    size = None if interpolate_pos_encoding else nn.pair(c.image_size)
    nn.images(c.model_type, pixel_values, c.num_channels, size, todo)
    k_noise, k_layers = nn.split(key, 2)
    if noise is None:
        if key is None:
            raise InputError(c.model_type, ["noise or a key must be given: a random part of the patches is hidden"])
        rows, columns = c.grid(pixel_values.shape[2:])
        noise = jax.random.uniform(k_noise, (pixel_values.shape[0], rows * columns))
    first, restore, hidden = embeddings(p["embeddings"], c, pixel_values, noise)

    def step(p, x, key):
        return vit.layer(p, c, x, key=key, weights=output_attentions)

    layers = p["encoder"]["layer"]
    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=k_layers)
    return Output(
        last_hidden_state=layer_norm(p["layernorm"], x, c.layer_norm_eps),
        mask=hidden.astype(x.dtype),
        ids_restore=restore,
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


def decode(p, c, x, restore, key):
    """Pixels [B, patches, patch^2 * C] of every patch, from the states x [B, 1 + kept, D] of those that were seen."""
    x = linear(p["decoder_embed"], x)
    rest = restore.shape[1] + 1 - x.shape[1]
    every = jnp.concatenate([x[:, 1:], jnp.broadcast_to(p["mask_token"], (x.shape[0], rest, x.shape[-1]))], 1)
    x = jnp.concatenate([x[:, :1], jnp.take_along_axis(every, restore[..., None], 1)], 1)
    table = p["decoder_pos_embed"]
    if table.shape[1] != x.shape[1]:  # as in the reference these stretch along the row of all patches
        patches = nn.resize.bicubic(table[:, None, 1:], (1, x.shape[1] - 1))[:, 0]
        table = jnp.concatenate([table[:, :1], patches], 1)
    x, _ = nn.fold(lambda p, x, key: vit.layer(p, c.decoder, x, key=key), p["decoder_layers"], x + table, key=key)
    return linear(p["decoder_pred"], layer_norm(p["decoder_norm"], x, c.layer_norm_eps))[:, 1:]


def patches(c, pixel_values):
    """The pixels of each patch, [B, patches, patch^2 * C] float32, channels last."""
    rows, columns = c.grid(pixel_values.shape[2:])
    x = pixel_values.astype(jnp.float32)[:, :, : rows * c.patch_size, : columns * c.patch_size]
    x = x.reshape(x.shape[0], c.num_channels, rows, c.patch_size, columns, c.patch_size)
    return x.transpose(0, 2, 4, 3, 5, 1).reshape(x.shape[0], rows * columns, -1)


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def pretraining(p, c, pixel_values, *, key=None, **inputs):
    """Painted patches `logits` [B, patches, patch^2 * C], and the mean squared error over those that were hidden.

    With `norm_pix_loss` each patch's pixels are to be told relative to their mean and spread.
    """
    k_model, k_decode = nn.split(key, 2)
    out = model(p["vit"], c, pixel_values, **inputs, key=k_model)
    logits = decode(p["decoder"], c, out.last_hidden_state, out.ids_restore, k_decode)
    target = patches(c, pixel_values)
    if c.norm_pix_loss:
        target = (target - target.mean(-1, keepdims=True)) / jnp.sqrt(target.var(-1, keepdims=True, ddof=1) + 1e-6)
    error = jnp.square(logits.astype(jnp.float32) - target).mean(-1)
    hidden = out.mask.astype(jnp.float32)
    loss = (error * hidden).sum() / hidden.sum()
    return nn.heads.carry(out, loss=loss, logits=logits, mask=out.mask, ids_restore=out.ids_restore)


HEADS = {
    "ViTMAEModel": Head(Model, model),
    "ViTMAEForPreTraining": Head(lambda c: {"vit": Model(c), "decoder": Decoder(c)}, pretraining),
}
