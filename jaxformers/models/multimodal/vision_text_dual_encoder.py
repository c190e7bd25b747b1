"""Vision-text dual encoder: any vision model and any text model, whose pooled outputs are compared as CLIP's are.

Paper: https://arxiv.org/abs/2111.07991. Serves Italian and Korean CLIP and every checkpoint of model type
"vision-text-dual-encoder".
"""

from __future__ import annotations

import dataclasses
from typing import Any

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models import parts
from jaxformers.models.clip_family import LogitScale, compare
from jaxformers.nn import Linear, linear

PREFIX = "vision_text_dual_encoder"


def vision_part(values):
    """The nested vision config; of a config with two parts, as CLIP's, the vision part."""
    c = parts.any_config(values)
    return getattr(c, "vision_config", c)


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="vision-text-dual-encoder"):
    text_config: Any = None
    vision_config: Any = None
    projection_dim: int = 512
    logit_scale_init_value: float = 2.6592

    sub_configs = {"text_config": parts.any_config, "vision_config": vision_part}

    def check(self):
        yield from parts.missing(self, "text_config", "vision_config")
        for name in ("text_config", "vision_config"):
            c = getattr(self, name)
            if c is not None and not hasattr(c, "hidden_size"):
                yield f"{name} must have a hidden_size, got one of model type {c.model_type!r}"


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    text, vision = c.text_config, c.vision_config
    return {
        "vision_model": parts.declare(vision),
        "text_model": parts.declare(text),
        "visual_projection": Linear(vision.hidden_size, c.projection_dim, "embed -", bias=False),
        "text_projection": Linear(text.hidden_size, c.projection_dim, "embed -", bias=False),
        "logit_scale": LogitScale(c),
    }


def ties(c):
    named = {"text_model": c.text_config, "vision_model": c.vision_config}
    return {
        f"{part}.{alias}": f"{part}.{name}"
        for part, config in named.items()
        for alias, name in parts.bare(config).ties(config).items()
    }


# ------------------------------------------------------------------------------------------------------ functions


def tower(p, c, **inputs):
    """One side: the bare model's outputs, which must hold a `pooler_output`."""
    out = parts.call(parts.bare(c), p, c, **inputs)
    if out.pooler_output is None:
        raise InputError("vision-text-dual-encoder", [f"the nested {c.model_type} must have a pooler"])
    return out


def text_features(p, c, input_ids, attention_mask=None, position_ids=None, token_type_ids=None):
    """Embeddings [B, projection_dim] of texts int [B, S], not yet of unit length."""
    where = {"attention_mask": attention_mask, "position_ids": position_ids, "token_type_ids": token_type_ids}
    out = tower(p["text_model"], c.text_config, input_ids=input_ids, **where)
    return linear(p["text_projection"], out.pooler_output)


def image_features(p, c, pixel_values):
    """Embeddings [B, projection_dim] of images [B, C, H, W], not yet of unit length."""
    out = tower(p["vision_model"], c.vision_config, pixel_values=pixel_values)
    return linear(p["visual_projection"], out.pooler_output)


# ------------------------------------------------------------------------------------------------------ heads


def model(
    p,
    c,
    input_ids,
    pixel_values,
    attention_mask=None,
    position_ids=None,
    return_loss=False,
    token_type_ids=None,
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
    where = {"attention_mask": attention_mask, "position_ids": position_ids, "token_type_ids": token_type_ids}
    text = tower(p["text_model"], c.text_config, input_ids=input_ids, **where, **flags, key=k_text)
    vision = tower(p["vision_model"], c.vision_config, pixel_values=pixel_values, **flags, key=k_vision)
    embeds = linear(p["text_projection"], text.pooler_output), linear(p["visual_projection"], vision.pooler_output)
    return compare(text, vision, *embeds, p["logit_scale"], return_loss)


HEADS = {"VisionTextDualEncoderModel": Head(Model, model, ties=ties)}
