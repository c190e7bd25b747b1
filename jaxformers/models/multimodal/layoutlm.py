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


def ties(c):
    tied = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    if c.tie_word_embeddings:
        tied["cls.predictions.decoder.weight"] = "layoutlm.embeddings.word_embeddings.weight"
    return tied


# ------------------------------------------------------------------------------------------------------ functions


def boxes(c, bbox, shape: tuple[int, ...]):
    """bbox int [B, S, 4] as given, or zeros.

    Raises:
      InputError: it is not of that shape, (*shape, 4).
    """
    if bbox is None:
        return jnp.zeros((*shape, 4), jnp.int32)
    if bbox.shape != (*shape, 4):
        raise InputError(c.model_type, [f"bbox must be [batch, words, 4] {[*shape, 4]}, got {list(bbox.shape)}"])
    return bbox


def places(p, bbox):
    """What boxes int [B, S, 4] say of the words in them: an array [B, S, D] for each edge, then height and width."""
    left, top, right, bottom = (bbox[..., i] for i in range(4))
    last = p["h_position_embeddings"]["weight"].shape[0] - 1
    height, width = (jnp.clip(n, 0, last) for n in (bottom - top, right - left))
    read = (("x", left), ("y", top), ("x", right), ("y", bottom), ("h", height), ("w", width))
    return [embed(p[f"{name}_position_embeddings"], at) for name, at in read]


@extends(bert.model, "encoder_hidden_states", "encoder_attention_mask", "past_key_values")
def model(p, c, input_ids=None, bbox=None, *, inputs_embeds=None, **inputs):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    bbox int [B, S, 4]: the box of each word on its page, (left, top, right, bottom) in thousandths; 0 if not given.
    `key` switches dropout on.
    """
    table = p["embeddings"]["word_embeddings"]
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(table, ids))
    bbox = boxes(c, bbox, x.shape[:2])
    return bert.model(p, c, inputs_embeds=x + sum(places(p["embeddings"], bbox)), **inputs)


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return bert.predict(p["cls"]["predictions"], c, x, p["layoutlm"]["embeddings"]["word_embeddings"])


_base = (Model, model, PREFIX)
_pooled = encoder_heads.pooled(encoder_heads.hidden_rate)

HEADS = {
    "LayoutLMModel": Head(Model, model),
    "LayoutLMForMaskedLM": encoder_heads.language_model(*_base, bert.Words, words, ties),
    "LayoutLMForSequenceClassification": encoder_heads.sequence_classifier(*_base, _pooled),
    "LayoutLMForTokenClassification": encoder_heads.token_classifier(*_base, encoder_heads.hidden_rate),
    "LayoutLMForQuestionAnswering": common.question_answerer(*_base),
}
