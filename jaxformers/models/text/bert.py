"""BERT: a bidirectional transformer encoder with learned positions and post-layer-norm blocks.

Paper: https://arxiv.org/abs/1810.04805. Serves BERT, BORT, HerBERT, MiniLM and every checkpoint of model type "bert";
with `is_decoder` it is a causal decoder, with `add_cross_attention` the decoder of an encoder-decoder.
"""

from __future__ import annotations

import dataclasses
import functools

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear, losses
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "bert"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="bert"):
    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    position_embedding_type: str = "absolute"
    use_cache: bool = True
    classifier_dropout: float | None = None

    allowed = {
        "hidden_act": nn.ACTIVATION_NAMES,
        "position_embedding_type": ("absolute", "relative_key", "relative_key_query"),
    }

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if self.add_cross_attention and not self.is_decoder:
            yield "add_cross_attention must come with is_decoder, got is_decoder=False"


# ------------------------------------------------------------------------------------------------------ declarations


def Attention(c, positions: str):
    d = c.hidden_size
    own = {
        "query": Linear(d, d, "embed heads"),
        "key": Linear(d, d, "embed heads"),
        "value": Linear(d, d, "embed heads"),
    }
    if positions != "absolute":
        own["distance_embedding"] = Embedding(2 * c.max_position_embeddings - 1, d // c.num_attention_heads, "- -")
    return {"self": own, "output": {"dense": Linear(d, d, "heads embed"), "LayerNorm": LayerNorm(d)}}


def FeedForward(d: int, f: int):
    return {
        "intermediate": {"dense": Linear(d, f)},
        "output": {"dense": Linear(f, d, "mlp embed"), "LayerNorm": LayerNorm(d)},
    }


def Layer(c):
    return {
        "attention": Attention(c, c.position_embedding_type),
        **({"crossattention": Attention(c, "absolute")} if c.add_cross_attention else {}),
        **FeedForward(c.hidden_size, c.intermediate_size),
    }


def Pooler(c):
    return {"dense": Linear(c.hidden_size, c.hidden_size, "embed -")}


def Embeddings(c, d: int):
    return {
        "word_embeddings": Embedding(c.vocab_size, d),
        "position_embeddings": Embedding(c.max_position_embeddings, d, "- embed"),
        "token_type_embeddings": Embedding(c.type_vocab_size, d, "- embed"),
        "LayerNorm": LayerNorm(d),
    }


def Model(c, pooler: bool = True):
    return {
        "embeddings": Embeddings(c, c.hidden_size),
        "encoder": {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))},
        **({"pooler": Pooler(c)} if pooler else {}),
    }


def Predictions(c):
    d = c.hidden_size
    p = {"transform": {"dense": Linear(d, d, "embed -"), "LayerNorm": LayerNorm(d)}}
    if not c.tie_word_embeddings:
        p["decoder"] = Linear(d, c.vocab_size, "embed vocab", bias=False)
    return {**p, "bias": Param((c.vocab_size,), "vocab", zeros)}


def ties(c):
    tied = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    if c.tie_word_embeddings:
        tied["cls.predictions.decoder.weight"] = "bert.embeddings.word_embeddings.weight"
    return tied


def Words(c):
    return {"cls": {"predictions": Predictions(c)}}


def NextSentence(c):
    return {"bert": Model(c), "cls": {"seq_relationship": Linear(c.hidden_size, 2, "embed -")}}


def PreTraining(c):
    return {
        "bert": Model(c),
        "cls": {"predictions": Predictions(c), "seq_relationship": Linear(c.hidden_size, 2, "embed -")},
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(
    p, c, x, *, cross=False, memory=None, mask=None, bias=None, cache=None, index=0, key=None, weights=False
):
    """Self-attention of x [B, S, D], or attention across to `memory` [B, T, D]. Returns (y, cache, weights)."""
    own = p["self"]
    k_probs, k_out = nn.split(key, 2)

    def keys(x):
        return tuple(nn.split_heads(linear(own[n], x), c.num_attention_heads) for n in ("key", "value"))

    q = nn.split_heads(linear(own["query"], x), c.num_attention_heads)
    if cross:
        cache, k, v = nn.cache.memory(cache, lambda: keys(memory))
    else:
        cache, k, v = nn.cache.update(cache, *keys(x), index)
    if "distance_embedding" in own:
        bias = distance_bias(own["distance_embedding"], c, q, k, index)
    rate = c.attention_probs_dropout_prob
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, rate=rate, key=k_probs, weights=weights)
    return add(p["output"], c, x, nn.merge_heads(h), k_out), cache, probs


def distance_bias(p, c, q, k, index):
    """Scores [B, N, S, T] that depend on query (and key) and their distance. https://arxiv.org/abs/1803.02155"""
    steps = jnp.arange(q.shape[1])[:, None] + index - jnp.arange(k.shape[1])[None, :]
    e = embed(p, jnp.clip(steps + c.max_position_embeddings - 1, 0, 2 * c.max_position_embeddings - 2))
    scores = jnp.einsum("bsnh,sth->bnst", q, e)
    if c.position_embedding_type == "relative_key_query":
        scores = scores + jnp.einsum("btnh,sth->bnst", k, e)
    return scores * q.shape[-1] ** -0.5


def layer(p, c, x, *, mask, bias=None, memory=None, memory_mask=None, cache=None, index=0, key, weights):
    k_self, k_cross, k_out = nn.split(key, 3)
    how = {"mask": mask, "bias": bias, "cache": cache, "index": index}
    h, cache, probs = attention(p["attention"], c, x, **how, key=k_self, weights=weights)
    cross = None
    if memory is not None or nn.cache.keeps_memory(cache):
        seen = {"memory": memory, "mask": memory_mask, "cache": cache}
        h, cache, cross = attention(p["crossattention"], c, h, cross=True, **seen, key=k_cross, weights=weights)
    return feed_forward(p, c, h, k_out), {"attention": probs, "cross": cross, "cache": cache}


def add(p, c, x, y, key):
    """x [B, S, D] and what a linear layer makes of y, normed: the end of attention and of the feed-forward network."""
    return layer_norm(p["LayerNorm"], dropout(linear(p["dense"], y), c.hidden_dropout_prob, key) + x, c.layer_norm_eps)


def feed_forward(p, c, x, key):
    return add(p["output"], c, x, nn.activation(c.hidden_act, linear(p["intermediate"]["dense"], x)), key)


def embeddings(p, c, x, token_type_ids, position_ids, key):
    x = x + embed(
        p["token_type_embeddings"], jnp.zeros((1, 1), jnp.int32) if token_type_ids is None else token_type_ids
    )
    if c.position_embedding_type == "absolute":
        x = x + embed(p["position_embeddings"], position_ids)
    return dropout(layer_norm(p["LayerNorm"], x, c.layer_norm_eps), c.hidden_dropout_prob, key)


def pool(p, x):
    return jnp.tanh(linear(p["dense"], x[:, 0]))


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    token_type_ids=None,
    position_ids=None,
    inputs_embeds=None,
    encoder_hidden_states=None,
    encoder_attention_mask=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); masks are 1 at tokens, 0 at padding.

    As a decoder it takes `past_key_values` (a cache), `encoder_hidden_states` [B, T, D] and their mask; a cache keeps
    what was made of these states, so that later calls need their mask alone. `key` switches dropout on.
    """
    words = p["embeddings"]["word_embeddings"]
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(words, ids))
    length, layers = x.shape[1], p["encoder"]["layer"]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    if c.is_decoder:
        mask = nn.mask.decoder(attention_mask, length, after)
    else:
        mask = nn.mask.padding(attention_mask)
    if position_ids is None:
        position_ids = jnp.arange(length)[None] + index
    k_embed, k_layers = nn.split(key, 2)
    x = embeddings(p["embeddings"], c, x, token_type_ids, position_ids, k_embed)
    if "embeddings_project" in p:
        x = linear(p["embeddings_project"], x)

    def step(p, x, cache, key):
        return layer(
            p,
            c,
            x,
            mask=mask,
            memory=encoder_hidden_states if c.add_cross_attention else None,
            memory_mask=nn.mask.padding(encoder_attention_mask),
            cache=cache,
            index=index,
            key=key,
            weights=output_attentions,
        )

    first = x
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, cache=caches, key=k_layers)
    return Output(
        last_hidden_state=x,
        pooler_output=pool(p["pooler"], x) if "pooler" in p else None,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
    )


def predict(p, c, x, table):
    """Scores [B, S, V] of every word; `table` is the word embedding, used when the output layer is tied to it."""
    h = nn.activation(c.hidden_act, linear(p["transform"]["dense"], x))
    h = layer_norm(p["transform"]["LayerNorm"], h, c.layer_norm_eps)
    return linear({"weight": p.get("decoder", table)["weight"], "bias": p["bias"]}, h)


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    """Scores [B, S, V] of every word, by a head that holds `cls`."""
    return predict(p["cls"]["predictions"], c, x, p["bert"]["embeddings"]["word_embeddings"])


@extends(model)
def next_sentence(p, c, *, labels=None, **inputs):
    """Does the second sentence follow the first? labels int [B], 0 = it does."""
    out = model(p["bert"], c, **inputs)
    logits = linear(p["cls"]["seq_relationship"], out.pooler_output)
    return nn.heads.carry(out, loss=None if labels is None else losses.cross_entropy(logits, labels), logits=logits)


@extends(model)
def pretraining(p, c, *, labels=None, next_sentence_label=None, **inputs):
    """Masked words and next sentence together; the loss needs both labels."""
    out = model(p["bert"], c, **inputs)
    scores = words(p, c, out.last_hidden_state)
    follows = linear(p["cls"]["seq_relationship"], out.pooler_output)
    loss = None
    if labels is not None and next_sentence_label is not None:
        loss = losses.cross_entropy(scores, labels) + losses.cross_entropy(follows, next_sentence_label)
    return nn.heads.carry(out, loss=loss, prediction_logits=scores, seq_relationship_logits=follows)


def cache(c, batch, length, dtype, stacked):
    heads = c.num_attention_heads
    return nn.KVCache(c.num_hidden_layers, batch, length, heads, c.hidden_size // heads, dtype, stacked)


_unpooled = (functools.partial(Model, pooler=False), model, PREFIX)
_words = (Words, words, ties)
_pooled = encoder_heads.pooled()

HEADS = {
    "BertModel": Head(Model, model, cache),
    "BertForPreTraining": Head(PreTraining, pretraining, ties=ties),
    "BertForMaskedLM": encoder_heads.language_model(*_unpooled, *_words),
    "BertLMHeadModel": encoder_heads.language_model(*_unpooled, *_words, cache),
    "BertForNextSentencePrediction": Head(NextSentence, next_sentence),
    "BertForSequenceClassification": encoder_heads.sequence_classifier(Model, model, PREFIX, _pooled),
    "BertForTokenClassification": encoder_heads.token_classifier(*_unpooled),
    "BertForMultipleChoice": encoder_heads.multiple_choice(Model, model, PREFIX, _pooled),
    "BertForQuestionAnswering": common.question_answerer(*_unpooled),
}
