"""Mixtures of experts: a router picks a few experts a token, and no token is dropped.

https://arxiv.org/abs/1701.06538, https://arxiv.org/abs/2101.03961. A file holds each expert's tensors by themselves;
in memory they are one `Stack`, a tensor a projection with a leading axis of experts.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxformers.nn import exchange
from jaxformers.nn.device import platform
from jaxformers.nn.linear import linear
from jaxformers.spec import Stack, stack


def Experts(num: int, expert: dict) -> Stack:
    """Declares `num` (at least 2) experts like the declared tree `expert`, stacked."""

    def many(p):
        return dataclasses.replace(p, shape=(num, *p.shape), axes=("experts", *p.axes), stacked=(num, *p.stacked))

    return Stack(jax.tree.map(many, expert))


def choose(logits, count: int):
    """Each token's experts and their weights.

    Args:
      logits: the router's, [.., E].
      count: how many experts a token has.

    Returns:
      (weights float32 [.., count], which add up to 1; experts int32 [.., count]).
    """
    weights, chosen = jax.lax.top_k(jax.nn.softmax(logits.astype(jnp.float32), axis=-1), count)
    return weights / weights.sum(-1, keepdims=True), chosen


def choose_one(logits, capacity: int, dtype):
    """Each token's one expert, whose first `capacity` tokens of a row are read; what comes after is left out.

    Args:
      logits: the router's, [B, S, E].
      capacity: tokens of a row that an expert reads.
      dtype: of the weights.

    Returns:
      (weights [B, S], the expert's probability or 0 for a token left out; experts int32 [B, S], 0 for a token left
      out). https://arxiv.org/abs/2101.03961
    """
    probs = jax.nn.softmax(logits, axis=-1).astype(dtype)
    chosen = probs.argmax(-1).astype(jnp.int32)
    turn = jax.nn.one_hot(chosen, logits.shape[-1], dtype=jnp.int32).cumsum(-2)
    read = jnp.take_along_axis(turn, chosen[..., None], -1)[..., 0] <= capacity
    return jnp.where(read, probs.max(-1), 0), jnp.where(read, chosen, 0)


def mix(p, x, weights, chosen, expert: Callable, key=None):
    """The weighted sum of what each token's experts make of it.

    Over a mesh whose rules split "experts", tokens go to the devices that own theirs; see `nn.exchange`.

    Args:
      p: the experts' parameters, a `Stack` (or `Layers`, which are stacked here).
      x: [.., D], of rows [B, S, D] where they have rows.
      weights, chosen: [.., K], as `choose` gives them; a token's K experts differ.
      expert: `(params, x, linear) -> y`: one expert, with `linear(params, x)` for its linear layers.
      key: if given, `expert` takes it as a keyword, for noise; over a mesh that of one device differs from others'.

    Returns:
      [.., D], of x's dtype.
    """
    way = _one_by_one if platform() == "cpu" else _grouped
    p, weights = dict(stack(p)), weights.astype(x.dtype)
    own = exchange.owners(jax.tree.leaves(p)[0].shape[0], x.shape)
    if own is not None:
        return exchange.mix(own, way, p, x, weights, chosen, expert, key)
    expert = expert if key is None else functools.partial(expert, key=key)
    weights, chosen = (a.reshape(-1, a.shape[-1]) for a in (weights, chosen))
    return way(p, x.reshape(-1, x.shape[-1]), weights, chosen, expert).reshape(x.shape)


def _one_by_one(p, x, weights, chosen, expert):
    """Every expert reads every token. XLA's CPU grouped product would do as much, with E copies of the tokens."""
    num = jax.tree.leaves(p)[0].shape[0]

    def add(y, one):
        e, q = one
        share = jnp.where(chosen == e, weights, 0).sum(-1, keepdims=True)
        return y + share * expert(q, x, linear), None

    return jax.lax.scan(add, jnp.zeros_like(x), (jnp.arange(num), p))[0]


def _grouped(p, x, weights, chosen, expert):
    """Tokens sorted by expert, so that each expert reads its own only, in one product a projection."""
    num, count = jax.tree.leaves(p)[0].shape[0], chosen.shape[-1]
    order = jnp.argsort(chosen.reshape(-1), stable=True)
    sizes = jnp.bincount(chosen.reshape(-1), length=num).astype(jnp.int32)

    def product(q, x):
        y = jax.lax.ragged_dot_general(x, q["weight"], sizes, _ROWS)
        return y + jnp.repeat(q["bias"], sizes, axis=0, total_repeat_length=x.shape[0]) if "bias" in q else y

    y = expert(p, x[order // count], product)
    y = y[jnp.argsort(order)].reshape(*chosen.shape, -1)
    y = jnp.where((chosen < num)[..., None], y, 0)  # a token that is nobody's is in no group
    return (y * weights[..., None]).sum(-2)


# Rows [M, in] in groups, times weights [E, out, in].
_ROWS = jax.lax.RaggedDotDimensionNumbers(
    dot_dimension_numbers=(((1,), (2,)), ((), ())), lhs_ragged_dimensions=[0], rhs_group_dimensions=[0]
)


def balance_loss(logits, count: int, attention_mask=None):
    """How unevenly the routers use their experts: E * sum over experts of (share of tokens * mean probability).

    Args:
      logits: the routers', a tuple with [T, E] for each layer.
      count: how many experts a token has.
      attention_mask: [B, S] with B * S = T, nonzero at the tokens that count; all for None.

    Returns:
      float32 []; `count` where the use is even. https://arxiv.org/abs/2101.03961, equations 4 to 6
    """
    probs = jax.nn.softmax(jnp.stack(logits).astype(jnp.float32), axis=-1)
    num = probs.shape[-1]
    used = jax.nn.one_hot(jax.lax.top_k(probs, count)[1], num).sum(-2)
    real = jnp.ones(probs.shape[1]) if attention_mask is None else attention_mask.reshape(-1).astype(jnp.float32)
    total = real.sum() * len(logits)
    share, mean = (jnp.einsum("lte,t->e", z, real) / total for z in (used, probs))
    return num * (share * mean).sum()


def row_balance_loss(logits, chosen):
    """`balance_loss` of routers that give a token one expert, row by row; float32 [].

    Args:
      logits: [B, T, E], the routers' for the tokens of a row in every layer.
      chosen: int [B, T], the experts that they chose.
    """
    num = logits.shape[-1]
    share = jax.nn.one_hot(chosen, num).mean(-2)
    return (share * jax.nn.softmax(logits.astype(jnp.float32), axis=-1).mean(-2)).mean() * num**2


def z_loss(logits):
    """How large the routers' scores [..., E] are: the mean squared log-sum-exp. https://arxiv.org/abs/2202.08906"""
    return (jax.nn.logsumexp(logits.astype(jnp.float32), axis=-1) ** 2).mean()
