"""Swin Transformer: attention inside windows that shift from layer to layer, and patches merged from stage to stage.

Paper: https://arxiv.org/abs/2103.14030. Serves Swin tiny to large (windows of 7 and 12) and every checkpoint of model
type "swin"; the masked-image head is SimMIM's, https://arxiv.org/abs/2111.09886.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.swin_encoder import EPS, Encoder, encode, flat
from jaxformers.nn import Conv2d, LayerNorm, Linear, layer_norm, linear
from jaxformers.nn.backbone import BackboneConfig
from jaxformers.output import Output

PREFIX = "swin"


@dataclasses.dataclass(frozen=True)
class Config(BackboneConfig, model_type="swin"):
    image_size: int | tuple[int, int] = 224
    patch_size: int | tuple[int, int] = 4
    num_channels: int = 3
    embed_dim: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (3, 6, 12, 24)
    window_size: int = 7
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    drop_path_rate: float = 0.1
    hidden_act: str = "gelu"
    use_absolute_embeddings: bool = False
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    encoder_stride: int = 32

    synonyms = {"num_attention_heads": "num_heads"}
    # The reference's table of absolute positions has one row more than there are patches: it can not be added.
    allowed = {"hidden_act": nn.ACTIVATION_NAMES, "use_absolute_embeddings": (False,)}

    def check(self):
        yield from super().check()
        if not self.depths or min(self.depths) < 1:
            yield f"depths must be at least 1 in every stage, got {self.depths}"
        if len(self.num_heads) != len(self.depths):
            yield f"num_heads must have an entry per stage of depths {self.depths}, got {self.num_heads}"
        elif any(self.width(i) % n for i, n in enumerate(self.num_heads)):
            widths = tuple(map(self.width, range(len(self.depths))))
            yield f"num_heads must divide the widths {widths} that embed_dim gives the stages, got {self.num_heads}"
        if not 0 <= self.drop_path_rate < 1:
            yield f"drop_path_rate must be in [0, 1), got {self.drop_path_rate}"

    def width(self, stage: int) -> int:
        return self.embed_dim * 2**stage

    @property
    def num_layers(self) -> int:
        return len(self.depths)

    @property
    def hidden_size(self) -> int:
        return self.width(len(self.depths) - 1)


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c, mask_token: bool = False):
    return {**Encoder(c, mask_token), "layernorm": LayerNorm(c.hidden_size)}


def MaskedImage(c):
    pixels = Conv2d(c.hidden_size, c.encoder_stride**2 * c.num_channels, 1, "embed -")
    return {"swin": Model(c, mask_token=True), "decoder": [pixels]}


def Classifier(c):
    return {"swin": Model(c), "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}


def Backbone(c):
    norms = {c.stage_names[i]: LayerNorm(c.width(max(i - 1, 0))) for i in c.stages}
    return {**Encoder(c), "hidden_states_norms": norms}


# ------------------------------------------------------------------------------------------------------ functions


def features(p, c, pixel_values, bool_masked_pos=None, output_hidden_states=False, output_attentions=False, key=None):
    """The encoder over images [B, C, H, W] of any size; see `model`."""
    maps, attentions = encode(p, c, pixel_values, bool_masked_pos, output_attentions, key)
    x = layer_norm(p["layernorm"], flat(maps[-1]), c.layer_norm_eps)
    return Output(
        last_hidden_state=x,
        pooler_output=x.mean(1),
        hidden_states=tuple(map(flat, maps)) if output_hidden_states else None,
        attentions=attentions,
        reshaped_hidden_states=tuple(map(nn.channels_first, maps)) if output_hidden_states else None,
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(features, "bool_masked_pos")
def model(p, c, pixel_values, **inputs):
    """Features of images float [B, C, H, W]: `last_hidden_state` [B, patches, D] and its mean, `pooler_output`.

    `hidden_states` [B, patches, D] and `reshaped_hidden_states` [B, D, rows, columns] are the patches and the input of
    every next stage; `attentions` [B * windows, N, size^2, size^2] are those of each stage's last block. `key`
    switches dropout and stochastic depth on.
    """
    return features(p, c, pixel_values, **inputs)


@extends(features, "bool_masked_pos")
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = features(p["swin"], c, pixel_values, **inputs)
    scored = nn.heads.classification(out, c, linear(p["classifier"], out.pooler_output), labels)
    return Output({**scored, "reshaped_hidden_states": out.reshaped_hidden_states})


@extends(features)
def masked_image(p, c, pixel_values, bool_masked_pos=None, **inputs):
    """Pixels behind masked patches: `reconstruction` [B, C, H, W]; the loss is the mean error over masked pixels.

    bool_masked_pos bool [B, patches] hides patches; without it there is no loss.
    """
    out = features(p["swin"], c, pixel_values, bool_masked_pos, **inputs)
    size, patch = pixel_values.shape[2:], nn.pair(c.patch_size)
    grid = tuple(-(-n // (s * 2 ** (len(c.depths) - 1))) for n, s in zip(size, patch, strict=True))
    x = out.last_hidden_state.reshape(pixel_values.shape[0], *grid, -1)
    x = nn.channels_first(nn.pixel_shuffle(nn.conv2d(p["decoder"][0], x), c.encoder_stride))
    loss = None
    if bool_masked_pos is not None:
        if x.shape != pixel_values.shape:
            problem = (
                f"reconstruction must be as large as pixel_values {list(pixel_values.shape)}, got {list(x.shape)}"
            )
            todo = "with bool_masked_pos, encoder_stride must be how many pixels one of the last patches stands for"
            raise InputError("SwinForMaskedImageModeling", [problem], todo)
        mask = bool_masked_pos.reshape(-1, 1, size[0] // patch[0], size[1] // patch[1]).astype(bool)
        mask = mask.repeat(patch[0], 2).repeat(patch[1], 3)
        error = jnp.abs(pixel_values.astype(jnp.float32) - x.astype(jnp.float32))
        loss = jnp.where(mask, error, 0).sum() / (mask.sum() + 1e-5) / c.num_channels
    return nn.heads.carry(out, loss=loss, reconstruction=x, reshaped_hidden_states=out.reshaped_hidden_states)


@extends(model)
def backbone(p, c, pixel_values, output_hidden_states=False, output_attentions=False, key=None):
    """Normalised feature maps [B, D, H, W] of the stages that the config's `out_features` or `out_indices` choose.

    Images of any size: a stage smaller than a window is padded to one.
    """
    maps, attentions = encode(p, c, pixel_values, None, output_attentions, key, as_backbone=True)
    norms = p["hidden_states_norms"]
    chosen = (layer_norm(norms[c.stage_names[i]], maps[i], EPS) for i in c.stages)
    return Output(
        feature_maps=tuple(map(nn.channels_first, chosen)),
        hidden_states=tuple(map(flat, maps)) if output_hidden_states else None,
        attentions=attentions,
    )


HEADS = {
    "SwinModel": Head(Model, model),
    "SwinForImageClassification": Head(Classifier, image_classification),
    "SwinForMaskedImageModeling": Head(MaskedImage, masked_image),
    "SwinBackbone": Head(Backbone, backbone),
}
