"""DPT: states of a vision transformer's layers made into maps and fused, for one depth or one class a pixel.

Paper: https://arxiv.org/abs/2103.13413. Serves DPT large (MiDaS 3.0 and ADE20k), DPT over the backbones BEiT and
DINOv2, and every checkpoint of model type "dpt" that has no convolutional stem.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from jaxformers import models, nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.dpt_neck import Neck, PixelClassifier, classify_pixels, depths, double, neck
from jaxformers.models.parts import any_config
from jaxformers.models.vision import vit
from jaxformers.nn import Conv2d, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.nn.dense import bilinear, semantic_loss
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "dpt"
PROJECTED = 256  # width of the depth head's projection, whatever `fusion_hidden_size` says
AUXILIARY_DROPOUT = 0.1


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="dpt"):
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    image_size: int | tuple[int, int] = 384
    patch_size: int | tuple[int, int] = 16
    num_channels: int = 3
    is_hybrid: bool = False
    qkv_bias: bool = True
    backbone_out_indices: tuple[int, ...] | None = (2, 5, 8, 11)
    readout_type: str = "project"
    reassemble_factors: tuple[float, ...] = (4, 2, 1, 0.5)
    neck_hidden_sizes: tuple[int, ...] = (96, 192, 384, 768)
    fusion_hidden_size: int = 256
    head_in_index: int = -1
    use_batch_norm_in_fusion_residual: bool = False
    use_bias_in_fusion_residual: bool | None = None
    add_projection: bool = False
    use_auxiliary_head: bool = True
    auxiliary_loss_weight: float = 0.4
    semantic_loss_ignore_index: int = 255
    semantic_classifier_dropout: float = 0.1
    backbone_featmap_shape: tuple[int, ...] | None = (1, 1024, 24, 24)  # of hybrids alone, as is the next
    neck_ignore_stages: tuple[int, ...] = (0, 1)
    backbone_config: Any = None
    backbone: str | None = None
    use_pretrained_backbone: bool = False
    use_timm_backbone: bool = False
    backbone_kwargs: Mapping[str, Any] | None = None
    pooler_output_size: int | None = None
    pooler_act: str = "tanh"

    allowed = {
        "hidden_act": nn.ACTIVATION_NAMES,
        "pooler_act": nn.ACTIVATION_NAMES,
        "readout_type": ("ignore", "add", "project"),
        "is_hybrid": (False,),
        "backbone": (None,),
        "use_pretrained_backbone": (False,),
        "use_timm_backbone": (False,),
        "backbone_kwargs": (None,),
    }
    sub_configs = {"backbone_config": any_config}
    tokens: ClassVar[tuple[str, ...]] = ("cls_token",)
    grid = vit.Config.grid

    def check(self):
        yield from vit.Config.check(self)
        sizes, factors = self.neck_hidden_sizes, self.reassemble_factors
        if len(sizes) != len(factors):
            yield f"reassemble_factors must have an entry for each of neck_hidden_sizes {sizes}, got {factors}"
        if any(f <= 0 or (f > 1 and f != int(f)) for f in factors):
            yield f"reassemble_factors must be whole numbers or fractions between 0 and 1, got {factors}"
        if not -len(sizes) <= self.head_in_index < len(sizes):
            yield f"head_in_index must be from {-len(sizes)} to {len(sizes) - 1}, got {self.head_in_index}"
        if self.add_projection and self.fusion_hidden_size != PROJECTED:
            yield f"fusion_hidden_size must be {PROJECTED} with add_projection, got {self.fusion_hidden_size}"
        if self.backbone_config is not None:
            yield from self._check_backbone()

    def _check_backbone(self):
        held = self.backbone_config
        if not any(name.endswith("Backbone") for name in models.module(held.model_type).HEADS):
            yield f"backbone_config must be of a model type with a backbone, got {held.model_type!r}"
        elif getattr(held, "reshape_hidden_states", True):
            yield "backbone_config must have reshape_hidden_states=False, so that its maps keep the class token"
        elif len(held.stages) != len(self.neck_hidden_sizes):
            yield f"backbone_config must name {len(self.neck_hidden_sizes)} stages, got {len(held.stages)}"


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c, pooler: bool = True):
    d, (rows, columns) = c.hidden_size, c.grid()
    return {
        "embeddings": {
            "cls_token": Param((1, 1, d), "- - embed", zeros),
            "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
            "position_embeddings": Param((1, rows * columns + 1, d), "- - embed", zeros),
        },
        "encoder": {"layer": Layers(vit.Layer(c) for _ in range(c.num_hidden_layers))},
        "layernorm": LayerNorm(d),
        **({"pooler": {"dense": Linear(d, c.pooler_output_size, "embed -")}} if pooler else {}),
    }


def DepthEstimator(c):
    d = c.fusion_hidden_size
    own = c.backbone_config
    return {
        **({"dpt": Model(c, pooler=False)} if own is None else {"backbone": backbone(own).declare(own)}),
        "neck": Neck(c),
        "head": {
            **({"projection": Conv2d(PROJECTED, PROJECTED, 3)} if c.add_projection else {}),
            "head": {"0": Conv2d(d, d // 2, 3), "2": Conv2d(d // 2, 32, 3), "4": Conv2d(32, 1, 1, "channels -")},
        },
    }


def Segmenter(c):
    return {
        "dpt": Model(c, pooler=False),
        "neck": Neck(c),
        "head": PixelClassifier(c),
        **({"auxiliary_head": PixelClassifier(c)} if c.use_auxiliary_head else {}),
    }


# ------------------------------------------------------------------------------------------------------ functions


def backbone(own) -> Head:
    """The head of a nested config that gives the states of its layers."""
    name = next(n for n in models.module(own.model_type).HEADS if n.endswith("Backbone"))
    return models.find_head(own, name)[1]


def embeddings(p, c, pixel_values, key):
    """A class token and the patches [B, 1 + patches, D]; positions are stretched over images of other sizes."""
    x = nn.patchify(p["patch_embeddings"]["projection"], pixel_values)
    table, d = p["position_embeddings"], x.shape[-1]
    patches = bilinear(table[:, 1:].reshape(1, *c.grid(), d), x.shape[1:3]).reshape(1, -1, d)
    x = x.reshape(x.shape[0], -1, d) + patches
    first = jnp.broadcast_to(p["cls_token"] + table[:, :1], (x.shape[0], 1, d))
    return dropout(jnp.concatenate([first, x], 1), c.hidden_dropout_prob, key)


def encode(p, c, pixel_values, states: bool, weights: bool, key):
    """The layers over images [B, C, H, W] of any size. Returns (x before the last norm, hidden states, attentions)."""
    nn.images(c.model_type, pixel_values, c.num_channels)
    k_embed, k_layers = nn.split(key, 2)
    first, layers = embeddings(p["embeddings"], c, pixel_values, k_embed), p["encoder"]["layer"]

    def step(p, x, key):
        return vit.layer(p, c, x, key=key, weights=weights)

    x, ys = nn.fold(step, layers, first, states=states, key=k_layers)
    return x, nn.hidden_states(first, ys), nn.collect(ys, "attention")


def own_states(p, c, pixel_values, weights: bool, key):
    """States of the layers that the neck reads, the grid of their patches, all hidden states and attentions."""
    chosen, n = c.backbone_out_indices or (), len(c.neck_hidden_sizes)
    if len(set(chosen)) != n or not set(chosen) <= set(range(c.num_hidden_layers)):
        problem = f"backbone_out_indices must name {n} of {c.num_hidden_layers} layers, got {c.backbone_out_indices}"
        raise InputError(c.model_type, [problem])
    _, hidden, probs = encode(p, c, pixel_values, True, weights, key)
    return [hidden[i + 1] for i in sorted(chosen)], c.grid(pixel_values.shape[2:]), hidden, probs


def backbone_states(p, c, pixel_values, weights: bool, key):
    """As `own_states`, of the backbone."""
    own = c.backbone_config
    how = {"output_hidden_states": True, "output_attentions": weights, "key": key}
    out = backbone(own).apply(p, own, pixel_values, **how)
    return out.feature_maps, own.grid(pixel_values.shape[2:]), out.hidden_states, out.get("attentions")


# ------------------------------------------------------------------------------------------------------ heads


def model(p, c, pixel_values, output_hidden_states=False, output_attentions=False, key=None):
    """Features of images [B, C, H, W] of any size: `last_hidden_state` [B, 1 + patches, D] and `pooler_output`.

    `key` switches dropout on.
    """
    x, hidden, probs = encode(p, c, pixel_values, output_hidden_states, output_attentions, key)
    x = layer_norm(p["layernorm"], x, c.layer_norm_eps)
    pooled = nn.activation(c.pooler_act, linear(p["pooler"]["dense"], x[:, 0]))
    return Output(last_hidden_state=x, pooler_output=pooled, hidden_states=hidden, attentions=probs)


def depth_estimation(
    p, c, pixel_values, *, train=False, output_hidden_states=False, output_attentions=False, key=None
):
    """One depth a pixel: `predicted_depth` [B, 16 rows, 16 columns] for a grid of patches, with the usual factors.

    With `train` batch normalisation uses the batch's statistics, and `state` holds the new running ones. `key`
    switches dropout on. The reference has no loss for this head, and neither is there one here.
    """
    states, part = (own_states, "dpt") if c.backbone_config is None else (backbone_states, "backbone")
    chosen, grid, hidden, probs = states(p[part], c, pixel_values, output_attentions, key)
    maps, state = neck(p["neck"], c, chosen, grid, train)
    return Output(
        predicted_depth=depths(p["head"], maps[c.head_in_index]),
        hidden_states=hidden if output_hidden_states else None,
        attentions=probs,
        state=None if state is None else {"neck": state},
    )


@extends(model)
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
    """One of `num_labels` classes a pixel: `logits` [B, num_labels, 16 rows, 16 columns] for a grid of patches.

    labels int [B, H, W] of any size; `semantic_loss_ignore_index` marks pixels that are not scored, and the auxiliary
    head's loss counts `auxiliary_loss_weight`. With `train` batch normalisation uses the batch's statistics, and
    `state` holds the new running ones. `key` switches dropout on. There is no such head over a backbone.
    """
    if c.backbone_config is not None:
        raise InputError("DPTForSemanticSegmentation", ["backbone_config must be None, as this head has no backbone"])
    if labels is not None and c.num_labels == 1:
        raise InputError(c.model_type, ["num_labels must be more than 1 to score labels of pixels, got 1"])
    k_model, k_head, k_beside = nn.split(key, 3)
    chosen, grid, hidden, probs = own_states(p["dpt"], c, pixel_values, output_attentions, k_model)
    maps, of_neck = neck(p["neck"], c, chosen, grid, train)
    state = {} if of_neck is None else {"neck": of_neck}
    x = maps[c.head_in_index]
    logits, state["head"] = classify_pixels(p["head"], x, c.semantic_classifier_dropout, train, k_head)
    logits = double(logits)
    scored = [(logits, 1.0)]
    if "auxiliary_head" in p:
        own = p["auxiliary_head"]
        beside, state["auxiliary_head"] = classify_pixels(own, maps[-1], AUXILIARY_DROPOUT, train, k_beside)
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


HEADS = {
    "DPTModel": Head(Model, model),
    "DPTForDepthEstimation": Head(DepthEstimator, depth_estimation),
    "DPTForSemanticSegmentation": Head(Segmenter, semantic_segmentation),
}
