"""BLIP: an image encoder and BERT's layers that read text alone, look across to the image, or write about it.

Paper: https://arxiv.org/abs/2201.12086. Serves BLIP for captions, questions and retrieval and every checkpoint of
model type "blip"; its towers alone are "blip_text_model" and "blip_vision_model".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import blip_writers as writers
from jaxformers.models.blip_writers import of_image
from jaxformers.models.clip_family import LogitScale, compare, part
from jaxformers.models.multimodal import blip_text_model, blip_vision_model
from jaxformers.nn import Linear, linear

PREFIX = "blip"
vision_model, text_model = blip_vision_model.model, blip_text_model.model


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="blip"):
    text_config: Any = None
    vision_config: Any = None
    projection_dim: int = 512
    logit_scale_init_value: float = 2.6592
    image_text_hidden_size: int = 256
    label_smoothing: float = 0.0  # the text config's counts
    initializer_range: float = 0.02

    sub_configs = {"text_config": blip_text_model.Config, "vision_config": blip_vision_model.Config}

    def check(self):
        self.default(text_config=blip_text_model.Config(), vision_config=blip_vision_model.Config())
        width = self.vision_config.hidden_size  # whatever the text config says
        object.__setattr__(self, "text_config", self.text_config.replace(encoder_hidden_size=width))
        return ()


# ------------------------------------------------------------------------------------------------------ declarations


def Projection(din: int, dout: int, bias: bool = False):
    return Linear(din, dout, "embed -", bias)


def Model(c):
    text, vision = c.text_config, c.vision_config
    return {
        "text_model": blip_text_model.Model(text),
        "vision_model": blip_vision_model.Model(vision),
        "visual_projection": Projection(vision.hidden_size, c.projection_dim),
        "text_projection": Projection(text.hidden_size, c.projection_dim),
        "logit_scale": LogitScale(c),
    }


def ImageTextRetrieval(c):
    text, vision, width = c.text_config, c.vision_config, c.image_text_hidden_size
    return {
        "vision_model": blip_vision_model.Model(vision),
        "text_encoder": blip_text_model.Model(text, pooler=False),
        "vision_proj": Projection(vision.hidden_size, width, bias=True),
        "text_proj": Projection(text.hidden_size, width, bias=True),
        "itm_head": Projection(text.hidden_size, 2, bias=True),
    }


# ------------------------------------------------------------------------------------------------------ functions


def text_features(p, c, input_ids, attention_mask=None, position_ids=None):
    """`BlipModel`'s embeddings [B, projection_dim] of texts int [B, S], not yet of unit length."""
    out = text_model(p["text_model"], c.text_config, input_ids, attention_mask, position_ids)
    return linear(p["text_projection"], out.pooler_output)


def image_features(p, c, pixel_values, interpolate_pos_encoding=False):
    """`BlipModel`'s embeddings [B, projection_dim] of images [B, 3, H, W], not yet of unit length."""
    out = vision_model(p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding)
    return linear(p["visual_projection"], out.pooler_output)


def multimodal_features(p, c, input_ids, pixel_values, attention_mask=None, interpolate_pos_encoding=False):
    """`BlipModel`'s embeddings [B, projection_dim] of texts that look across to their images."""
    image = vision_model(p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding)
    seen = {"encoder_hidden_states": image.last_hidden_state}
    out = text_model(p["text_model"], c.text_config, input_ids, attention_mask, **seen)
    return linear(p["text_projection"], out.pooler_output)


def unit(x):
    """x [..., D] divided by its length, which may be zero."""
    x32 = x.astype(jnp.float32)
    length = jnp.sqrt(jnp.square(x32).sum(-1, keepdims=True))
    return (x32 / jnp.maximum(length, 1e-12)).astype(x.dtype)


# ------------------------------------------------------------------------------------------------------ heads


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

    input_ids int [T, S] with their mask and pixel_values [I, 3, H, W]. With `return_loss` text i belongs to image i.
    `key` switches dropout on.
    """
    k_text, k_vision = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    vision = vision_model(
        p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding, **flags, key=k_vision
    )
    text = text_model(p["text_model"], c.text_config, input_ids, attention_mask, position_ids, **flags, key=k_text)
    embeds = linear(p["text_projection"], text.pooler_output), linear(p["visual_projection"], vision.pooler_output)
    return compare(text, vision, *embeds, p["logit_scale"], return_loss)


def image_text_retrieval(
    p,
    c,
    input_ids,
    pixel_values,
    use_itm_head=True,
    attention_mask=None,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """`itm_score`: does text i match image i, [B, 2]; or without `use_itm_head` images against texts, cosines [I, T].

    `question_embeds` [B, S, D] are the text's states; `hidden_states` and `attentions` the image encoder's.
    """
    k_vision, k_text = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    image = vision_model(
        p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding, **flags, key=k_vision
    )
    states = image.last_hidden_state
    seen = {"encoder_hidden_states": states if use_itm_head else None, "key": k_text}
    text = text_model(p["text_encoder"], c.text_config, input_ids, attention_mask, **seen).last_hidden_state
    if use_itm_head:
        score = linear(p["itm_head"], text[:, 0])
    else:
        score = unit(linear(p["vision_proj"], states[:, 0])) @ unit(linear(p["text_proj"], text[:, 0])).T
    return of_image(image, itm_score=score, question_embeds=text)


HEADS = {
    "BlipModel": Head(Model, model),
    "BlipForConditionalGeneration": writers.CAPTIONS,
    "BlipForQuestionAnswering": writers.ANSWERS,
    "BlipForImageTextRetrieval": Head(ImageTextRetrieval, image_text_retrieval),
    **{name: part(head, "text_config") for name, head in blip_text_model.HEADS.items()},
    **{name: part(head, "vision_config") for name, head in blip_vision_model.HEADS.items()},
}
