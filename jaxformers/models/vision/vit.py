"""ViT: an image cut into patches, each a token of a transformer encoder with pre-layer-norm blocks.

Paper: https://arxiv.org/abs/2010.11929. Serves ViT (ImageNet-1k and -21k), DINO and every checkpoint of model type
"vit"; the masked-image head is SimMIM's, https://arxiv.org/abs/2111.09886.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.nn import Conv2d, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "vit"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="vit"):
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    image_size: int | tuple[int, int] = 224
    patch_size: int | tuple[int, int] = 16
    num_channels: int = 3
    qkv_bias: bool = True
    encoder_stride: int = 16
    pooler_output_size: int | None = None
    pooler_act: str = "tanh"

    allowed = {"hidden_act": nn.ACTIVATION_NAMES, "pooler_act": nn.ACTIVATION_NAMES}
    tokens: ClassVar[tuple[str, ...]] = ("cls_token",)  # learned, in front of the patches

    def check(self):
        self.default(pooler_output_size=self.hidden_size)
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not all(0 < p <= n for p, n in zip(nn.pair(self.patch_size), nn.pair(self.image_size), strict=True)):
            yield f"patch_size must be at least 1 and at most image_size ({self.image_size}), got {self.patch_size}"

    def grid(self, size=None) -> tuple[int, ...]:
        """Rows and columns of whole patches in an image of `size`, (height, width); of `image_size` by default."""
        size = nn.pair(self.image_size) if size is None else size
        return tuple(n // p for n, p in zip(size, nn.pair(self.patch_size), strict=True))


# ------------------------------------------------------------------------------------------------------ declarations


def Embeddings(c, mask_token: bool):
    d, (rows, columns) = c.hidden_size, c.grid()
    return {
        **{name: Param((1, 1, d), "- - embed") for name in c.tokens},
        **({"mask_token": Param((1, 1, d), "- - embed", zeros)} if mask_token else {}),
        "position_embeddings": Param((1, rows * columns + len(c.tokens), d), "- - embed"),
        "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
    }


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    return {
        "attention": {
            "attention": {n: Linear(d, d, "embed heads", bias=c.qkv_bias) for n in ("query", "key", "value")},
            "output": {"dense": Linear(d, d, "heads embed")},
        },
        "intermediate": {"dense": Linear(d, f)},
        "output": {"dense": Linear(f, d, "mlp embed")},
        "layernorm_before": LayerNorm(d),
        "layernorm_after": LayerNorm(d),
    }


def Model(c, pooler: bool = True, mask_token: bool = False):
    d = c.hidden_size
    return {
        "embeddings": Embeddings(c, mask_token),
        "encoder": {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))},
        "layernorm": LayerNorm(d),
        **({"pooler": {"dense": Linear(d, c.pooler_output_size, "embed -")}} if pooler else {}),
    }


def MaskedImage(c):
    return {
        "vit": Model(c, pooler=False, mask_token=True),
        "decoder": [Conv2d(c.hidden_size, c.encoder_stride**2 * c.num_channels, 1, "embed -")],
    }


def Classifier(c):
    return {"vit": Model(c, pooler=False), "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, mask=None, key=None, weights=False):
    """Self-attention among the patches of x [B, S, D]. Returns (y, weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(p["attention"][n], x), c.num_attention_heads) for n in ("query", "key", "value"))
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_probs_dropout_prob, key=k_probs, weights=weights)
    return dropout(linear(p["output"]["dense"], nn.merge_heads(h)), c.hidden_dropout_prob, k_out), probs


def layer(p, c, x, *, mask=None, key=None, weights=False):
    k_attention, k_out = nn.split(key, 2)
    h = layer_norm(p["layernorm_before"], x, c.layer_norm_eps)
    h, probs = attention(p["attention"], c, h, mask=mask, key=k_attention, weights=weights)
    x = x + h
    h = linear(p["intermediate"]["dense"], layer_norm(p["layernorm_after"], x, c.layer_norm_eps))
    h = linear(p["output"]["dense"], nn.activation(c.hidden_act, h))
    return x + dropout(h, c.hidden_dropout_prob, k_out), {"attention": probs}


def positions(p, c, grid: tuple[int, int]):
    """Position embeddings [1, tokens + rows * columns, D] of a grid of patches, interpolated if not the config's."""
    table, n = p["position_embeddings"], len(c.tokens)
    if grid == c.grid():
        return table
    patches = nn.resize.bicubic(table[:, n:].reshape(1, *c.grid(), -1), grid)
    return jnp.concatenate([table[:, :n], patches.reshape(1, grid[0] * grid[1], -1)], 1)


def embeddings(p, c, pixel_values, bool_masked_pos, key):
    x = nn.patchify(p["patch_embeddings"]["projection"], pixel_values)
    grid, x = x.shape[1:3], x.reshape(x.shape[0], -1, x.shape[-1])
    if bool_masked_pos is not None:
        if bool_masked_pos.shape != x.shape[:2]:
            got = list(bool_masked_pos.shape)
            raise InputError(
                c.model_type, [f"bool_masked_pos must be [batch, patches] {list(x.shape[:2])}, got {got}"]
            )
        x = jnp.where(bool_masked_pos.astype(bool)[..., None], p["mask_token"], x)
    first = [jnp.broadcast_to(p[name], (x.shape[0], 1, x.shape[-1])) for name in c.tokens]
    x = jnp.concatenate([*first, x], 1) + positions(p, c, grid)
    return dropout(x, c.hidden_dropout_prob, key)


def encode(
    p,
    c,
    pixel_values,
    bool_masked_pos=None,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder over a class token and the patches of pixel_values [B, C, H, W].

    Images must have the config's `image_size` unless `interpolate_pos_encoding`, which stretches the position
    embeddings over any larger or smaller grid. Patches where `bool_masked_pos` [B, patches] is true are hidden behind
    the mask token. `key` switches dropout on.
    """
    todo = "resize the images or pass interpolate_pos_encoding=True"
    size = None if interpolate_pos_encoding else nn.pair(c.image_size)
    nn.images(c.model_type, pixel_values, c.num_channels, size, todo)
    k_embed, k_layers = nn.split(key, 2)
    first = embeddings(p["embeddings"], c, pixel_values, bool_masked_pos, k_embed)
    layers = p["encoder"]["layer"]

    def step(p, x, key):
        return layer(p, c, x, key=key, weights=output_attentions)

    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=k_layers)
    x = layer_norm(p["layernorm"], x, c.layer_norm_eps)
    pooled = nn.activation(c.pooler_act, linear(p["pooler"]["dense"], x[:, 0])) if "pooler" in p else None
    return Output(
        last_hidden_state=x,
        pooler_output=pooled,
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(encode, "bool_masked_pos")
def model(p, c, pixel_values, **inputs):
    """Features of an image: `last_hidden_state` [B, 1 + patches, D] and `pooler_output` of the class token."""
    return encode(p, c, pixel_values, **inputs)


@extends(encode, "bool_masked_pos")
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = encode(p["vit"], c, pixel_values, **inputs)
    return nn.heads.classification(out, c, linear(p["classifier"], out.last_hidden_state[:, 0]), labels)


@extends(encode)
def masked_image(p, c, pixel_values, bool_masked_pos=None, **inputs):
    """Pixels behind masked patches: `reconstruction` [B, C, H, W]; the loss is the mean error over masked pixels."""
    out = encode(p["vit"], c, pixel_values, bool_masked_pos, **inputs)
    return reconstruct(p, c, out, out.last_hidden_state[:, 1:], pixel_values, bool_masked_pos)


def reconstruct(p, c, out, x, pixel_values, bool_masked_pos):
    """The end of such a head, for the states x [B, patches, D] of an encoder's output `out`."""
    grid = c.grid(pixel_values.shape[2:])
    x = nn.conv2d(p["decoder"][0], x.reshape(x.shape[0], *grid, -1))
    x = nn.channels_first(nn.pixel_shuffle(x, c.encoder_stride))
    loss = None
    if bool_masked_pos is not None:
        if x.shape != pixel_values.shape:
            problem = (
                f"reconstruction must be as large as pixel_values {list(pixel_values.shape)}, got {list(x.shape)}"
            )
            todo = "with bool_masked_pos, encoder_stride must equal patch_size and divide height and width"
            raise InputError(c.model_type, [problem], todo)
        mask = bool_masked_pos.reshape(x.shape[0], 1, *grid).astype(bool)
        mask = mask.repeat(c.encoder_stride, 2).repeat(c.encoder_stride, 3)
        error = jnp.abs(pixel_values.astype(jnp.float32) - x.astype(jnp.float32))
        loss = jnp.where(mask, error, 0).sum() / (mask.sum() + 1e-5) / c.num_channels
    return nn.heads.carry(out, loss=loss, reconstruction=x)


HEADS = {
    "ViTModel": Head(Model, model),
    "ViTForImageClassification": Head(Classifier, image_classification),
    "ViTForMaskedImageModeling": Head(MaskedImage, masked_image),
}
