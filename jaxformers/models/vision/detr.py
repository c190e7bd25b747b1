"""DETR: a transformer over a ResNet's features whose learned queries each name one object, its class and its box.

Paper: https://arxiv.org/abs/2005.12872. Serves DETR and DETR-DC5 with ResNet-50 and -101, their panoptic versions and
every checkpoint of model type "detr". Batch normalisation of the backbone is frozen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import ConfigError
from jaxformers.model import Head, extends
from jaxformers.models import detr_backbone, detr_masks
from jaxformers.models.detr_transformer import EPS, Tower, tower
from jaxformers.models.parts import any_config
from jaxformers.nn import Conv2d, Embedding, Linear, detection, dropout, layer_norm, linear
from jaxformers.output import Output

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="detr"):
    use_timm_backbone: bool = True
    backbone_config: Any = None
    num_channels: int = 3
    num_queries: int = 100
    encoder_layers: int = 6
    encoder_ffn_dim: int = 2048
    encoder_attention_heads: int = 8
    decoder_layers: int = 6
    decoder_ffn_dim: int = 2048
    decoder_attention_heads: int = 8
    encoder_layerdrop: float = 0.0
    decoder_layerdrop: float = 0.0
    is_encoder_decoder: bool = True
    activation_function: str = "relu"
    d_model: int = 256
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    init_std: float = 0.02
    init_xavier_std: float = 1.0
    auxiliary_loss: bool = False
    position_embedding_type: str = "sine"
    backbone: str | None = "resnet50"
    use_pretrained_backbone: bool = True
    backbone_kwargs: Mapping[str, Any] | None = None
    dilation: bool | None = False
    class_cost: float = 1
    bbox_cost: float = 5
    giou_cost: float = 2
    mask_loss_coefficient: float = 1
    dice_loss_coefficient: float = 1
    bbox_loss_coefficient: float = 5
    giou_loss_coefficient: float = 2
    eos_coefficient: float = 0.1

    sub_configs = {"backbone_config": any_config}
    synonyms = {"hidden_size": "d_model", "num_attention_heads": "encoder_attention_heads"}
    allowed = {"activation_function": nn.ACTIVATION_NAMES, "position_embedding_type": ("sine", "learned")}

    def check(self):
        if not self.use_timm_backbone and self.backbone == "resnet50":  # the reference's default means "no name" here
            object.__setattr__(self, "backbone", None)
        if not self.use_timm_backbone and self.backbone is None:
            self.default(backbone_config=any_config({"model_type": "resnet", "out_features": ["stage4"]}))
        yield from detr_backbone.check(self)
        yield from self.multiple("d_model", "encoder_attention_heads", "decoder_attention_heads")
        if self.d_model % 4:
            yield f"d_model must be a multiple of 4, got {self.d_model}"
        if self.class_cost == self.bbox_cost == self.giou_cost == 0:
            yield "one of class_cost, bbox_cost and giou_cost must not be 0"

    @property
    def initializer_range(self) -> float:
        return self.init_std

    @property
    def num_hidden_layers(self) -> int:
        return self.encoder_layers


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    d = c.d_model
    return {
        "backbone": {"conv_encoder": {"model": detr_backbone.Backbone(c)}, **detr_backbone.Positions(c)},
        "input_projection": Conv2d(detr_backbone.channels(c)[-1], d, 1, "channels embed"),
        "query_position_embeddings": Embedding(c.num_queries, d, "- embed"),
        "encoder": Tower(c, "encoder"),
        "decoder": Tower(c, "decoder"),
    }


def ObjectDetection(c):
    d = c.d_model
    return {
        "model": Model(c),
        "class_labels_classifier": Linear(d, c.num_labels + 1, "embed -"),
        "bbox_predictor": {"layers": [Linear(d, d, "embed mlp"), Linear(d, d, "mlp embed"), Linear(d, 4, "embed -")]},
    }


def Segmentation(c):
    widths = detr_backbone.channels(c)
    if len(widths) not in (3, 4):
        problem = (
            f"the backbone must give 3 or 4 feature maps, the finest of which masks are made of, got {len(widths)}"
        )
        raise ConfigError("DetrForSegmentation", [problem], "choose them by the backbone's out_features")
    return {"detr": ObjectDetection(c), **detr_masks.Masks(c, widths[:3])}


# ------------------------------------------------------------------------------------------------------ functions


def see(p, c, pixel_values, pixel_mask, key) -> dict:
    """The backbone's maps, the last projected to [B, h, w, D], which of its places are real, and where they are."""
    maps = detr_backbone.backbone(p["backbone"]["conv_encoder"]["model"], c, pixel_values, key)
    mask = detr_backbone.seen(pixel_values, pixel_mask, maps[-1].shape[1:3])
    projected = nn.conv2d(p["input_projection"], maps[-1])
    at = detr_backbone.positions(p["backbone"], c, mask).astype(projected.dtype)
    return {"maps": maps, "mask": mask, "projected": projected, "at": at}


def flat(x):
    """[B, h, w, D] -> [B, h * w, D]."""
    return x.reshape(x.shape[0], -1, x.shape[-1])


def run(p, c, image: dict, encoder_outputs, states: bool, weights: bool, key) -> Output:
    """Encoder and decoder over what `see` saw; see `model`."""
    k_in, k_encoder, k_decoder = nn.split(key, 3)
    at, mask = flat(image["at"]), nn.mask.padding(image["mask"].reshape(image["mask"].shape[0], -1))
    memory, first, read = encoder_outputs, None, []
    if memory is None:
        first = dropout(flat(image["projected"]), c.dropout, k_in)
        flags = {"states": states, "weights": weights}
        memory, read = tower(p["encoder"], c, first, at, side="encoder", mask=mask, key=k_encoder, **flags)
    query_at = jnp.broadcast_to(p["query_position_embeddings"]["weight"], (memory.shape[0], c.num_queries, c.d_model))
    blank, norm = jnp.zeros_like(query_at), p["decoder"]["layernorm"]
    seen = {"memory": memory, "memory_at": at, "mask": mask, "norm": norm if c.auxiliary_loss else None}
    flags = {"states": states or c.auxiliary_loss, "weights": weights}
    x, ys = tower(p["decoder"], c, blank, query_at, side="decoder", key=k_decoder, **seen, **flags)
    x, every = layer_norm(norm, x, EPS), nn.collect(ys, "hidden")
    return Output(
        last_hidden_state=x,
        decoder_hidden_states=(blank, *every[:-1], x) if states else None,
        decoder_attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
        encoder_last_hidden_state=memory,
        encoder_hidden_states=nn.hidden_states(first, read) if states else None,
        encoder_attentions=nn.collect(read, "attention"),
        intermediate_hidden_states=jnp.stack(every) if c.auxiliary_loss else None,
    )


def model(
    p,
    c,
    pixel_values,
    pixel_mask=None,
    encoder_outputs=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Queries that have seen the image: `last_hidden_state` [B, num_queries, D].

    pixel_values float [B, C, H, W]; pixel_mask [B, H, W] is 0 at padding. `encoder_outputs` [B, places, D], an
    earlier `encoder_last_hidden_state`, saves the encoder's work. With `auxiliary_loss` in the config the normalised
    states after every decoder layer are `intermediate_hidden_states` [layers, B, num_queries, D]. `key` switches
    dropout on.
    """
    k_image, k_run = nn.split(key, 2)
    image = see(p, c, pixel_values, pixel_mask, k_image)
    return run(p, c, image, encoder_outputs, output_hidden_states, output_attentions, k_run)


def predict(p, x):
    """Of queries x [..., Q, D]: scores [..., Q, num_labels + 1] and boxes [..., Q, 4]."""
    h = x
    for i, layer in enumerate(p["bbox_predictor"]["layers"]):
        h = linear(layer, nn.activation("relu", h) if i else h)
    return linear(p["class_labels_classifier"], x), jax.nn.sigmoid(h)


def score(where: str, p, c, out: Output, labels, masks=None) -> dict:
    """Classes and boxes and, with labels, losses of the last layer and, if the config asks for it, of the others."""
    logits, boxes = predict(p, out.last_hidden_state)
    said = {"logits": logits, "pred_boxes": boxes}
    if labels is None:
        return said
    wanted = detection.targets(where, labels, masks is not None)
    losses = detection.set_losses(c, logits, boxes, wanted, masks)
    if c.auxiliary_loss:
        earlier = [predict(p, x) for x in out.intermediate_hidden_states[:-1]]
        said["auxiliary_outputs"] = tuple({"logits": a, "pred_boxes": b} for a, b in earlier)
        for i, (a, b) in enumerate(earlier):
            losses |= {f"{name}_{i}": x for name, x in detection.set_losses(c, a, b, wanted).items()}
    return {"loss": detection.total(c, losses), "loss_dict": losses, **said}


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def object_detection(p, c, pixel_values, *, labels=None, **inputs):
    """Boxes and their classes: `logits` [B, Q, num_labels + 1], the last class is "no object", `pred_boxes` [B, Q, 4].

    Boxes are centre x, centre y, width and height as fractions of the image's. labels: a dict of `class_labels` int
    [B, T], -1 at padding, and `boxes` float [B, T, 4]; they give `loss` and its parts, `loss_dict`.
    """
    out = model(p["model"], c, pixel_values, **inputs)
    scored = score("DetrForObjectDetection", p, c, out, labels)
    return Output({**scored, **{k: v for k, v in out.items() if k != "intermediate_hidden_states"}})


@extends(model)
def segmentation(
    p,
    c,
    pixel_values,
    pixel_mask=None,
    encoder_outputs=None,
    *,
    labels=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
    **inputs,
):
    """Boxes, their classes and their masks: as for object detection, and `pred_masks` [B, Q, H / 4, W / 4], scores.

    labels: as for object detection, and `masks` [B, T, H', W'] of any size, 1 inside the object.
    """
    k_image, k_run = nn.split(key, 2)
    detr = p["detr"]
    image = see(detr["model"], c, pixel_values, pixel_mask, k_image)
    out = run(detr["model"], c, image, encoder_outputs, output_hidden_states, output_attentions, k_run)
    masks = detr_masks.masks(p, c, out, image)
    scored = score("DetrForSegmentation", detr, c, out, labels, masks)
    kept = {k: v for k, v in out.items() if k != "intermediate_hidden_states"}
    return Output({**scored, "pred_masks": masks, **kept})


HEADS = {
    "DetrModel": Head(Model, model),
    "DetrForObjectDetection": Head(ObjectDetection, object_detection),
    "DetrForSegmentation": Head(Segmentation, segmentation),
}
