"""ALBERT: BERT with narrow embeddings whose layers share their weights, trained to tell the order of sentences.

Paper: https://arxiv.org/abs/1909.11942. Serves ALBERT v1, v2 and every checkpoint of model type "albert".
"""

from __future__ import annotations

import dataclasses
import functools

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.models.text import bert
from jaxformers.nn import LayerNorm, Linear, embed, layer_norm, linear, losses
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, Stack, zeros

PREFIX = "albert"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="albert"):
    vocab_size: int = 30000
    embedding_size: int = 128
    hidden_size: int = 4096
    num_hidden_layers: int = 12
    num_hidden_groups: int = 1
    num_attention_heads: int = 64
    intermediate_size: int = 16384
    inner_group_num: int = 1
    hidden_act: str = "gelu_new"
    hidden_dropout_prob: float = 0
    attention_probs_dropout_prob: float = 0
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout_prob: float | None = 0.1
    position_embedding_type: str = "absolute"
    pad_token_id: int | None = 0
    bos_token_id: int | None = 2
    eos_token_id: int | None = 3

    allowed = bert.Config.allowed

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        for name in ("num_hidden_groups", "inner_group_num"):
            if (given := getattr(self, name)) < 1:
                yield f"{name} must be at least 1, got {given}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    attention = bert.Attention(c, c.position_embedding_type)
    return {
        "full_layer_layer_norm": LayerNorm(d),
        "attention": {**attention["self"], **attention["output"]},
        "ffn": Linear(d, f),
        "ffn_output": Linear(f, d, "mlp embed"),
    }


def Model(c, pooler: bool = True):
    d = c.hidden_size
    group = {"albert_layers": Layers(Layer(c) for _ in range(c.inner_group_num))}
    return {
        "embeddings": bert.Embeddings(c, c.embedding_size),
        "encoder": {
            "embedding_hidden_mapping_in": Linear(c.embedding_size, d, "- embed"),
            "albert_layer_groups": [group] * c.num_hidden_groups,  # each is run many times: not a list of layers
        },
        **({"pooler": Linear(d, d, "embed -")} if pooler else {}),
    }


def Words(c):
    e = c.embedding_size
    p = {"LayerNorm": LayerNorm(e), "dense": Linear(c.hidden_size, e, "embed -")}
    if not c.tie_word_embeddings:
        p["decoder"] = Linear(e, c.vocab_size, "embed vocab", bias=False)
    return {"predictions": {**p, "bias": Param((c.vocab_size,), "vocab", zeros)}}


def ties(c):
    tied = {"predictions.decoder.bias": "predictions.bias"}
    if c.tie_word_embeddings:
        tied["predictions.decoder.weight"] = "albert.embeddings.word_embeddings.weight"
    return tied


def PreTraining(c):
    return {"albert": Model(c), **Words(c), "sop_classifier": encoder_heads.pooled().declare(c, c.num_labels)}


# ------------------------------------------------------------------------------------------------------ functions


def layer(p, c, x, mask, key, weights):
    own = p["attention"]
    if "distance_embedding" in own:  # BERT scales scores and biases, ALBERT the scores alone
        distances = own["distance_embedding"]["weight"] * (c.hidden_size // c.num_attention_heads) ** 0.5
        own = {**own, "distance_embedding": {"weight": distances}}
    x, _, probs = bert.attention({"self": own, "output": own}, c, x, mask=mask, key=key, weights=weights)
    h = linear(p["ffn_output"], nn.activation(c.hidden_act, linear(p["ffn"], x)))
    return layer_norm(p["full_layer_layer_norm"], h + x, c.layer_norm_eps), {"attention": probs}


def group(p, c, x, passes: int, mask, key, weights, states):
    """Runs the layers of one group `passes` times, as one loop. Returns (y, what `nn.fold` reports of the passes)."""

    def step(p, x, key):
        return layer(p, c, x, mask, key, weights)

    def once(_, x, key):
        x, ys = nn.fold(step, p["albert_layers"], x, key=key)
        probs = nn.collect(ys, "attention")
        return x, {"attention": None if probs is None else jnp.stack(probs)}

    return nn.fold(once, Stack(number=jnp.arange(passes)), x, states=states, key=key)


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    token_type_ids=None,
    position_ids=None,
    inputs_embeds=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, E]); attention_mask is 1 at tokens, 0 at padding."""
    table, own, mask = p["embeddings"], p["encoder"], nn.mask.padding(attention_mask)
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(table["word_embeddings"], ids))
    if position_ids is None:
        position_ids = jnp.arange(x.shape[1])[None]
    k_embed, *keys = nn.split(key, 1 + c.num_hidden_groups)
    x = bert.embeddings(table, c, x, token_type_ids, position_ids, k_embed)
    first = x = linear(own["embedding_hidden_mapping_in"], x)
    groups = [int(i / (c.num_hidden_layers / c.num_hidden_groups)) for i in range(c.num_hidden_layers)]
    ys = []
    for i, p_group in enumerate(own["albert_layer_groups"]):
        if i in groups:
            x, y = group(p_group, c, x, groups.count(i), mask, keys[i], output_attentions, output_hidden_states)
            ys.append(y)
    probs = nn.collect(ys, "attention")
    return Output(
        last_hidden_state=x,
        pooler_output=jnp.tanh(linear(p["pooler"], x[:, 0])) if "pooler" in p else None,
        hidden_states=nn.hidden_states(first, ys),
        attentions=None if probs is None else tuple(one for once in probs for one in once),
    )


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    own = p["predictions"]
    h = layer_norm(own["LayerNorm"], nn.activation(c.hidden_act, linear(own["dense"], x)), c.layer_norm_eps)
    table = own.get("decoder", p[PREFIX]["embeddings"]["word_embeddings"])
    return linear({"weight": table["weight"], "bias": own["bias"]}, h)


@extends(model)
def pretraining(p, c, *, labels=None, sentence_order_label=None, key=None, **inputs):
    """Masked words, and whether two sentences were swapped (label int [B], 1 = they were); the loss needs both."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["albert"], c, **inputs, key=k_model)
    scores, order = words(p, c, out.last_hidden_state), _pooled.apply(p["sop_classifier"], c, out, k_head)
    loss = None
    if labels is not None and sentence_order_label is not None:
        loss = losses.cross_entropy(scores, labels) + losses.cross_entropy(order, sentence_order_label)
    return nn.heads.carry(out, loss=loss, prediction_logits=scores, sop_logits=order)


def rate(c):
    return c.hidden_dropout_prob if c.classifier_dropout_prob is None else c.classifier_dropout_prob


_pooled, _unpooled = encoder_heads.pooled(rate), (functools.partial(Model, pooler=False), model, PREFIX)

HEADS = {
    "AlbertModel": Head(Model, model),
    "AlbertForPreTraining": Head(PreTraining, pretraining, ties=ties),
    "AlbertForMaskedLM": encoder_heads.language_model(*_unpooled, Words, words, ties),
    "AlbertForSequenceClassification": encoder_heads.sequence_classifier(Model, model, PREFIX, _pooled),
    "AlbertForTokenClassification": encoder_heads.token_classifier(*_unpooled, rate),
    "AlbertForQuestionAnswering": common.question_answerer(*_unpooled),
    "AlbertForMultipleChoice": encoder_heads.multiple_choice(Model, model, PREFIX, _pooled),
}
