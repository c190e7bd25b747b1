"""DeBERTa-v2: a post-layer-norm encoder that scores contents and distances of tokens apart from each other.

Papers: https://arxiv.org/abs/2006.03654, https://arxiv.org/abs/2111.09543. Serves DeBERTa-v2 and -v3, mDeBERTa
and every checkpoint of model type "deberta-v2".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.models.encoder_heads import Scorer
from jaxformers.models.text import bert
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear, losses
from jaxformers.nn.temporal import TimeConv, time_conv
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "deberta"
WAYS = ("c2p", "p2c")  # contents of queries to positions of keys, and the other way round


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="deberta-v2"):
    vocab_size: int = 128100
    hidden_size: int = 1536
    num_hidden_layers: int = 24
    num_attention_heads: int = 24
    intermediate_size: int = 6144
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-7
    relative_attention: bool = False
    max_relative_positions: int = -1
    pad_token_id: int | None = 0
    position_biased_input: bool = True
    pos_att_type: Any = None
    pooler_dropout: float = 0.0
    pooler_hidden_act: str = "gelu"
    legacy: bool = True
    # What files may hold beside these.
    position_buckets: int = -1
    share_att_key: bool = False
    norm_rel_ebd: str = "none"
    conv_kernel_size: int = 0
    conv_groups: int = 1
    conv_act: str = "tanh"
    attention_head_size: int | None = None
    embedding_size: int | None = None
    pooler_hidden_size: int | None = None
    cls_dropout: float | None = None

    allowed = {
        "hidden_act": nn.ACTIVATION_NAMES,
        "pooler_hidden_act": nn.ACTIVATION_NAMES,
        "conv_act": nn.ACTIVATION_NAMES,
    }

    @property
    def ways(self) -> tuple[str, ...]:
        """Of `WAYS`, those that `pos_att_type` names, in a list or with `|` between them."""
        named = self.pos_att_type or ()
        named = named.lower().split("|") if isinstance(named, str) else named
        return tuple(way for way in WAYS if way in [n.strip() for n in named])

    @property
    def farthest(self) -> int:
        """Distances from which on all count as one."""
        return self.max_position_embeddings if self.max_relative_positions < 1 else self.max_relative_positions

    @property
    def span(self) -> int:
        """Half the rows of the table of distances."""
        return self.position_buckets if self.position_buckets > 0 else self.farthest

    def check(self):
        d, heads = self.hidden_size, self.num_attention_heads
        self.default(attention_head_size=d // heads, embedding_size=d, pooler_hidden_size=d)
        yield from self.multiple("hidden_size", "num_attention_heads")
        if self.attention_head_size * heads != d:
            yield f"attention_head_size must be hidden_size over num_attention_heads, got {self.attention_head_size}"
        if self.pooler_hidden_size != d:
            yield f"pooler_hidden_size must be hidden_size = {d}, got {self.pooler_hidden_size}"
        if not self.legacy and self.embedding_size != d:
            yield f"embedding_size must be hidden_size = {d} with legacy=False, got {self.embedding_size}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    own = {name: Linear(d, d, "embed heads") for name in ("query_proj", "key_proj", "value_proj")}
    if c.relative_attention and not c.share_att_key:
        names = {"c2p": "pos_key_proj", "p2c": "pos_query_proj"}
        own |= {names[way]: Linear(d, d, "embed heads") for way in c.ways}
    return {
        "attention": {"self": own, "output": {"dense": Linear(d, d, "heads embed"), "LayerNorm": LayerNorm(d)}},
        **bert.FeedForward(d, f),
    }


def Embeddings(c):
    e, d = c.embedding_size, c.hidden_size
    return {
        "word_embeddings": Embedding(c.vocab_size, e),
        **(
            {"position_embeddings": Embedding(c.max_position_embeddings, e, "- embed")}
            if c.position_biased_input
            else {}
        ),
        **({"token_type_embeddings": Embedding(c.type_vocab_size, e, "- embed")} if c.type_vocab_size > 0 else {}),
        **({"embed_proj": Linear(e, d, "- embed", bias=False)} if e != d else {}),
        "LayerNorm": LayerNorm(d),
    }


def Encoder(c):
    d, width = c.hidden_size, c.conv_kernel_size
    conv = {"conv": TimeConv(d, d, width, "- embed", groups=c.conv_groups), "LayerNorm": LayerNorm(d)}
    return {
        "layer": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        **({"rel_embeddings": Embedding(2 * c.span, d, "- embed")} if c.relative_attention else {}),
        **({"LayerNorm": LayerNorm(d)} if "layer_norm" in c.norm_rel_ebd.lower() else {}),
        **({"conv": conv} if width > 0 else {}),
    }


def Model(c):
    return {"embeddings": Embeddings(c), "encoder": Encoder(c)}


def Words(c):
    d, e, bias = c.hidden_size, c.embedding_size, {"bias": Param((c.vocab_size,), "vocab", zeros)}
    transform = {"dense": Linear(d, e, "embed -"), "LayerNorm": LayerNorm(e)}
    if not c.legacy:
        return {"lm_predictions": {"lm_head": {**transform, **bias}}}
    decoder = {} if c.tie_word_embeddings else {"decoder": Linear(e, c.vocab_size, "embed vocab", bias=False)}
    return {"cls": {"predictions": {"transform": transform, **decoder, **bias}}}


def ties(c):
    if not c.legacy:
        return {}
    tied = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    if c.tie_word_embeddings:
        tied["cls.predictions.decoder.weight"] = "deberta.embeddings.word_embeddings.weight"
    return tied


# ------------------------------------------------------------------------------------------------------ functions


def buckets(c, length: int) -> np.ndarray:
    """int32 [2 * length - 1]: where the distances from 1 - length to length - 1 count, far ones in logarithmic steps.

    In float32 and in the reference's order of operations, as bounds of steps are at stake.
    """
    steps = np.arange(1 - length, length)
    if c.position_buckets < 1 or c.farthest < 1:
        return steps.astype(np.int32)
    mid = c.position_buckets // 2
    far = np.where(np.abs(steps) < mid, mid - 1, np.abs(steps)).astype(np.float32)
    top = np.log(np.float32((c.farthest - 1) / mid))
    log = np.ceil(np.log(far / np.float32(mid)) / top * np.float32(mid - 1)) + mid
    return np.where(far <= mid, steps, log * np.sign(steps)).astype(np.int32)


def pick(scores, index):
    """scores [B, N, S, P] at index int [S, T]: [B, N, S, T]."""
    return jax.vmap(lambda s, i: jnp.take(s, i, axis=-1, mode="clip"), in_axes=(2, 0), out_axes=2)(scores, index)


def distance_bias(p, c, q, k, table, at, scale: float):
    """What contents score distances by, [B, N, S, S]. q, k [B, S, N, H]; table [2 * span, D]; at int [S, S]."""

    def heads(name: str):
        return nn.split_heads(linear(p[name], table), c.num_attention_heads)  # [P, N, H]

    bias = 0
    if "c2p" in c.ways:
        scores = jnp.einsum("bsnh,pnh->bnsp", q, heads("key_proj" if c.share_att_key else "pos_key_proj"))
        bias = bias + pick(scores, jnp.clip(at + c.span, 0, 2 * c.span - 1))
    if "p2c" in c.ways:
        scores = jnp.einsum("btnh,pnh->bntp", k, heads("query_proj" if c.share_att_key else "pos_query_proj"))
        bias = bias + pick(scores, jnp.clip(c.span - at, 0, 2 * c.span - 1)).swapaxes(-1, -2)
    return bias * scale


def attention(p, c, x, *, mask, table, at, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, weights)."""
    k_table, k_probs, k_out = nn.split(key, 3)
    own = p["self"]
    q, k, v = (nn.split_heads(linear(own[f"{n}_proj"], x), c.num_attention_heads) for n in ("query", "key", "value"))
    scale, bias = (q.shape[-1] * (1 + len(c.ways))) ** -0.5, None
    if table is not None and c.ways:
        bias = distance_bias(own, c, q, k, dropout(table, c.hidden_dropout_prob, k_table), at, scale)
    rate = c.attention_probs_dropout_prob
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, scale=scale, rate=rate, key=k_probs, weights=weights)
    return bert.add(p["output"], c, x, nn.merge_heads(h), k_out), probs


def layer(p, c, x, *, key, **where):
    k_attention, k_out = nn.split(key, 2)
    h, probs = attention(p["attention"], c, x, key=k_attention, **where)
    return bert.feed_forward(p, c, h, k_out), {"attention": probs}


def convolve(p, c, first, x, real, key):
    """The first layer's output x with what a convolution of its input `first` adds, zero at padding."""
    y = time_conv(p["conv"], first, padding=(c.conv_kernel_size - 1) // 2, groups=c.conv_groups)
    y = nn.activation(c.conv_act, dropout(y * real, c.hidden_dropout_prob, key))
    return layer_norm(p["LayerNorm"], x + y, c.layer_norm_eps) * real


def embeddings(p, c, x, token_type_ids, position_ids, real, key):
    if "position_embeddings" in p:
        x = x + embed(p["position_embeddings"], jnp.arange(x.shape[1])[None] if position_ids is None else position_ids)
    if "token_type_embeddings" in p:
        types = jnp.zeros((1, 1), jnp.int32) if token_type_ids is None else token_type_ids
        x = x + embed(p["token_type_embeddings"], types)
    if "embed_proj" in p:
        x = linear(p["embed_proj"], x)
    return dropout(layer_norm(p["LayerNorm"], x, c.layer_norm_eps) * real, c.hidden_dropout_prob, key)


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
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, E]); attention_mask is 1 at tokens, 0 at padding.

    `key` switches dropout on.
    """
    words = p["embeddings"]["word_embeddings"]
    x = nn.heads.embeddings("DebertaV2Model", input_ids, inputs_embeds, lambda ids: embed(words, ids))
    length, encoder = x.shape[1], p["encoder"]
    if attention_mask is None:
        attention_mask = jnp.ones(x.shape[:2], jnp.int32)
    mask, real = attention_mask.astype(bool), attention_mask.astype(x.dtype)[..., None]
    k_embed, k_conv, k_layers = nn.split(key, 3)
    first = embeddings(p["embeddings"], c, x, token_type_ids, position_ids, real, k_embed)
    shared = {"mask": mask[:, None, None, :] & mask[:, None, :, None], "table": None, "at": None}
    if c.relative_attention:
        table = encoder["rel_embeddings"]["weight"]
        shared["table"] = (
            layer_norm(encoder["LayerNorm"], table, c.layer_norm_eps) if "LayerNorm" in encoder else table
        )
        steps = jnp.arange(length)[:, None] - jnp.arange(length)[None, :]
        shared["at"] = jnp.asarray(buckets(c, length))[steps + length - 1]

    def step(p, x, number, key):
        x, report = layer(p, c, x, **shared, key=key, weights=output_attentions)
        if "conv" in encoder:
            x = jax.lax.cond(
                number == 0, lambda x: convolve(encoder["conv"], c, first, x, real, k_conv), lambda x: x, x
            )
        return x, report

    n = nn.num_layers(encoder["layer"])
    x, ys = nn.fold(step, encoder["layer"], first, states=output_hidden_states, number=jnp.arange(n), key=k_layers)
    return Output(
        last_hidden_state=x,
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    table = p["deberta"]["embeddings"]["word_embeddings"]
    head = p["cls"]["predictions"] if c.legacy else p["lm_predictions"]["lm_head"]
    transform = head["transform"] if c.legacy else head
    h = nn.activation(c.hidden_act, linear(transform["dense"], x))
    h = layer_norm(transform["LayerNorm"], h, c.layer_norm_eps)
    return linear({"weight": head.get("decoder", table)["weight"], "bias": head["bias"]}, h)


def _score(p, c, out, key):
    k_pool, k_class = nn.split(key, 2)
    x = linear(p["pooler"]["dense"], dropout(out.last_hidden_state[:, 0], c.pooler_dropout, k_pool))
    rate = c.hidden_dropout_prob if c.cls_dropout is None else c.cls_dropout
    return linear(p["classifier"], dropout(nn.activation(c.pooler_hidden_act, x), rate, k_class))


pooled = Scorer(
    lambda c, n: {
        "pooler": {"dense": Linear(c.hidden_size, c.hidden_size, "embed -")},
        "classifier": Linear(c.hidden_size, n, "embed -"),
    },
    _score,
)


@extends(model)
def sequence_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes (or targets) a sequence; labels as `losses.classification` takes them.

    Without a `problem_type`, negative classes are not scored, and labels [B, num_labels] are shares of classes.
    """
    k_model, k_head = nn.split(key, 2)
    out = model(p["deberta"], c, **inputs, key=k_model)
    logits = _score(p, c, out, k_head)
    if labels is None or c.problem_type is not None:
        return nn.heads.classification(out, c, logits, labels)
    if c.num_labels == 1:
        logits = logits.reshape(-1)
        loss = jnp.square(logits - labels.reshape(-1)).mean()
    elif labels.ndim == 1 or labels.shape[-1] == 1:
        kept = jnp.where(labels.reshape(-1) < 0, losses.IGNORE, labels.reshape(-1)).astype(jnp.int32)
        loss = jnp.where((kept == losses.IGNORE).all(), 0.0, losses.cross_entropy(logits, kept))
    else:
        loss = -(jax.nn.log_softmax(logits.astype(jnp.float32)) * labels).sum(-1).mean()
    return nn.heads.carry(out, loss=loss, logits=logits)


HEADS = {
    "DebertaV2Model": Head(Model, model),
    "DebertaV2ForMaskedLM": encoder_heads.language_model(Model, model, PREFIX, Words, words, ties),
    "DebertaV2ForSequenceClassification": Head(
        lambda c: {PREFIX: Model(c), **pooled.declare(c, c.num_labels)}, sequence_classification
    ),
    "DebertaV2ForTokenClassification": encoder_heads.token_classifier(Model, model, PREFIX, encoder_heads.hidden_rate),
    "DebertaV2ForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
    "DebertaV2ForMultipleChoice": encoder_heads.multiple_choice(Model, model, PREFIX, pooled),
}
