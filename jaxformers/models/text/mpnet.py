"""MPNet: an encoder with RoBERTa's positions and T5's relative biases, trained on masked and permuted words.

Paper: https://arxiv.org/abs/2004.09297. Serves MPNet, all-mpnet-base-v2 and the other sentence embedders made of it,
and every checkpoint of model type "mpnet".
"""

from __future__ import annotations

import dataclasses
import functools

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, encoder_heads
from jaxformers.models.text import bert, roberta
from jaxformers.nn import Embedding, LayerNorm, Linear, RelativeBias, dropout, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "mpnet"
PAD = 1  # positions count from it, whatever the config calls padding
BUCKETS, FAR = 32, 128  # of relative distances, whatever the size of their table


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="mpnet"):
    vocab_size: int = 30527
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    relative_attention_num_buckets: int = 32
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if (n := self.relative_attention_num_buckets) < BUCKETS:
            yield f"relative_attention_num_buckets must be at least {BUCKETS}, the number that is read; got {n}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    own = {n: Linear(d, d, "embed heads") for n in ("q", "k", "v")}
    return {
        "attention": {"attn": {**own, "o": Linear(d, d, "heads embed")}, "LayerNorm": LayerNorm(d)},
        **bert.FeedForward(d, f),
    }


def Model(c, pooler: bool = True):
    d = c.hidden_size
    return {
        "embeddings": {
            "word_embeddings": Embedding(c.vocab_size, d),
            "position_embeddings": Embedding(c.max_position_embeddings, d, "- embed"),
            "LayerNorm": LayerNorm(d),
        },
        "encoder": {
            "layer": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
            "relative_attention_bias": RelativeBias(c.relative_attention_num_buckets, c.num_attention_heads),
        },
        **({"pooler": bert.Pooler(c)} if pooler else {}),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, mask, bias, key, weights):
    """x [B, S, D] -> ([B, S, D], weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(p["attn"][n], x), c.num_attention_heads) for n in "qkv")
    rate = c.attention_probs_dropout_prob
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, rate=rate, key=k_probs, weights=weights)
    h = dropout(linear(p["attn"]["o"], nn.merge_heads(h)), c.hidden_dropout_prob, k_out)
    return layer_norm(p["LayerNorm"], h + x, c.layer_norm_eps), probs


def layer(p, c, x, mask, bias, key, weights):
    k_attention, k_out = nn.split(key, 2)
    x, probs = attention(p["attention"], c, x, mask, bias, k_attention, weights)
    return bert.feed_forward(p, c, x, k_out), {"attention": probs}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `position_ids` are rows of the table, where tokens count from 2; relative distances do not follow them.
    """
    table, layers, mask = p["embeddings"], p["encoder"]["layer"], nn.mask.padding(attention_mask)
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(table["word_embeddings"], ids))
    length = x.shape[1]
    if position_ids is None:
        position_ids = nn.padded_positions(input_ids, length, PAD)
    k_embed, k_layers = nn.split(key, 2)
    x = layer_norm(table["LayerNorm"], x + embed(table["position_embeddings"], position_ids), c.layer_norm_eps)
    first = dropout(x, c.hidden_dropout_prob, k_embed)
    buckets = {"weight": p["encoder"]["relative_attention_bias"]["weight"][:BUCKETS]}
    bias = nn.relative_bias(buckets, length, length, max_distance=FAR, bidirectional=True)

    def step(p, x, key):
        return layer(p, c, x, mask, bias, key, output_attentions)

    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=k_layers)
    return Output(
        last_hidden_state=x,
        pooler_output=bert.pool(p["pooler"], x) if "pooler" in p else None,
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads

_unpooled = (functools.partial(Model, pooler=False), model, PREFIX)
_rate = encoder_heads.hidden_rate
_first = encoder_heads.first_token("tanh", _rate)

HEADS = {
    "MPNetModel": Head(Model, model),
    "MPNetForMaskedLM": encoder_heads.language_model(*_unpooled, *roberta.words_of(PREFIX)),
    "MPNetForSequenceClassification": encoder_heads.sequence_classifier(*_unpooled, _first),
    "MPNetForMultipleChoice": encoder_heads.multiple_choice(Model, model, PREFIX, encoder_heads.pooled(_rate)),
    "MPNetForTokenClassification": encoder_heads.token_classifier(*_unpooled, _rate),
    "MPNetForQuestionAnswering": common.question_answerer(*_unpooled),
}
