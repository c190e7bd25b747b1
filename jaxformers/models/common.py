"""Heads that most decoders share, made from a base model: a linear layer over its hidden states and a loss."""

from __future__ import annotations

from collections.abc import Callable

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.nn import Linear, dropout, linear


def sequence_classifier(
    Model: Callable, model: Callable, prefix: str, layer: str = "score", width: str = "hidden_size"
) -> Head:
    """One of `num_labels` classes a sequence, read from its last token that is not padding; `layer` has no bias.

    Args:
      Model, model: declaration and function of the base model.
      prefix: the name under which the head keeps it.
      layer: the name of the linear layer.
      width: the config's field that tells how wide the hidden states are.
    """

    def declare(c):
        return {prefix: Model(c), layer: Linear(getattr(c, width), c.num_labels, "embed -", bias=False)}

    @extends(model)
    def sequence_classification(p, c, input_ids=None, *, labels=None, **inputs):
        """One of `num_labels` classes (or targets) a sequence, told by its last token that is not `pad_token_id`."""
        out = model(p[prefix], c, input_ids, **inputs)
        logits = linear(p[layer], nn.heads.last_token(c, out.last_hidden_state, input_ids))
        return nn.heads.classification(out, c, logits, labels)

    return Head(declare, sequence_classification, prefix=prefix)


def token_classifier(Model: Callable, model: Callable, prefix: str, layer: str = "score") -> Head:
    """One of `num_labels` classes a token; arguments as for `sequence_classifier`."""

    def declare(c):
        return {prefix: Model(c), layer: Linear(c.hidden_size, c.num_labels, "embed -")}

    @extends(model)
    def token_classification(p, c, *, labels=None, key=None, **inputs):
        """One of `num_labels` classes a token; labels int [B, S]."""
        k_model, k_head = nn.split(key, 2)
        out = model(p[prefix], c, **inputs, key=k_model)
        rates = (getattr(c, name, None) for name in ("classifier_dropout", "hidden_dropout"))
        x = dropout(out.last_hidden_state, next((r for r in rates if r is not None), 0.1), k_head)
        return nn.heads.token_classification(out, linear(p[layer], x), labels)

    return Head(declare, token_classification, prefix=prefix)


def question_answerer(
    Model: Callable,
    model: Callable,
    prefix: str,
    width: str = "hidden_size",
    ties: Callable = Head.ties,
    without: tuple[str, ...] = (),
) -> Head:
    """Start and end of an answer in what is read: by an encoder-decoder, in what its decoder reads.

    Args:
      Model, model, prefix, width: as for `sequence_classifier`.
      ties: as for `Head`.
      without: inputs of the base model that the head does not take.
    """

    def declare(c):
        return {prefix: Model(c), "qa_outputs": Linear(getattr(c, width), 2, "embed -")}

    @extends(model, *without)
    def question_answering(p, c, *, start_positions=None, end_positions=None, **inputs):
        """Start and end of the answer in the text; positions int [B]."""
        out = model(p[prefix], c, **inputs)
        logits = linear(p["qa_outputs"], out.last_hidden_state)
        return nn.heads.question_answering(out, logits, start_positions, end_positions)

    return Head(declare, question_answering, ties=ties, prefix=prefix)
