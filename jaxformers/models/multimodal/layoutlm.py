"""LayoutLM: BERT over the words of a page, each with the box in which it stands.

Paper: https://arxiv.org/abs/1912.13318. Serves every checkpoint of model type "layoutlm".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.models.text import bert
from jaxformers.nn import Embedding, embed

PREFIX = "layoutlm"


@dataclasses.dataclass(frozen=True)
class Config(bert.Config, model_type="layoutlm"):
    max_2d_position_embeddings: int = 1024

    allowed = {
        **bert.Config.allowed,
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
    }


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    p = bert.Model(c)
    tables = {
        f"{n}_position_embeddings": Embedding(c.max_2d_position_embeddings, c.hidden_size, "- embed") for n in "xyhw"
    }
    return {**p, "embeddings": {**p["embeddings"], **tables}}


def Words(c):
    return {"cls": {"predictions": bert.Predictions(c)}}


def ties(c):
    tied = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    if c.tie_word_embeddings:
        tied["cls.predictions.decoder.weight"] = "layoutlm.embeddings.word_embeddings.weight"
    return tied


# ------------------------------------------------------------------------------------------------------ functions


def places(p, bbox):
    """What boxes int [B, S, 4], (left, top, right, bottom) from 0 to 1000, add to the words in them: [B, S, D]."""
    left, top, right, bottom = (bbox[..., i] for i in range(4))
    read = (("x", left), ("y", top), ("x", right), ("y", bottom), ("h", bottom - top), ("w", right - left))
    return sum(embed(p[f"{name}_position_embeddings"], at) for name, at in read)


@extends(bert.model, "encoder_hidden_states", "encoder_attention_mask", "past_key_values")
def model(p, c, input_ids=None, bbox=None, *, inputs_embeds=None, **inputs):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    bbox int [B, S, 4]: the box of each word on its page, (left, top, right, bottom) in thousandths; 0 if not given.
    `key` switches dropout on.
    """
    table = p["embeddings"]["word_embeddings"]
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(table, ids))
    if bbox is not None and bbox.shape != (*x.shape[:2], 4):
        raise InputError(c.model_type, [f"bbox must be [batch, words, 4] {[*x.shape[:2], 4]}, got {list(bbox.shape)}"])
    boxes = jnp.zeros((1, 1, 4), jnp.int32) if bbox is None else bbox
    return bert.model(p, c, inputs_embeds=x + places(p["embeddings"], boxes), **inputs)


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return bert.predict(p["cls"]["predictions"], c, x, p["layoutlm"]["embeddings"]["word_embeddings"])


_base = (Model, model, PREFIX)
_pooled = encoder_heads.pooled(encoder_heads.hidden_rate)

HEADS = {
    "LayoutLMModel": Head(Model, model),
    "LayoutLMForMaskedLM": encoder_heads.language_model(*_base, Words, words, ties),
    "LayoutLMForSequenceClassification": encoder_heads.sequence_classifier(*_base, _pooled),
    "LayoutLMForTokenClassification": encoder_heads.token_classifier(*_base, encoder_heads.hidden_rate),
    "LayoutLMForQuestionAnswering": common.question_answerer(*_base),
}
