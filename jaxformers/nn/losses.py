"""Losses of the heads, as pure functions of logits and labels. Label -100 is ignored, as in the reference."""

from __future__ import annotations

import jax
import jax.numpy as jnp

IGNORE = -100


def cross_entropy(logits, labels, ignore: int = IGNORE):
    """Mean negative log likelihood over labels that are not `ignore`; nan when all are, as in PyTorch.

    Args:
      logits: float [..., V]; reduced in float32.
      labels: int [...].
    """
    logits = logits.astype(jnp.float32)
    kept = labels != ignore
    # A masked sum and not a gather: its gradient is no scatter, and logits may be sharded over V.
    picked = jnp.where(jnp.arange(logits.shape[-1]) == labels[..., None], logits, 0.0).sum(-1)
    nll = jnp.where(kept, jax.nn.logsumexp(logits, -1) - picked, 0.0)
    return nll.sum() / kept.sum()


def causal_lm(logits, labels):
    """Next-token loss: logits [B, S, V] at position s against labels [B, S] at s + 1."""
    following = jnp.concatenate([labels[:, 1:], jnp.full_like(labels[:, :1], IGNORE)], 1)
    return cross_entropy(logits, following)


def classification(config, logits, labels):
    """Sequence or image classification, by `problem_type` (or what the labels imply when it is not set).

    Args:
      logits: float [B, num_labels].
      labels: int [B] of classes (cross-entropy), float [B] or [B, 1] of targets when num_labels is 1 (mean squared
        error), float [B, num_labels] of 0/1 (binary cross-entropy).
    """
    kind = config.problem_type
    if kind is None:
        if config.num_labels == 1:
            kind = "regression"
        elif jnp.issubdtype(labels.dtype, jnp.integer):
            kind = "single_label_classification"
        else:
            kind = "multi_label_classification"
    if kind == "single_label_classification":
        return cross_entropy(logits.reshape(-1, config.num_labels), labels.reshape(-1))
    logits, labels = logits.astype(jnp.float32), labels.astype(jnp.float32)
    if kind == "regression":
        if config.num_labels == 1:
            logits, labels = logits.reshape(-1), labels.reshape(-1)
        return jnp.square(logits - labels).mean()
    return (jax.nn.softplus(logits) - labels * logits).mean()


def span(start_logits, end_logits, start_positions, end_positions):
    """Extractive question answering: mean of the start and end losses.

    Args:
      start_logits, end_logits: float [B, S].
      start_positions, end_positions: int [B] or [B, 1]; positions outside [0, S) count for nothing.
    """
    length = start_logits.shape[-1]

    def one(logits, positions):
        return cross_entropy(logits, jnp.clip(positions.reshape(-1), 0, length), ignore=length)

    return (one(start_logits, start_positions) + one(end_logits, end_positions)) / 2
