"""CLIP: a text and a vision transformer whose outputs are compared, trained on images and their captions.

Paper: https://arxiv.org/abs/2103.00020. Serves CLIP, OpenCLIP (LAION), StreetCLIP, MetaCLIP, FashionCLIP and every
checkpoint of model type "clip"; its towers alone are "clip_text_model" and "clip_vision_model".
"""

from __future__ import annotations

import dataclasses
from typing import Any

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models.clip_family import LogitScale, Projection, compare, merged, part
from jaxformers.models.multimodal import clip_text_model, clip_vision_model
from jaxformers.nn import Linear, linear
from jaxformers.spec import normal

PREFIX = "clip"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="clip"):
    text_config: Any = None
    vision_config: Any = None
    projection_dim: int = 512
    logit_scale_init_value: float = 2.6592
    initializer_factor: float = 1.0

    sub_configs = {"text_config": clip_text_model.Config, "vision_config": clip_vision_model.Config}

    def check(self):
        self.default(text_config=clip_text_model.Config(), vision_config=clip_vision_model.Config())
        return ()

    @classmethod
    def from_dict(cls, values, **changes):
        return super().from_dict(merged(values, cls.sub_configs), **merged(changes, cls.sub_configs))


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    return {
        "text_model": clip_text_model.Tower(c.text_config),
        "vision_model": clip_vision_model.Tower(c.vision_config),
        "visual_projection": Projection(c.vision_config, c.projection_dim),
        "text_projection": Projection(c.text_config, c.projection_dim),
        "logit_scale": LogitScale(c),
    }


def ImageClassifier(c):
    d = c.vision_config.hidden_size
    init = normal(c.initializer_factor * d**-0.5)
    return {
        "vision_model": clip_vision_model.Tower(c.vision_config),
        "classifier": Linear(d, c.num_labels, "embed -", init=init),
    }


# ------------------------------------------------------------------------------------------------------ heads


def text_features(p, c, input_ids, attention_mask=None, position_ids=None):
    """`CLIPModel`'s embeddings [B, projection_dim] of texts int [B, S], not yet of unit length."""
    out = clip_text_model.tower(p["text_model"], c.text_config, input_ids, attention_mask, position_ids)
    return linear(p["text_projection"], out.pooler_output)


def image_features(p, c, pixel_values, interpolate_pos_encoding=False):
    """`CLIPModel`'s embeddings [B, projection_dim] of images [B, C, H, W], not yet of unit length."""
    out = clip_vision_model.tower(p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding)
    return linear(p["visual_projection"], out.pooler_output)


def model(
    p,
    c,
    input_ids,
    pixel_values,
    attention_mask=None,
    position_ids=None,
    return_loss=False,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Scores of texts against images: `logits_per_text` [T, I] and `logits_per_image` [I, T].

    input_ids int [T, S] with their mask and pixel_values [I, C, H, W]. With `return_loss` text i belongs to image i.
    `key` switches dropout on.
    """
    k_text, k_vision = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    text = clip_text_model.tower(
        p["text_model"], c.text_config, input_ids, attention_mask, position_ids, **flags, key=k_text
    )
    vision = clip_vision_model.tower(
        p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding, **flags, key=k_vision
    )
    embeds = linear(p["text_projection"], text.pooler_output), linear(p["visual_projection"], vision.pooler_output)
    return compare(text, vision, *embeds, p["logit_scale"], return_loss)


@extends(clip_vision_model.tower)
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes an image, read from the mean of its patches; labels as `losses.classification`."""
    out = clip_vision_model.tower(p["vision_model"], c.vision_config, pixel_values, **inputs)
    logits = linear(p["classifier"], out.last_hidden_state[:, 1:].mean(1))
    return nn.heads.classification(out, c, logits, labels)


HEADS = {
    "CLIPModel": Head(Model, model),
    "CLIPForImageClassification": Head(ImageClassifier, image_classification),
    **{name: part(head, "text_config") for name, head in clip_text_model.HEADS.items()},
    **{name: part(head, "vision_config") for name, head in clip_vision_model.HEADS.items()},
}
