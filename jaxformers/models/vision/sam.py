"""SAM (Segment Anything): an image encoder, and a small decoder that draws what points, boxes and masks point to.

Paper: https://arxiv.org/abs/2304.02643. Serves SAM ViT-B, -L and -H, MedSAM and every checkpoint of model type "sam";
the image encoder alone is "sam_vision_model".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models.clip_family import part
from jaxformers.models.sam_decoder import MaskDecoder, MaskDecoderConfig, decode
from jaxformers.models.sam_prompts import (
    PromptEncoder,
    PromptEncoderConfig,
    box_prompts,
    grid_places,
    mask_prompts,
    point_prompts,
)
from jaxformers.models.vision import sam_vision_model
from jaxformers.output import Output
from jaxformers.spec import Param, normal

PREFIX = "sam"
SHARED = "shared_image_embedding.positional_embedding"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="sam"):
    vision_config: Any = None
    prompt_encoder_config: Any = None
    mask_decoder_config: Any = None
    initializer_range: float = 0.02

    sub_configs = {
        "vision_config": sam_vision_model.Config,
        "prompt_encoder_config": PromptEncoderConfig,
        "mask_decoder_config": MaskDecoderConfig,
    }

    def check(self):
        self.default(**{name: config() for name, config in self.sub_configs.items()})
        v, e, d = self.vision_config, self.prompt_encoder_config, self.mask_decoder_config
        if not v.output_channels == e.hidden_size == d.hidden_size == 2 * v.num_pos_feats:
            yield (
                "vision_config.output_channels, both other hidden_sizes and twice num_pos_feats must be equal, got "
                f"{v.output_channels}, {e.hidden_size}, {d.hidden_size} and {2 * v.num_pos_feats}"
            )
        if v.grid != e.image_embedding_size:
            yield f"both encoders must see as many patches in a row, got {v.grid} and {e.image_embedding_size}"


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    v = c.vision_config
    waves = Param((2, v.num_pos_feats), "- -", normal(v.hidden_size // 2), trainable=False)
    return {
        "shared_image_embedding": {"positional_embedding": waves},
        "vision_encoder": sam_vision_model.Tower(v),
        "prompt_encoder": PromptEncoder(c.prompt_encoder_config),
        "mask_decoder": MaskDecoder(c.mask_decoder_config),
    }


def ties(c):
    return {"prompt_encoder.shared_embedding.positional_embedding": SHARED}


# ------------------------------------------------------------------------------------------------------ heads


def problems(pixel_values, image_embeddings, points, boxes):
    if (pixel_values is None) == (image_embeddings is None):
        yield "exactly one of pixel_values and image_embeddings must be given"
    if points is not None and points.ndim != 4:
        yield f"input_points must have shape [batch, masks, points, 2], got {list(points.shape)}"
    if boxes is not None and boxes.ndim != 3:
        yield f"input_boxes must have shape [batch, masks, 4], got {list(boxes.shape)}"
    images = image_embeddings if pixel_values is None else pixel_values
    for name, x in (("input_points", points), ("input_boxes", boxes)):
        if x is not None and images is not None and x.shape[0] != images.shape[0]:
            yield f"{name} must be of as many images as are given, {images.shape[0]}, got {x.shape[0]}"
    if points is not None and boxes is not None and points.shape[1] != boxes.shape[1]:
        yield f"input_points and input_boxes must be of as many masks, got {points.shape[1]} and {boxes.shape[1]}"


def model(
    p,
    c,
    pixel_values=None,
    input_points=None,
    input_labels=None,
    input_boxes=None,
    input_masks=None,
    image_embeddings=None,
    multimask_output=True,
    attention_similarity=None,
    target_embedding=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Masks of what prompts point to: `pred_masks` [B, P, M, 4 rows, 4 columns] of scores, `iou_scores` [B, P, M].

    Every image has P prompts and every prompt M masks: several guesses, or one without `multimask_output`.

    Args:
      pixel_values: float [B, C, H, W] of the config's `image_size`; or instead
      image_embeddings: float [B, D, rows, columns], the `last_hidden_state` of `SamVisionModel`.
      input_points: [B, P, n, 2], across and down in pixels.
      input_labels: int [B, P, n]: 1 inside the object (all are by default), 0 outside, -1 no point, -10 padding.
      input_boxes: [B, P, 4]: left, top, right and bottom in pixels.
      input_masks: [B, 1, 4 rows, 4 columns], scores such as `pred_masks` of an earlier call.
      attention_similarity: added to the scores of tokens attending to the image, broadcastable to [B * P, N, S, T].
      target_embedding: added to the tokens before every block, broadcastable to [B, P, S, D].
      key: switches dropout on.
    """
    found = list(problems(pixel_values, image_embeddings, input_points, input_boxes))
    if found:
        raise InputError("SamModel", found)
    vision, e, shared = Output(), c.prompt_encoder_config, p["shared_image_embedding"]
    if image_embeddings is None:
        flags = output_hidden_states, output_attentions
        vision = sam_vision_model.tower(p["vision_encoder"], c.vision_config, pixel_values, *flags, key)
        image_embeddings = vision.last_hidden_state
    sparse = []
    if input_points is not None:
        labels = jnp.ones(input_points.shape[:3], jnp.int32) if input_labels is None else input_labels
        pad = input_boxes is None
        sparse.append(point_prompts(p["prompt_encoder"], e, shared, input_points, labels, pad))
    if input_boxes is not None:
        sparse.append(box_prompts(p["prompt_encoder"], e, shared, input_boxes))
    prompts = p["prompt_encoder"]
    dense = prompts["no_mask_embed"]["weight"] if input_masks is None else mask_prompts(prompts, e, input_masks)
    masks, scores, taken = decode(
        p["mask_decoder"],
        c.mask_decoder_config,
        nn.channels_last(image_embeddings) + dense,
        grid_places(shared, e.image_embedding_size),
        jnp.concatenate(sparse, 2) if sparse else None,
        attention_similarity,
        target_embedding,
    )
    chosen = slice(1, None) if multimask_output else slice(0, 1)
    return Output(
        iou_scores=scores[:, :, chosen],
        pred_masks=masks[:, :, chosen],
        vision_hidden_states=vision.hidden_states,
        vision_attentions=vision.attentions,
        mask_decoder_attentions=tuple(x[:, None] for x in taken) if output_attentions else None,
    )


HEADS = {
    "SamModel": Head(Model, model, ties=ties),
    **{name: part(head, "vision_config") for name, head in sam_vision_model.HEADS.items()},
}
