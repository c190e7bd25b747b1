"""Longformer: RoBERTa whose tokens see a window, and a few global tokens that see and are seen by all.

Paper: https://arxiv.org/abs/2004.05150. Serves Longformer and every checkpoint of model type "longformer". Texts
of any length are taken as they are: nothing has to be padded to the window.
"""

from __future__ import annotations

import dataclasses
import functools

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models import common, encoder_heads
from jaxformers.models.text import bert, roberta
from jaxformers.nn import Linear, embed, linear, sparse
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "longformer"


@dataclasses.dataclass(frozen=True)
class Config(roberta.Config, model_type="longformer"):
    attention_window: int | tuple[int, ...] = 512
    vocab_size: int = 30522
    sep_token_id: int = 2

    allowed = {"hidden_act": nn.ACTIVATION_NAMES, "position_embedding_type": ("absolute",)}

    def check(self):
        yield from super().check()
        if self.is_decoder or self.add_cross_attention:
            yield "is_decoder and add_cross_attention must be False: Longformer is an encoder"
        if len(self.windows) != self.num_hidden_layers:
            yield (
                f"attention_window must be one number or one a layer ({self.num_hidden_layers}), got "
                f"{len(self.windows)} of them"
            )
        if any(n <= 0 or n % 2 for n in self.windows):
            yield f"attention_window must be even and above 0, got {self.attention_window}"

    @property
    def windows(self) -> tuple[int, ...]:
        """Tokens that each layer's tokens see beside themselves, half of them on each side."""
        given = self.attention_window
        return (given,) * self.num_hidden_layers if isinstance(given, int) else tuple(given)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, p = c.hidden_size, bert.Layer(c)
    p["attention"]["self"].update({f"{n}_global": Linear(d, d, "embed heads") for n in ("query", "key", "value")})
    return p


def Model(c, pooler: bool = True):
    return {**bert.Model(c, pooler), "encoder": {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))}}


Unpooled = functools.partial(Model, pooler=False)

# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, seen, each_side, key, weights):
    """Attention of x [B, S, D] by a `sparse.Pattern`. Returns (y, weights, global tokens' weights)."""
    own = p["self"]
    k_near, k_wide, k_out = nn.split(key, 3)
    how = {"rate": c.attention_probs_dropout_prob, "weights": weights}

    def project(x, name):
        return nn.split_heads(linear(own[name], x), c.num_attention_heads)

    q, k, v = (project(x, name) for name in ("query", "key", "value"))
    h, near = sparse.windowed(seen, q, k, v, each_side, key=k_near, **how)
    wide = None
    if seen.spread is not None:
        q = project(sparse.rows(x, seen.order), "query_global")
        k, v = project(x, "key_global"), project(x, "value_global")
        h, wide = sparse.spread_out(seen, q, k, v, h, key=k_wide, **how)
    return bert.add(p["output"], c, x, nn.merge_heads(h), k_out), near, wide


def layer(p, c, x, *, key, **how):
    k_attention, k_out = nn.split(key, 2)
    h, near, wide = attention(p["attention"], c, x, key=k_attention, **how)
    return bert.feed_forward(p, c, h, k_out), {"attention": near, "wide": wide}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    global_attention_mask=None,
    token_type_ids=None,
    position_ids=None,
    inputs_embeds=None,
    global_tokens=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `global_attention_mask` [B, S] is 1 at the tokens that see and are seen by all. Positions are rows of the table:
    tokens count from `pad_token_id` + 1. `key` switches dropout on.

    With `output_attentions`, `attentions` are [B, N, S, X + window + 1]: weights of the first X global tokens, then of
    the window, where a global token counts zero. The rows of global tokens are zero: their weights are
    `global_attentions` [B, N, S, X]. X is `global_tokens`, the most global tokens that a text has, and S where that is
    not said; without `global_attention_mask` it is 0. They are cut from weights of S x S.
    """
    words = p["embeddings"]["word_embeddings"]
    x = nn.heads.embeddings("LongformerModel", input_ids, inputs_embeds, lambda ids: embed(words, ids))
    rows, length = x.shape[:2]
    if position_ids is None:
        position_ids = nn.padded_positions(input_ids, length, c.pad_token_id, 0)
    seen = sparse.pattern(attention_mask, global_attention_mask, rows, length)
    k_embed, k_layers = nn.split(key, 2)
    x = bert.embeddings(p["embeddings"], c, x, token_type_ids, position_ids, k_embed)

    def step(p, x, key, each_side=c.windows[0] // 2):
        return layer(p, c, x, seen=seen, each_side=each_side, key=key, weights=output_attentions)

    first, layers = x, p["encoder"]["layer"]
    differ = {"each_side": jnp.array(c.windows) // 2} if len(set(c.windows)) > 1 else {}
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, key=k_layers, **differ)
    near, wide = nn.collect(ys, "attention"), nn.collect(ys, "wide")
    most = length if global_tokens is None else min(global_tokens, length)
    return Output(
        last_hidden_state=x,
        pooler_output=bert.pool(p["pooler"], x) if "pooler" in p else None,
        hidden_states=nn.hidden_states(first, ys),
        attentions=near
        and tuple(sparse.by_window(seen, a, w // 2, most) for a, w in zip(near, c.windows, strict=True)),
        global_attentions=wide and tuple(sparse.by_global(seen, a, most) for a in wide),
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def first_global(
    p, c, input_ids=None, *, inputs_embeds=None, global_attention_mask=None, global_tokens=None, **inputs
):
    """The encoder; without a `global_attention_mask` the first token is global, which the classes are read from."""
    given = input_ids if inputs_embeds is None else inputs_embeds
    if global_attention_mask is None and given is not None:
        global_attention_mask = jnp.zeros(given.shape[:2], bool).at[:, 0].set(True)
        global_tokens = 1
    spread = {"global_attention_mask": global_attention_mask, "global_tokens": global_tokens}
    return model(p, c, input_ids, inputs_embeds=inputs_embeds, **spread, **inputs)


def _from_separator(c, input_ids, before: bool):
    """bool [B, S], for texts of two parts: the tokens in front of the first separator, or those behind the second one.

    A text is `<s> question </s></s> answer </s>`: two separators side by side stand between its parts.
    """
    at, middle = jnp.arange(input_ids.shape[1])[None], jnp.argmax(input_ids == c.sep_token_id, axis=1)[:, None]
    return at < middle if before else at > middle + 1


def _parts(before: bool):
    @extends(model)
    def parts(p, c, input_ids=None, *, global_attention_mask=None, **inputs):
        if global_attention_mask is None and input_ids is not None:
            global_attention_mask = _from_separator(c, input_ids, before)
        return model(p, c, input_ids, global_attention_mask=global_attention_mask, **inputs)

    return parts


_first = encoder_heads.first_token("tanh", encoder_heads.hidden_rate)
_pooled = encoder_heads.pooled(encoder_heads.hidden_rate)

# Without a `global_attention_mask`, questions are global to those who answer, and the choices to those who choose.
HEADS = {
    "LongformerModel": Head(Model, model),
    "LongformerForMaskedLM": encoder_heads.language_model(Unpooled, model, PREFIX, *roberta.words_of(PREFIX)),
    "LongformerForSequenceClassification": encoder_heads.sequence_classifier(Unpooled, first_global, PREFIX, _first),
    "LongformerForMultipleChoice": encoder_heads.multiple_choice(Model, _parts(before=False), PREFIX, _pooled),
    "LongformerForQuestionAnswering": common.question_answerer(Unpooled, _parts(before=True), PREFIX),
    "LongformerForTokenClassification": encoder_heads.token_classifier(
        Unpooled, model, PREFIX, encoder_heads.hidden_rate
    ),
}
