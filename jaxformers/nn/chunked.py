"""Attention in chunks with an online softmax: scores of one block at a time, so memory grows with S + T, not S * T.

Paper: https://arxiv.org/abs/2112.05682. Blocks that a causal mask or a window leaves empty are not computed.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp

from jaxformers.nn.dropout import dropout
from jaxformers.nn.mask import Band

CHUNK = 256  # queries, and keys, of a block: twice as fast as 512 and 1024 on a CPU, whose cache holds its scores
LOWEST = jnp.finfo(jnp.float32).min


def chunked(
    q,
    k,
    v,
    mask=None,
    bias=None,
    scale: float = 1.0,
    cap=None,
    rate: float = 0.0,
    key=None,
    sinks=None,
    chunk: int = CHUNK,
):
    """softmax(scale * q k^T + bias) v of q [B, S, N, H], k [B, T, K, H] and v [B, T, K, Hv]: [B, S, N, Hv].

    Arguments are those of `nn.attend`. A mask or bias that is an array of S x T is as large as the scores would be:
    memory grows linearly with masks that are `Band`, or one row [B, 1, 1, T], or None. The backward pass computes
    the blocks again.
    """
    rows, length, heads, _ = q.shape
    keys = k.shape[1]
    cut = Cut(min(chunk, length), min(chunk, keys), length, keys)
    q = cut.pad(q * scale, 1, cut.queries)
    k, v = cut.pad(k, 1, cut.keys), cut.pad(v, 1, cut.keys)
    mask, bias = cut.pad_scores(mask), cut.pad_scores(bias)
    blocks = jnp.arange(k.shape[1] // cut.keys)
    top = LOWEST if sinks is None else sinks.astype(jnp.float32)[:, None]  # a sink is the first score that is seen

    @jax.checkpoint
    def attend(i):
        part = functools.partial(see_block, cut, q, k, v, mask, bias, cap, rate, key, i)
        start = (
            jnp.broadcast_to(top, (rows, heads, cut.queries)),
            jnp.full((rows, heads, cut.queries), 0.0 if sinks is None else 1.0),
            jnp.zeros((rows, heads, cut.queries, v.shape[-1]), jnp.float32),
        )
        (_, total, out), _ = jax.lax.scan(lambda carry, j: (part(j, carry), None), start, blocks)
        total = jnp.where(total == 0, 1, total)  # of queries whose every block was left out
        return (out / total[..., None]).astype(v.dtype).swapaxes(1, 2)

    out = jax.lax.map(attend, jnp.arange(q.shape[1] // cut.queries))  # [S / chunk, B, chunk, N, H]
    return out.swapaxes(0, 1).reshape(rows, -1, *out.shape[3:])[:, :length]


def score(own, seen, cap):
    """float32 [B, N, S, T] of queries [B, S, K, N / K, H], already scaled, and keys [B, T, K, H]."""
    scores = jnp.einsum("bskgh,btkh->bkgst", own, seen, preferred_element_type=jnp.float32)
    scores = scores.reshape(own.shape[0], own.shape[2] * own.shape[3], own.shape[1], -1)
    return scores if cap is None else cap * jnp.tanh(scores / cap)


def see_block(cut, q, k, v, mask, bias, cap, rate, key, i, j, carry):
    """The carry (highest score, sum and weighted values so far) after query block i has seen key block j."""

    def see(carry):
        top, total, out = carry
        own, seen, values = cut.rows(q, i, cut.queries), cut.rows(k, j, cut.keys), cut.rows(v, j, cut.keys)
        shared = (*own.shape[:2], k.shape[2], -1, own.shape[-1])  # the queries by the key head that they share
        scores = score(own.reshape(shared), seen, cap)
        if bias is not None:
            scores = scores + cut.block(bias, i, j)
        if mask is not None:
            scores = jnp.where(cut.block(mask, i, j), scores, LOWEST)
        scores = jnp.where(cut.real(j), scores, -jnp.inf)
        new = jnp.maximum(top, scores.max(-1))
        weights, kept = jnp.exp(scores - new[..., None]), jnp.exp(top - new)
        total = total * kept + weights.sum(-1)
        noise = None if key is None else jax.random.fold_in(jax.random.fold_in(key, i), j)
        weights = dropout(weights.astype(v.dtype), rate, noise)
        weights = weights.reshape(*weights.shape[:1], k.shape[2], -1, *weights.shape[2:])
        more = jnp.einsum("bkgst,btkh->bkgsh", weights, values, preferred_element_type=jnp.float32)
        return new, total, out * kept[..., None] + more.reshape(out.shape)

    if isinstance(mask, Band):
        return jax.lax.cond(cut.cut_band(mask, i, j).any_seen(), see, lambda carry: carry, carry)
    return see(carry)


class Cut:
    """How S queries and T keys are cut into blocks of so many `queries` and `keys`, the last ones padded."""

    def __init__(self, queries: int, keys: int, length: int, width: int):
        self.queries, self.keys, self.length, self.width = queries, keys, length, width

    def pad(self, x, axis: int, size: int):
        pads = [(0, 0)] * x.ndim
        pads[axis] = (0, -x.shape[axis] % size)
        return jnp.pad(x, pads, mode="edge") if pads[axis][1] else x

    def pad_scores(self, x):
        """A mask or bias [.., S|1, T|1], padded to whole blocks where it is as long as the queries or keys."""
        if x is None:
            return None
        if isinstance(x, Band):
            own, seen = self.pad(x.queries, 0, self.queries), self.pad(x.keys, 0, self.keys)
            rest = {"valid": self.pad_scores(x.valid), "also": self.pad_scores(x.also)}
            return dataclasses.replace(x, queries=own, keys=seen, **rest)
        x = self.pad(x, x.ndim - 2, self.queries) if x.shape[-2] == self.length else x
        return self.pad(x, x.ndim - 1, self.keys) if x.shape[-1] == self.width else x

    @staticmethod
    def rows(x, i, size: int, axis: int = 1):
        return jax.lax.dynamic_slice_in_dim(x, i * size, size, axis)

    def block(self, x, i, j):
        """Block (i, j) of a padded mask or bias."""
        if isinstance(x, Band):
            return self.cut_band(x, i, j).array()
        x = self.rows(x, i, self.queries, x.ndim - 2) if x.shape[-2] > 1 else x
        return self.rows(x, j, self.keys, x.ndim - 1) if x.shape[-1] > 1 else x

    def cut_band(self, mask: Band, i, j) -> Band:
        valid, also = (None if x is None else self.block(x, i, j) for x in (mask.valid, mask.also))
        own, seen = self.rows(mask.queries, i, self.queries, 0), self.rows(mask.keys, j, self.keys, 0)
        return dataclasses.replace(mask, queries=own, keys=seen, valid=valid, also=also)

    def real(self, j):
        """bool [keys]: which keys of block j are not padding of the last block."""
        return j * self.keys + jnp.arange(self.keys) < self.width
