"""DistilBERT: BERT with half the layers, without token types and pooler, trained to predict what BERT predicts.

Paper: https://arxiv.org/abs/1910.01108. Serves DistilBERT, its multilingual and fine-tuned checkpoints and every
checkpoint of model type "distilbert".
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import encoder_heads
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "distilbert"
EPS = 1e-12  # of every layer norm


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="distilbert"):
    vocab_size: int = 30522
    max_position_embeddings: int = 512
    sinusoidal_pos_embds: bool = False
    n_layers: int = 6
    n_heads: int = 12
    dim: int = 768
    hidden_dim: int = 3072
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu"
    initializer_range: float = 0.02
    qa_dropout: float = 0.1
    seq_classif_dropout: float = 0.2
    pad_token_id: int | None = 0

    synonyms = {"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"}
    allowed = {"activation": nn.ACTIVATION_NAMES}

    def check(self):
        yield from self.multiple("dim", "n_heads")


# ------------------------------------------------------------------------------------------------------ declarations


def sinusoids(key, shape, dtype):
    """The first transformer's positions: sines in even columns, cosines in odd ones."""
    positions, dim = shape
    column = np.arange(dim)
    angles = np.arange(positions)[:, None] / 10000 ** (2 * (column // 2) / dim)
    return jnp.asarray(np.where(column % 2, np.cos(angles), np.sin(angles)), dtype)


def Layer(c):
    d, f = c.dim, c.hidden_dim
    return {
        "attention": {
            **{n: Linear(d, d, "embed heads") for n in ("q_lin", "k_lin", "v_lin")},
            "out_lin": Linear(d, d, "heads embed"),
        },
        "sa_layer_norm": LayerNorm(d),
        "ffn": {"lin1": Linear(d, f), "lin2": Linear(f, d, "mlp embed")},
        "output_layer_norm": LayerNorm(d),
    }


def Model(c):
    start = sinusoids if c.sinusoidal_pos_embds else None
    return {
        "embeddings": {
            "word_embeddings": Embedding(c.vocab_size, c.dim),
            "position_embeddings": Embedding(c.max_position_embeddings, c.dim, "- embed", start),
            "LayerNorm": LayerNorm(c.dim),
        },
        "transformer": {"layer": Layers(Layer(c) for _ in range(c.n_layers))},
    }


def Words(c):
    d, bias = c.dim, {"bias": Param((c.vocab_size,), "vocab", zeros)}
    return {
        "vocab_transform": Linear(d, d, "embed -"),
        "vocab_layer_norm": LayerNorm(d),
        "vocab_projector": bias if c.tie_word_embeddings else Linear(d, c.vocab_size, "embed vocab"),
    }


def ties(c):
    return {"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"} if c.tie_word_embeddings else {}


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, mask, key, weights):
    """x [B, S, D] -> ([B, S, D], weights)."""
    q, k, v = (nn.split_heads(linear(p[n], x), c.n_heads) for n in ("q_lin", "k_lin", "v_lin"))
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["out_lin"], nn.merge_heads(h)), probs


def layer(p, c, x, mask, key, weights):
    k_attention, k_out = nn.split(key, 2)
    h, probs = attention(p["attention"], c, x, mask, k_attention, weights)
    x = layer_norm(p["sa_layer_norm"], h + x, EPS)
    h = linear(p["ffn"]["lin2"], nn.activation(c.activation, linear(p["ffn"]["lin1"], x)))
    return layer_norm(p["output_layer_norm"], dropout(h, c.dropout, k_out) + x, EPS), {"attention": probs}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    inputs_embeds=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding."""
    table, layers, mask = p["embeddings"], p["transformer"]["layer"], nn.mask.padding(attention_mask)
    k_embed, k_layers = nn.split(key, 2)
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(table["word_embeddings"], ids))
    x = x + embed(table["position_embeddings"], jnp.arange(x.shape[1]))
    first = dropout(layer_norm(table["LayerNorm"], x, EPS), c.dropout, k_embed)

    def step(p, x, key):
        return layer(p, c, x, mask, key, output_attentions)

    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=k_layers)
    return Output(
        last_hidden_state=x, hidden_states=nn.hidden_states(first, ys), attentions=nn.collect(ys, "attention")
    )


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    h = layer_norm(p["vocab_layer_norm"], nn.activation(c.activation, linear(p["vocab_transform"], x)), EPS)
    return linear({**p[PREFIX]["embeddings"]["word_embeddings"], **p["vocab_projector"]}, h)


def Scores(c, n):
    return {"pre_classifier": Linear(c.dim, c.dim, "embed -"), "classifier": Linear(c.dim, n, "embed -")}


def scores(p, c, out, key):
    """Two layers over the first token's state."""
    x = jax.nn.relu(linear(p["pre_classifier"], out.last_hidden_state[:, 0]))
    return linear(p["classifier"], dropout(x, c.seq_classif_dropout, key))


def token_rate(c):
    return c.dropout


def QuestionAnswering(c):
    return {"distilbert": Model(c), "qa_outputs": Linear(c.dim, 2, "embed -")}


@extends(model)
def question_answering(p, c, *, start_positions=None, end_positions=None, key=None, **inputs):
    """Start and end of the answer in the text; positions int [B]."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["distilbert"], c, **inputs, key=k_model)
    logits = linear(p["qa_outputs"], dropout(out.last_hidden_state, c.qa_dropout, k_head))
    return nn.heads.question_answering(out, logits, start_positions, end_positions)


_base, _scorer = (Model, model, PREFIX), encoder_heads.Scorer(Scores, scores)

HEADS = {
    "DistilBertModel": Head(Model, model),
    "DistilBertForMaskedLM": encoder_heads.language_model(*_base, Words, words, ties),
    "DistilBertForSequenceClassification": encoder_heads.sequence_classifier(*_base, _scorer),
    "DistilBertForMultipleChoice": encoder_heads.multiple_choice(*_base, _scorer),
    "DistilBertForTokenClassification": encoder_heads.token_classifier(*_base, token_rate),
    "DistilBertForQuestionAnswering": Head(QuestionAnswering, question_answering),
}
