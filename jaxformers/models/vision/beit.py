"""BEiT: ViT with relative positions and scaled residual branches, pretrained to name the visual tokens of patches.

Paper: https://arxiv.org/abs/2106.08254. Serves BEiT base and large (pretrained, classifiers and, with UPerNet's head,
segmenters of ADE20k) and every checkpoint of model type "beit".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.beit_encoder import Encoder, encode
from jaxformers.models.vision import vit
from jaxformers.nn import BatchNorm, LayerNorm, Linear, layer_norm, linear
from jaxformers.nn.backbone import BackboneConfig, feature_maps
from jaxformers.nn.dense import semantic_loss
from jaxformers.nn.segmentation import FCNHead, UperHead, Upscale, fcn_head, uper_head, upscale
from jaxformers.output import Output

PREFIX = "beit"


@dataclasses.dataclass(frozen=True)
class Config(BackboneConfig, model_type="beit"):
    vocab_size: int = 8192
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
    use_mask_token: bool = False
    use_absolute_position_embeddings: bool = False
    use_relative_position_bias: bool = False
    use_shared_relative_position_bias: bool = False
    layer_scale_init_value: float = 0.1
    drop_path_rate: float = 0.1
    use_mean_pooling: bool = True
    pool_scales: tuple[int, ...] = (1, 2, 3, 6)
    use_auxiliary_head: bool = True
    auxiliary_loss_weight: float = 0.4
    auxiliary_channels: int = 256
    auxiliary_num_convs: int = 1
    auxiliary_concat_input: bool = False
    semantic_loss_ignore_index: int = 255
    add_fpn: bool = False
    batch_norm_eps: float = 1e-5  # of a backbone with add_fpn, for which the reference has no default
    reshape_hidden_states: bool = True

    synonyms = {"segmentation_indices": "out_indices"}
    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    tokens: ClassVar[tuple[str, ...]] = ("cls_token",)
    grid = vit.Config.grid

    @property
    def stage_names(self) -> tuple[str, ...]:
        return ("stem", *(f"stage{i + 1}" for i in range(self.num_hidden_layers)))

    def check(self):
        yield from (problems := list(super().check()))
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 <= self.drop_path_rate < 1:
            yield f"drop_path_rate must be in [0, 1), got {self.drop_path_rate}"
        if self.auxiliary_num_convs < 0:
            yield f"auxiliary_num_convs must be at least 0, got {self.auxiliary_num_convs}"
        if self.auxiliary_num_convs == 0 and self.auxiliary_channels != self.hidden_size:
            yield (
                f"auxiliary_channels must be hidden_size ({self.hidden_size}) when auxiliary_num_convs is 0, got "
                f"{self.auxiliary_channels}"
            )
        if self.add_fpn and not self.reshape_hidden_states:
            yield "reshape_hidden_states must be true when add_fpn is, got False"
        if self.add_fpn and not problems and len(self.stages) != 4:
            yield f"out_indices must name 4 layers when add_fpn is true, got {self.out_features or self.out_indices}"


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c, pooler: bool = True):
    norm = LayerNorm(c.hidden_size)
    last = {"pooler": {"layernorm": norm}} if pooler and c.use_mean_pooling else {}
    return {**Encoder(c), **(last if c.use_mean_pooling else {"layernorm": norm})}


def MaskedImage(c):
    return {
        "beit": Model(c, pooler=False),
        "layernorm": LayerNorm(c.hidden_size),
        "lm_head": Linear(c.hidden_size, c.vocab_size, "embed vocab"),
    }


def Classifier(c):
    return {"beit": Model(c), "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}


def Pyramid(d: int):
    """Maps of four sizes from the maps of four layers; the third stays as it is and the last is pooled."""
    return {"fpn1": {"0": Upscale(d, d, 2), "1": BatchNorm(d), "3": Upscale(d, d, 2)}, "fpn2": {"0": Upscale(d, d, 2)}}


def Segmenter(c):
    d = c.hidden_size
    fcn = (d, c.auxiliary_channels, c.auxiliary_num_convs, c.auxiliary_concat_input, c.num_labels)
    return {
        "beit": Model(c, pooler=False),
        **Pyramid(d),
        "decode_head": UperHead((d,) * 4, d, c.pool_scales, c.num_labels),
        **({"auxiliary_head": FCNHead(*fcn)} if c.use_auxiliary_head else {}),
    }


def Backbone(c):
    return {**Encoder(c), **(Pyramid(c.hidden_size) if c.add_fpn else {})}


# ------------------------------------------------------------------------------------------------------ functions


def pooled(p, c, x):
    """[B, D] of the last states x [B, 1 + patches, D]: the normed mean of the patches, or the class token's."""
    return layer_norm(p["pooler"]["layernorm"], x[:, 1:].mean(1), c.layer_norm_eps) if "pooler" in p else x[:, 0]


def features(p, c, pixel_values, bool_masked_pos=None, output_hidden_states=False, output_attentions=False, key=None):
    """The encoder over images [B, C, H, W] of any size, without a pooler; see `model`."""
    x, hidden, probs = encode(p, c, pixel_values, bool_masked_pos, output_hidden_states, output_attentions, key)
    x = layer_norm(p["layernorm"], x, c.layer_norm_eps) if "layernorm" in p else x
    return Output(last_hidden_state=x, hidden_states=hidden, attentions=probs)


def maps_of(c, hidden, chosen, pixel_values):
    """The states [B, 1 + patches, D] of `chosen` layers as maps [B, rows, columns, D]."""
    grid = c.grid(pixel_values.shape[2:])
    return [hidden[i][:, 1:].reshape(pixel_values.shape[0], *grid, -1) for i in chosen]


def pyramid(p, maps, train: bool, eps: float = 1e-5):
    """Four maps of one size as maps 4, 2, 1 and 1/2 times as large. Returns (maps, new statistics)."""
    first, second, third, fourth = maps
    own = p["fpn1"]
    x, state = nn.batch_norm(own["1"], upscale(own["0"], first), train, eps)
    sizes = [upscale(own["3"], nn.gelu(x)), upscale(p["fpn2"]["0"], second), third, nn.max_pool(fourth, 2, 2)]
    return sizes, {"fpn1": {"1": state}} if train else {}


# ------------------------------------------------------------------------------------------------------ heads


@extends(features)
def model(p, c, pixel_values, bool_masked_pos=None, **inputs):
    """Features of images [B, C, H, W] of any size: `last_hidden_state` [B, 1 + patches, D], `pooler_output` [B, D].

    Patches where `bool_masked_pos` [B, patches] is true are hidden behind the mask token. `key` switches dropout and
    stochastic depth on.
    """
    out = features(p, c, pixel_values, bool_masked_pos, **inputs)
    return Output({**out, "pooler_output": pooled(p, c, out.last_hidden_state)})


@extends(features, "bool_masked_pos")
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = features(p["beit"], c, pixel_values, **inputs)
    logits = linear(p["classifier"], pooled(p["beit"], c, out.last_hidden_state))
    return nn.heads.classification(out, c, logits, labels)


@extends(features)
def masked_image(p, c, pixel_values, bool_masked_pos=None, *, labels=None, **inputs):
    """The visual token of every patch: `logits` [B, patches, vocab_size].

    labels int [M] are the tokens of the M patches that `bool_masked_pos` [B, patches] hides, row by row; -100 is
    ignored. The loss is nan when another number of patches is hidden.
    """
    out = features(p["beit"], c, pixel_values, bool_masked_pos, **inputs)
    x = layer_norm(p["layernorm"], out.last_hidden_state, c.layer_norm_eps)
    logits = linear(p["lm_head"], x[:, 1:])
    loss = None
    if labels is not None:
        if bool_masked_pos is None:
            raise InputError(c.model_type, ["labels need bool_masked_pos, which says whose they are"])
        hidden = bool_masked_pos.reshape(-1).astype(bool)
        number = jnp.cumsum(hidden) - 1
        every = jnp.where(hidden, labels.reshape(-1)[jnp.clip(number, 0, labels.size - 1)], nn.losses.IGNORE)
        loss = nn.losses.cross_entropy(logits.reshape(-1, c.vocab_size), every)
        loss = jnp.where(hidden.sum() == labels.size, loss, jnp.nan)
    return nn.heads.carry(out, loss=loss, logits=logits)


@extends(model, "bool_masked_pos")
def semantic_segmentation(
    p,
    c,
    pixel_values,
    *,
    labels=None,
    train=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """One of `num_labels` classes a pixel: `logits` [B, num_labels, 4 rows, 4 columns] for a grid of patches.

    labels int [B, H, W] of any size; `semantic_loss_ignore_index` marks pixels that are not scored, and the auxiliary
    head's loss counts `auxiliary_loss_weight`. With `train` batch normalisation uses the batch's statistics, and
    `state` holds the new running ones. `key` switches dropout and stochastic depth on.
    """
    if len(c.stages) != 4 or 0 in c.stages:
        problem = f"out_indices must name 4 layers from 1 on to segment, got {c.out_features or c.out_indices}"
        raise InputError(c.model_type, [problem])
    if labels is not None and c.num_labels == 1:
        raise InputError(c.model_type, ["num_labels must be more than 1 to score labels of pixels, got 1"])
    _, hidden, probs = encode(p["beit"], c, pixel_values, None, True, output_attentions, key)
    # The reference counts these layers from 1 at the embeddings, unlike its backbone.
    maps, state = pyramid(p, maps_of(c, hidden, [i - 1 for i in c.stages], pixel_values), train)
    logits, state["decode_head"] = uper_head(p["decode_head"], maps, c.pool_scales, train)
    scored = [(logits, 1.0)]
    if "auxiliary_head" in p:
        beside, state["auxiliary_head"] = fcn_head(p["auxiliary_head"], maps[2], train)
        scored.append((beside, c.auxiliary_loss_weight))
    loss = None
    if labels is not None:
        loss = sum(weight * semantic_loss(x, labels, c.semantic_loss_ignore_index) for x, weight in scored)
    return Output(
        loss=loss,
        logits=nn.channels_first(logits),
        hidden_states=hidden if output_hidden_states else None,
        attentions=probs,
        state=state if train else None,
    )


def backbone(p, c, pixel_values, output_hidden_states=False, output_attentions=False, train=False, key=None):
    """Feature maps [B, D, rows, columns] of the layers that `out_features` or `out_indices` choose.

    With `add_fpn` the four of them are 4, 2, 1 and 1/2 times as large, and `train` is for its batch normalisation.
    Without `reshape_hidden_states` they are [B, 1 + patches, D]. `key` switches dropout and stochastic depth on.
    """
    _, hidden, probs = encode(p, c, pixel_values, None, True, output_attentions, key)
    said = {"hidden_states": hidden if output_hidden_states else None, "attentions": probs}
    if not c.reshape_hidden_states:
        return Output({**feature_maps(c, hidden, False), **said})
    maps, state = maps_of(c, hidden, c.stages, pixel_values), {}
    if c.add_fpn:
        maps, state = pyramid(p, maps, train, c.batch_norm_eps)
    return Output(feature_maps=tuple(map(nn.channels_first, maps)), **said, state=state or None)


HEADS = {
    "BeitModel": Head(Model, model),
    "BeitForImageClassification": Head(Classifier, image_classification),
    "BeitForMaskedImageModeling": Head(MaskedImage, masked_image),
    "BeitForSemanticSegmentation": Head(Segmenter, semantic_segmentation),
    "BeitBackbone": Head(Backbone, backbone),
}
