"""Connectionist temporal classification. https://www.cs.toronto.edu/~graves/icml_2006.pdf"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax


def ctc(logits, labels, lengths, blank: int, reduction: str = "mean", zero_infinity: bool = False):
    """How unlikely labels are under scores, summed over all their alignments, as PyTorch counts it.

    Args:
      logits: [B, S, V].
      labels: int [B, L]; negative ones are left out.
      lengths: int [B], how many of the S steps of each row are real.
      blank: id of the class that stands for no label.
      reduction: "none" gives [B], "sum" their sum, "mean" the mean of each over its number of labels.
      zero_infinity: rows whose labels do not fit into their steps count 0 instead of infinity.
    """
    real = labels >= 0
    order = jnp.argsort(~real, axis=-1, stable=True)  # labels that count, in front
    labels, real = (jnp.take_along_axis(x, order, -1) for x in (jnp.where(real, labels, 0), real))
    steps = jnp.arange(logits.shape[1]) >= lengths[:, None]
    scores = jax.nn.log_softmax(logits.astype(jnp.float32), -1)
    each = optax.ctc_loss(scores, steps.astype(jnp.float32), labels, (~real).astype(jnp.float32), blank_id=blank)
    count = real.sum(-1)
    repeats = ((labels[:, 1:] == labels[:, :-1]) & real[:, 1:]).sum(-1)  # need a blank between them
    each = jnp.where(count + repeats > lengths, 0.0 if zero_infinity else jnp.inf, each)
    if reduction == "mean":
        return (each / jnp.maximum(count, 1)).mean()
    return each.sum() if reduction == "sum" else each
