"""BLIP's heads that write about an image: captions, and answers to questions.

Paper: https://arxiv.org/abs/2201.12086. The config and the other heads are in `models.multimodal.blip`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers import nn
from jaxformers.errors import ConfigError, InputError
from jaxformers.model import Head
from jaxformers.models.multimodal import blip_text_model, blip_vision_model
from jaxformers.models.text import bert
from jaxformers.output import Output

vision_model, text_model = blip_vision_model.model, blip_text_model.model

# ------------------------------------------------------------------------------------------------------ declarations


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


def ties(c):
    return {f"text_decoder.{alias}": f"text_decoder.{name}" for alias, name in bert.ties(c.text_config).items()}


# ------------------------------------------------------------------------------------------------------ heads


def of_image(image: Output, **fields) -> Output:
    """`fields`, then what the image encoder said."""
    names = ("last_hidden_state", "hidden_states", "attentions")
    return Output(**fields, **{n: image[n] for n in names if n in image})


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
        images = options.get("pixel_values")
        rows = 0 if images is None else len(images)
        return np.full((rows, 1), text.bos_token_id), attention_mask, settings(c)
    ids = np.atleast_2d(np.array(input_ids))
    if ids.shape[-1] > 1 and (ids[:, -1] == text.sep_token_id).all():
        first = np.full_like(ids[:, :1], text.bos_token_id)
        ids = np.concatenate([first, ids[:, 1:-1]], 1)
        attention_mask = None if attention_mask is None else np.atleast_2d(np.array(attention_mask))[:, :-1]
    return ids, attention_mask, settings(c)


def begin_answer(c, input_ids, attention_mask, options):
    return input_ids, attention_mask, {**settings(c), "decoder_start_token_id": c.text_config.bos_token_id}


CAPTIONS = Head(ConditionalGeneration, conditional_generation, cache, ties, begin=begin_caption)
ANSWERS = Head(QuestionAnswering, question_answering, cache, ties, begin=begin_answer)
