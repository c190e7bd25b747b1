"""ELECTRA: BERT with narrow embeddings, trained to tell which tokens a small masked language model has replaced.

Paper: https://arxiv.org/abs/2003.10555. Serves ELECTRA's discriminators and generators, KoELECTRA and every checkpoint
of model type "electra"; with `is_decoder` it is a causal decoder.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.models.text import bert
from jaxformers.nn import LayerNorm, Linear, layer_norm, linear
from jaxformers.spec import Param, zeros

PREFIX = "electra"


@dataclasses.dataclass(frozen=True)
class Config(bert.Config, model_type="electra"):
    embedding_size: int = 128
    hidden_size: int = 256
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    summary_type: str = "first"
    summary_use_proj: bool = True
    summary_activation: str | None = "gelu"
    summary_last_dropout: float = 0.1

    allowed = {**bert.Config.allowed, **nn.SUMMARIES}
    summary_proj_to_labels: ClassVar[bool] = False
    summary_first_dropout: ClassVar[float] = 0.0


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    d, e = c.hidden_size, c.embedding_size
    project = {} if e == d else {"embeddings_project": Linear(e, d, "- embed")}
    return {**bert.Model(c, pooler=False), "embeddings": bert.Embeddings(c, e), **project}


def Words(c):
    e, bias = c.embedding_size, {"bias": Param((c.vocab_size,), "vocab", zeros)}
    return {
        "generator_predictions": {"LayerNorm": LayerNorm(e), "dense": Linear(c.hidden_size, e, "embed -")},
        "generator_lm_head": bias if c.tie_word_embeddings else Linear(e, c.vocab_size, "embed vocab"),
    }


def ties(c):
    return {"generator_lm_head.weight": "electra.embeddings.word_embeddings.weight"} if c.tie_word_embeddings else {}


def PreTraining(c):
    d = c.hidden_size
    judge = {"dense": Linear(d, d, "embed -"), "dense_prediction": Linear(d, 1, "embed -")}
    return {"electra": Model(c), "discriminator_predictions": judge}


# ------------------------------------------------------------------------------------------------------ heads

model = bert.model


def words(p, c, x):
    own = p["generator_predictions"]
    h = layer_norm(own["LayerNorm"], nn.gelu(linear(own["dense"], x)), c.layer_norm_eps)
    return linear({**p[PREFIX]["embeddings"]["word_embeddings"], **p["generator_lm_head"]}, h)


@extends(model)
def pretraining(p, c, input_ids=None, attention_mask=None, *, labels=None, **inputs):
    """Which tokens were replaced? logits [B, S]; labels int [B, S], 1 = replaced, scored where there is no padding."""
    out = model(p["electra"], c, input_ids, attention_mask, **inputs)
    own = p["discriminator_predictions"]
    h = nn.activation(c.hidden_act, linear(own["dense"], out.last_hidden_state))
    logits = linear(own["dense_prediction"], h)[..., 0]
    loss = None
    if labels is not None:
        scored = jnp.ones(logits.shape, bool) if attention_mask is None else attention_mask == 1
        wide = logits.astype(jnp.float32)
        loss = jnp.where(scored, jax.nn.softplus(wide) - labels * wide, 0.0).sum() / scored.sum()
    return nn.heads.carry(out, loss=loss, logits=logits)


def Choice(c, n):
    d = c.hidden_size
    return {"sequence_summary": nn.Summary(c, d, c.num_labels), "classifier": Linear(d, n, "embed -")}


def choice(p, c, out, key):
    return linear(p["classifier"], nn.summary(p["sequence_summary"], c, out.last_hidden_state, key=key))


_base, _words = (Model, model, PREFIX), (Words, words, ties)

HEADS = {
    "ElectraModel": Head(Model, model, bert.cache),
    "ElectraForPreTraining": Head(PreTraining, pretraining),
    "ElectraForMaskedLM": encoder_heads.language_model(*_base, *_words),
    "ElectraForCausalLM": encoder_heads.language_model(*_base, *_words, bert.cache),
    "ElectraForSequenceClassification": encoder_heads.sequence_classifier(*_base, encoder_heads.first_token("gelu")),
    "ElectraForMultipleChoice": encoder_heads.multiple_choice(*_base, encoder_heads.Scorer(Choice, choice)),
    "ElectraForTokenClassification": encoder_heads.token_classifier(*_base),
    "ElectraForQuestionAnswering": common.question_answerer(*_base),
}
