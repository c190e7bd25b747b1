"""BLIP: an image encoder and BERT's layers that read text alone, look across to the image, or write about it.

Paper: https://arxiv.org/abs/2201.12086. Serves BLIP for captions, questions and retrieval and every checkpoint of
model type "blip"; its towers alone are "blip_text_model" and "blip_vision_model".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import ConfigError, InputError
from jaxformers.model import Head
from jaxformers.models.clip_family import LogitScale, compare, part
from jaxformers.models.multimodal import blip_text_model, blip_vision_model
from jaxformers.models.text import bert
from jaxformers.nn import Linear, linear
from jaxformers.output import Output

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


def ConditionalGeneration(c):
    return {
        "vision_model": blip_vision_model.Model(c.vision_config),
        "text_decoder": blip_text_model.LMHead(c.text_config),
    }


def QuestionAnswering(c):
    widths = c.text_config.hidden_size, c.vision_config.hidden_size
    if widths[0] != widths[1]:  # the decoder looks across to texts by layers as wide as images
        problem = f"text and vision config must have one hidden_size, got {widths[0]} and {widths[1]}"
        raise ConfigError("BlipForQuestionAnswering", [problem])
    return {**ConditionalGeneration(c), "text_encoder": blip_text_model.Model(c.text_config, pooler=False)}


def ImageTextRetrieval(c):
    text, vision, width = c.text_config, c.vision_config, c.image_text_hidden_size
    return {
        "vision_model": blip_vision_model.Model(vision),
        "text_encoder": blip_text_model.Model(text, pooler=False),
        "vision_proj": Projection(vision.hidden_size, width, bias=True),
        "text_proj": Projection(text.hidden_size, width, bias=True),
        "itm_head": Projection(text.hidden_size, 2, bias=True),
    }


def ties(c):
    return {f"text_decoder.{alias}": f"text_decoder.{name}" for alias, name in bert.ties(c.text_config).items()}


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


def of_image(image: Output, **fields) -> Output:
    """`fields`, then what the image encoder said."""
    names = ("last_hidden_state", "hidden_states", "attentions")
    return Output(**fields, **{n: image[n] for n in names if n in image})


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


def conditional_generation(
    p,
    c,
    pixel_values=None,
    input_ids=None,
    attention_mask=None,
    labels=None,
    position_ids=None,
    past_key_values=None,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """A caption's next words. pixel_values [B, 3, H, W]; input_ids int [B, S] and their mask; labels are shifted here.

    `hidden_states` and `attentions` are the image encoder's. To decode step by step pass `past_key_values`, a cache:
    it keeps what was made of the image, which later calls do not need. `key` switches dropout on.
    """
    k_vision, k_text = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    image = Output()
    if not nn.cache.has_memory(past_key_values):
        if pixel_values is None:
            raise InputError("BlipForConditionalGeneration", ["pixel_values must be given"])
        image = vision_model(
            p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding, **flags, key=k_vision
        )
    given = {"input_ids": input_ids, "attention_mask": attention_mask, "position_ids": position_ids}
    given |= {"encoder_hidden_states": image.last_hidden_state, "past_key_values": past_key_values}
    out = blip_text_model.lm_head(p["text_decoder"], c.text_config, labels=labels, **given, key=k_text)
    said = {"loss": out.loss, "logits": out.logits, "past_key_values": out.past_key_values}
    return of_image(image, **said, image_embeds=image.last_hidden_state)


def question_answering(
    p,
    c,
    input_ids=None,
    pixel_values=None,
    decoder_input_ids=None,
    decoder_attention_mask=None,
    attention_mask=None,
    labels=None,
    past_key_values=None,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """An answer's words. input_ids int [B, S] ask about pixel_values [B, 3, H, W]; decoder_input_ids [B, T] answer.

    Answers do not see padding of the question (`attention_mask`), whose mask transformers 4.57.6 drops on the way.
    labels int [B, T] are shifted here and, without -100, the default answer. `hidden_states` and `attentions` are the
    image encoder's. To decode step by step pass `past_key_values`, a cache: it keeps what was made of image and
    question, of which later calls need the question's mask alone. `key` switches dropout on.
    """
    k_vision, k_text, k_answer = nn.split(key, 3)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    if decoder_input_ids is None:
        if labels is None:
            raise InputError("BlipForQuestionAnswering", ["decoder_input_ids or labels must be given"])
        decoder_input_ids = labels
    image = question = Output()
    if not nn.cache.has_memory(past_key_values):
        if input_ids is None or pixel_values is None:
            raise InputError("BlipForQuestionAnswering", ["input_ids and pixel_values must be given"])
        image = vision_model(
            p["vision_model"], c.vision_config, pixel_values, interpolate_pos_encoding, **flags, key=k_vision
        )
        seen = {"encoder_hidden_states": image.last_hidden_state, "key": k_text}
        question = text_model(p["text_encoder"], c.text_config, input_ids, attention_mask, **seen)
    given = {"input_ids": decoder_input_ids, "attention_mask": decoder_attention_mask}
    given |= {"encoder_hidden_states": question.last_hidden_state, "encoder_attention_mask": attention_mask}
    given |= {"past_key_values": past_key_values, "key": k_answer}
    out = blip_text_model.lm_head(p["text_decoder"], c.text_config, labels=labels, **given)
    said = {"loss": out.loss, "logits": out.logits, "past_key_values": out.past_key_values}
    return of_image(image, **said, image_embeds=image.last_hidden_state)


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


def cache(c, batch, length, dtype, stacked):
    return bert.cache(c.text_config, batch, length, dtype, stacked)


# ------------------------------------------------------------------------------------------------------ writing


def settings(c) -> dict[str, Any]:
    """What ends a text is the separator, and what pads it the text config's."""
    return {"eos_token_id": c.text_config.sep_token_id, "pad_token_id": c.text_config.pad_token_id}


def begin_caption(c, input_ids, attention_mask, options):
    """Prompts begin with `bos_token_id` and are that if none are given; a tokenizer's last separator is left out."""
    text = c.text_config
    if input_ids is None:
        return np.full((len(options.get("pixel_values", ())), 1), text.bos_token_id), attention_mask, settings(c)
    ids = np.atleast_2d(np.array(input_ids))
    if ids.shape[-1] > 1 and (ids[:, -1] == text.sep_token_id).all():
        first = np.full_like(ids[:, :1], text.bos_token_id)
        ids = np.concatenate([first, ids[:, 1:-1]], 1)
        attention_mask = None if attention_mask is None else np.atleast_2d(np.array(attention_mask))[:, :-1]
    return ids, attention_mask, settings(c)


def begin_answer(c, input_ids, attention_mask, options):
    return input_ids, attention_mask, {**settings(c), "decoder_start_token_id": c.text_config.bos_token_id}


HEADS = {
    "BlipModel": Head(Model, model),
    "BlipForConditionalGeneration": Head(
        ConditionalGeneration, conditional_generation, cache, ties, begin=begin_caption
    ),
    "BlipForQuestionAnswering": Head(QuestionAnswering, question_answering, cache, ties, begin=begin_answer),
    "BlipForImageTextRetrieval": Head(ImageTextRetrieval, image_text_retrieval),
    **{name: part(head, "text_config") for name, head in blip_text_model.HEADS.items()},
    **{name: part(head, "vision_config") for name, head in blip_vision_model.HEADS.items()},
}
