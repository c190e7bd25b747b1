"""Heads that most encoders share, made from a base model: a small scorer over its hidden states and a loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.nn import Linear, dropout, linear, losses

CHOICES = (
    "input_ids",
    "attention_mask",
    "global_attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
)


@dataclasses.dataclass(frozen=True)
class Scorer:
    """Scores for a whole sequence.

    Args:
      declare: `(config, n) -> tree of Param`, the head's parameters beside the base model's.
      apply: `(params, config, base output, key) -> [B, n]`.
    """

    declare: Callable
    apply: Callable


def rate(c) -> float:
    """Dropout of a head: `classifier_dropout`, or `hidden_dropout_prob` where that is not set."""
    given = getattr(c, "classifier_dropout", None)
    return c.hidden_dropout_prob if given is None else given


def hidden_rate(c) -> float:
    """Dropout of heads that go by `hidden_dropout_prob` alone."""
    return c.hidden_dropout_prob


def pooled(rate: Callable = rate) -> Scorer:
    """A linear layer `classifier` over the pooler's output; `rate(config)` of it is dropped."""

    def declare(c, n):
        return {"classifier": Linear(c.hidden_size, n, "embed -")}

    def apply(p, c, out, key):
        return linear(p["classifier"], dropout(out.pooler_output, rate(c), key))

    return Scorer(declare, apply)


def TwoLayers(c, n: int):
    """`dense` and `out_proj`, from hidden states to `n` scores."""
    d = c.hidden_size
    return {"dense": Linear(d, d, "embed -"), "out_proj": Linear(d, n, "embed -")}


def two_layers(p, x, act: str, rate: float, key):
    """x [..., D] -> [..., n], with dropout in front of each layer."""
    k_in, k_mid = nn.split(key, 2)
    x = nn.activation(act, linear(p["dense"], dropout(x, rate, k_in)))
    return linear(p["out_proj"], dropout(x, rate, k_mid))


def first_token(act: str, rate: Callable = rate) -> Scorer:
    """Two layers, `classifier.dense` and `classifier.out_proj`, over the first token's hidden state."""

    def declare(c, n):
        return {"classifier": TwoLayers(c, n)}

    def apply(p, c, out, key):
        return two_layers(p["classifier"], out.last_hidden_state[:, 0], act, rate(c), key)

    return Scorer(declare, apply)


# ------------------------------------------------------------------------------------------------------ heads


def language_model(
    Model: Callable, model: Callable, prefix: str, Words: Callable, words: Callable, ties: Callable, cache=None
) -> Head:
    """The words behind masks or, with a `cache`, the next words.

    Args:
      Model, model: declaration and function of the base model.
      prefix: the name under which the head keeps it.
      Words, words: declaration `config -> tree` and function `(params, config, x) -> logits` of the output layers.
      ties, cache: as for `Head`.
    """
    end = nn.heads.masked_lm if cache is None else nn.heads.causal_lm

    def declare(c):
        return {prefix: Model(c), **Words(c)}

    @extends(model)
    def language(p, c, *, labels=None, **inputs):
        """Scores of every word; labels int [B, S], -100 = not scored. Those of next words are shifted here."""
        out = model(p[prefix], c, **inputs)
        return end(out, words(p, c, out.last_hidden_state), labels)

    return Head(declare, language, cache, ties, words=None if cache is None else words)


def sequence_classifier(Model: Callable, model: Callable, prefix: str, scorer: Scorer) -> Head:
    """One of `num_labels` classes (or targets) a sequence; arguments as for `language_model`."""

    def declare(c):
        return {prefix: Model(c), **scorer.declare(c, c.num_labels)}

    @extends(model)
    def sequence_classification(p, c, *, labels=None, key=None, **inputs):
        """One of `num_labels` classes (or targets) a sequence; labels as `losses.classification` takes them."""
        k_model, k_head = nn.split(key, 2)
        out = model(p[prefix], c, **inputs, key=k_model)
        return nn.heads.classification(out, c, scorer.apply(p, c, out, k_head), labels)

    return Head(declare, sequence_classification)


def multiple_choice(Model: Callable, model: Callable, prefix: str, scorer: Scorer) -> Head:
    """The right one of several sequences; arguments as for `language_model`."""

    def declare(c):
        return {prefix: Model(c), **scorer.declare(c, 1)}

    @extends(model)
    def choice(p, c, *, labels=None, key=None, **inputs):
        """The right one of M choices: inputs are [B, M, S], labels int [B]."""
        k_model, k_head = nn.split(key, 2)
        choices = next((inputs[n].shape[1] for n in ("input_ids", "inputs_embeds") if inputs.get(n) is not None), 1)
        flat = {n: x.reshape(-1, *x.shape[2:]) if n in CHOICES and x is not None else x for n, x in inputs.items()}
        out = model(p[prefix], c, **flat, key=k_model)
        logits = scorer.apply(p, c, out, k_head).reshape(-1, choices)
        loss = None if labels is None else losses.cross_entropy(logits, labels)
        return nn.heads.carry(out, loss=loss, logits=logits)

    return Head(declare, choice)


def token_classifier(Model: Callable, model: Callable, prefix: str, rate: Callable = rate) -> Head:
    """One of `num_labels` classes a token; `rate(config)` of the states is dropped, the rest as `language_model`."""

    def declare(c):
        return {prefix: Model(c), "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}

    @extends(model)
    def token_classification(p, c, *, labels=None, key=None, **inputs):
        """One of `num_labels` classes a token; labels int [B, S]."""
        k_model, k_head = nn.split(key, 2)
        out = model(p[prefix], c, **inputs, key=k_model)
        x = dropout(out.last_hidden_state, rate(c), k_head)
        return nn.heads.token_classification(out, linear(p["classifier"], x), labels)

    return Head(declare, token_classification)
