"""Relative position bias: a learnt score per head for every bucket of distances, added to the attention scores.

T5, https://arxiv.org/abs/1910.10683, section 2.1: near distances have a bucket each, far ones share buckets that widen
with their logarithm, and everything beyond `max_distance` falls into the last.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np

from jaxformers.nn.linear import Embedding, embed


def RelativeBias(buckets: int, heads: int, init=None) -> dict:
    """Declares the table `weight` [buckets, heads]."""
    return Embedding(buckets, heads, "- heads", init)


@functools.cache
def _bucket_of_distance(buckets: int, max_distance: int) -> np.ndarray:
    """int32 [max_distance + 1]: the bucket of every distance. float32, as the trained models' own log was."""
    exact = buckets // 2
    distance = np.arange(max_distance + 1)
    steps = np.log(np.maximum(distance, 1).astype(np.float32) / np.float32(exact))
    steps = steps / np.float32(math.log(max_distance / exact)) * np.float32(buckets - exact)
    far = np.minimum(exact + steps.astype(np.int32), buckets - 1)
    return np.where(distance < exact, distance, far).astype(np.int32)


def relative_buckets(distance, buckets: int, max_distance: int, bidirectional: bool):
    """distance int [...] (key position - query position) -> bucket int [...] in [0, buckets).

    Bidirectional: the upper half of the buckets is for keys after the query. Else those share bucket 0.
    """
    half = buckets // 2 if bidirectional else buckets
    back = jnp.abs(distance) if bidirectional else jnp.maximum(-distance, 0)
    near = jnp.asarray(_bucket_of_distance(half, max_distance))[jnp.minimum(back, max_distance)]
    return near + half * (distance > 0) if bidirectional else near


def relative_bias(p, queries: int, keys: int, *, max_distance: int, bidirectional: bool, offset=0):
    """Scores [1, N, queries, keys] to add before the softmax.

    Args:
      p: the table, [buckets, N].
      queries, keys: their numbers; query s stands at position s + offset, key t at position t.
      max_distance: distances beyond it share one bucket; must be more than the number of buckets with one distance.
      bidirectional: tell keys before the query from keys after it (encoders).
      offset: position of the first query, an int or int32 [] (the cache's index).
    """
    distance = jnp.arange(keys)[None, :] - jnp.arange(queries)[:, None] - offset
    buckets = relative_buckets(distance, p["weight"].shape[0], max_distance, bidirectional)
    return jnp.moveaxis(embed(p, buckets), -1, 0)[None]
