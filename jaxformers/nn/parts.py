"""Arrays of a pipeline cut into micro-batches and chunks of layers, and put together again.

Letters: B rows of a batch, M micro-batches, L layers, P stages, v chunks a stage.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.schedules import Schedule


def at(a, i, axis: int = 0):
    return jax.lax.dynamic_index_in_dim(a, i, axis, keepdims=False)


def cut(a, plan: Schedule, axis: int = 0):
    """[.., B, ..] -> [.., M, B / M, ..]. Neighbours go apart, so that rows split over devices stay where they are."""
    parts = a.reshape(*a.shape[:axis], -1, plan.microbatches, *a.shape[axis + 1 :])
    return parts.swapaxes(axis, axis + 1)


def joined(a, axis: int = 0, each: int = 1):
    """What `cut` did, undone; of rows that have `each` entries along the axis: [.., M, B / M * each, ..]."""
    parts = a.reshape(*a.shape[: axis + 1], -1, each, *a.shape[axis + 2 :]).swapaxes(axis, axis + 1)
    return parts.reshape(*a.shape[:axis], -1, *a.shape[axis + 2 :])


def grouped(a, plan: Schedule):
    """[L, ...] -> [v P, L / v P, ...]."""
    return a.reshape(plan.stages * plan.chunks, -1, *a.shape[1:])


def dealt(a, axis: str, plan: Schedule):
    """A stage's share of the layers in their order, [L / P, ...] -> its own chunks, [v, L / v P, ...]."""
    chunks = a.reshape(plan.chunks, -1, *a.shape[1:])
    if plan.chunks == 1:
        return chunks
    stage, out = jax.lax.axis_index(axis), jnp.zeros_like(chunks)
    for deal in plan.deals():
        got = jax.lax.ppermute(at(chunks, jnp.asarray(deal.take)[stage]), axis, deal.ways)
        out = jax.lax.dynamic_update_index_in_dim(out, got, jnp.asarray(deal.put)[stage], 0)
    return out


def ordered(a, stage, plan: Schedule):
    """What a stage reports in its ticks, [ticks, L / v P, ...] -> [v, L / v P, M, ...]."""
    a = jax.lax.dynamic_slice_in_dim(a, stage, plan.turns, 0)
    together = plan.stages if plan.chunks > 1 else plan.microbatches
    a = a.reshape(-1, plan.chunks, together, *a.shape[1:]).swapaxes(0, 1)  # [v, groups, P, layers, ...]
    return jnp.moveaxis(a.reshape(plan.chunks, -1, *a.shape[3:]), 1, 2)


def report(a, axis: int, each: int):
    """What all stages report, [P, v, L / v P, M, ...] -> [L, ...]."""
    a = a.swapaxes(0, 1)
    return joined(jnp.moveaxis(a.reshape(-1, *a.shape[3:]), 1, 1 + axis), 1 + axis, each)
