"""RoBERTa: BERT whose positions count tokens and not padding, without next-sentence prediction.

Paper: https://arxiv.org/abs/1907.11692. Serves RoBERTa, DistilRoBERTa, BERTweet, PhoBERT, CodeBERT and
every checkpoint of model type "roberta"; with `is_decoder` it is a causal decoder, with `add_cross_attention` the
decoder of an encoder-decoder.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.models.text import bert
from jaxformers.nn import LayerNorm, Linear, layer_norm, linear
from jaxformers.spec import Param, zeros

PREFIX = "roberta"


@dataclasses.dataclass(frozen=True)
class Config(bert.Config, model_type="roberta"):
    vocab_size: int = 50265
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2

    def check(self):
        yield from super().check()
        if self.pad_token_id is None or not 0 <= self.pad_token_id < self.max_position_embeddings:
            yield (
                f"pad_token_id must be in [0, max_position_embeddings = {self.max_position_embeddings}): positions "
                f"count from it; got {self.pad_token_id}"
            )


# ------------------------------------------------------------------------------------------------------ declarations

Model = bert.Model
Unpooled = functools.partial(bert.Model, pooler=False)


def LMHead(c):
    d = c.hidden_size
    p = {"dense": Linear(d, d, "embed -"), "layer_norm": LayerNorm(d)}
    if not c.tie_word_embeddings:
        p["decoder"] = Linear(d, c.vocab_size, "embed vocab", bias=False)
    return {**p, "bias": Param((c.vocab_size,), "vocab", zeros)}


def Words(c):
    return {"lm_head": LMHead(c)}


def ties(c, prefix: str = PREFIX):
    tied = {"lm_head.decoder.bias": "lm_head.bias"}
    if c.tie_word_embeddings:
        tied["lm_head.decoder.weight"] = f"{prefix}.embeddings.word_embeddings.weight"
    return tied


# ------------------------------------------------------------------------------------------------------ functions


@extends(bert.model)
def model(p, c, input_ids=None, *, position_ids=None, inputs_embeds=None, past_key_values=None, **inputs):
    """The encoder, as BERT's. Positions given to it are rows of the table: tokens count from `pad_token_id` + 1."""
    given = input_ids if inputs_embeds is None else inputs_embeds
    if position_ids is None and given is not None:
        index = 0 if past_key_values is None else past_key_values["index"]
        position_ids = nn.padded_positions(input_ids, given.shape[1], c.pad_token_id, index)
    return bert.model(
        p,
        c,
        input_ids,
        position_ids=position_ids,
        inputs_embeds=inputs_embeds,
        past_key_values=past_key_values,
        **inputs,
    )


def lm_head(p, c, x, table):
    """Scores [B, S, V] of every word; `table` is the word embedding, used when the output layer is tied to it."""
    h = layer_norm(p["layer_norm"], nn.gelu(linear(p["dense"], x)), c.layer_norm_eps)
    return linear({"weight": p.get("decoder", table)["weight"], "bias": p["bias"]}, h)


# ------------------------------------------------------------------------------------------------------ heads


def words_of(prefix: str) -> tuple[Callable, Callable, Callable]:
    """The output layers of RoBERTa's kin, as `encoder_heads.language_model` takes them."""

    def words(p, c, x):
        return lm_head(p["lm_head"], c, x, p[prefix]["embeddings"]["word_embeddings"])

    return Words, words, functools.partial(ties, prefix=prefix)


_first = encoder_heads.first_token("tanh")
_pooled = encoder_heads.pooled(encoder_heads.hidden_rate)
_words = words_of(PREFIX)

HEADS = {
    "RobertaModel": Head(Model, model, bert.cache),
    "RobertaForCausalLM": encoder_heads.language_model(Unpooled, model, PREFIX, *_words, bert.cache),
    "RobertaForMaskedLM": encoder_heads.language_model(Unpooled, model, PREFIX, *_words),
    "RobertaForSequenceClassification": encoder_heads.sequence_classifier(Unpooled, model, PREFIX, _first),
    "RobertaForMultipleChoice": encoder_heads.multiple_choice(Model, model, PREFIX, _pooled),
    "RobertaForTokenClassification": encoder_heads.token_classifier(Unpooled, model, PREFIX),
    "RobertaForQuestionAnswering": common.question_answerer(Unpooled, model, PREFIX),
}
