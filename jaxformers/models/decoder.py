"""Causal decoders: what every one of them does around its own layers, and the head that writes the next words."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.nn import Linear, dropout, embed, linear
from jaxformers.output import Output


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the new tokens of a call stand.

    Args:
      positions: int [B or 1, S], of each of them in its text.
      index: the cache's slot of the first one, int32 []; 0 without a cache.
      mask: what is known of the keys' validity, [B, T] (or a ready mask, as `nn.mask.decoder` takes one), or None.
      keys: how many new tokens there are, S.
    """

    positions: Any
    index: Any
    mask: Any
    length: int


def unchanged(x, at: Place):
    """A `begin` that adds nothing."""
    return x, {}


def turning(c, width: int, rate: float = 0.0, key=None):
    """A `begin` that gives layers the `turns` of rotary positions over `width` entries of each head; with dropout."""
    return lambda x, at: (dropout(x, rate, key), {"turns": nn.rope.table(c, width, at.positions, x.dtype)})


def placing(table, words, token_type_ids, rate: float, key, **shared):
    """A `begin` that adds rows of a `table` of positions, and of that of `words` for types (or None); with dropout.

    shared: what all layers are given.
    """

    def begin(x, at):
        x = x + embed(table, at.positions)
        x = x if token_type_ids is None else x + embed(words, token_type_ids)
        return dropout(x, rate, key), shared

    return begin


def decode(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
    *,
    words,
    layers,
    layer,
    norm,
    begin=unchanged,
    windows=(None,),
    **each,
):
    """A decoder over words or their embeddings. Inputs are those of the models, as they describe them; and

    Args:
      words: parameters of the table of words.
      layers: the layers' parameters, as `nn.fold` takes them.
      layer: `(layer's params, c, x, *, mask, ring, index, cache, key, weights, **shared, **each's) -> (x, report)`.
      norm: `(p, c, x) -> x`, behind the last layer.
      begin: `(x, Place) -> (x, shared)`: what is done to the embeddings, and what all layers are given.
      windows: how many tokens back each layer sees, None for all of them; one entry stands for all layers.
      each: what each layer is given, as `nn.fold` takes it.
    """
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(words, ids))
    length = x.shape[1]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    at = jnp.arange(length)[None] + index if position_ids is None else position_ids
    first, shared = begin(x, Place(at, index, attention_mask if after is None else after["mask"], length))
    shared = {**shared, "index": index, "weights": output_attentions}
    views, see = nn.windows.views(layers, windows, attention_mask, length, after)

    def step(p, x, view, cache, **one):
        return layer(p, c, x, **see(view, cache), cache=cache, **shared, **one)

    each |= {"view": views, "cache": caches, "key": key}
    x, ys = nn.fold(step, layers, first, states=output_hidden_states, **each)
    x = norm(p, c, x)
    states = nn.hidden_states(first, ys)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=states and (*states[:-1], x),
        attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
        router_logits=nn.collect(ys, "router"),
    )


# Decorator for a model `f(p, c, input_ids=None, ..., **inputs)` that hands its inputs to `decode`.
reads = functools.partial(extends, decode)("words", "layers", "layer", "norm", "begin", "windows")


def language_model(
    Model: Callable,
    model: Callable,
    cache: Callable,
    prefix: str = "model",
    words: str = "embed_tokens",
    layer: str = "lm_head",
    bias: bool = False,
    width: str = "hidden_size",
    scores: Callable | None = None,
) -> Head:
    """The head that writes the next words, with the output layer tied to the words unless the config says no.

    Args:
      Model, model: declaration and function of the base model.
      cache: as for `Head`.
      prefix: the name under which the head keeps it.
      words: the path of the table of words within the base model.
      layer: the name of the output layer.
      bias: has it a bias, which it keeps when tied?
      width: the config's field that tells how wide the hidden states are.
      scores: `(config, logits) -> logits`, what is done to them at last.
    """
    *inside, table = f"{prefix}.{words}".split(".")

    def declare(c):
        head = Linear(getattr(c, width), c.vocab_size, "embed vocab", bias)
        kept = {n: p for n, p in head.items() if n != "weight" or not c.tie_word_embeddings}
        return {prefix: Model(c), **({layer: kept} if kept else {})}

    def ties(c):
        return {f"{layer}.weight": f"{prefix}.{words}.weight"} if c.tie_word_embeddings else {}

    def write(p, c, x):
        tied = functools.reduce(lambda p, name: p[name], inside, p)[table]
        logits = linear({**tied, **p.get(layer, {})}, x)
        return logits if scores is None else scores(c, logits)

    @extends(model)
    def causal_lm(p, c, *, labels=None, logits_to_keep=0, **inputs):
        """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` are scored (0: all)."""
        out = model(p[prefix], c, **inputs)
        return nn.heads.causal_lm(out, write(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)

    return Head(declare, causal_lm, cache, ties, words=write)
