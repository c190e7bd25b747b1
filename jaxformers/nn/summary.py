"""One vector for a whole sequence, in the ways that the `summary_*` fields of a config name."""

from __future__ import annotations

import jax.numpy as jnp

from jaxformers.nn.activation import NAMES, activation
from jaxformers.nn.dropout import dropout, split
from jaxformers.nn.linear import Linear, linear

SUMMARIES = {"summary_type": ("cls_index", "last", "first", "mean"), "summary_activation": (None, "", *NAMES)}


def Summary(c, dim: int, num_labels: int) -> dict:
    """Declares `summary`, a linear map to `num_labels` (`summary_proj_to_labels`) or `dim` scores, or nothing."""
    if not c.summary_use_proj:
        return {}
    return {"summary": Linear(dim, num_labels if c.summary_proj_to_labels else dim, "embed -")}


def summary(p, c, x, at=None, key=None):
    """x [..., S, D] -> [..., num_labels or D].

    Args:
      at: int [...], the position that "cls_index" takes; the last one when None.
      key: switches dropout on.
    """
    k_first, k_last = split(key, 2)
    if c.summary_type == "mean":
        x = x.mean(-2)
    elif c.summary_type == "cls_index" and at is not None:
        x = jnp.take_along_axis(x, at[..., None, None], -2).squeeze(-2)
    else:
        x = x[..., 0 if c.summary_type == "first" else -1, :]
    x = dropout(x, c.summary_first_dropout, k_first)
    x = linear(p["summary"], x) if "summary" in p else x
    x = activation(c.summary_activation, x) if c.summary_activation else x
    return dropout(x, getattr(c, "summary_last_dropout", 0.0), k_last)
