"""Pipelines: `nn.fold` over stages that hold some of the layers each, one micro-batch after the other.

One loop in one program, under `shard_map` over the stages; other mesh axes stay XLA's to split over. See `schedules`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from jaxformers import context
from jaxformers.errors import InputError
from jaxformers.nn import closures, parts, sums
from jaxformers.nn.device import free_mesh
from jaxformers.nn.schedules import Schedule
from jaxformers.sharding.rules import over
from jaxformers.spec import Stack


def _all_but_slices(primitive, *_, **__) -> bool:
    """A policy for `jax.checkpoint`: of a layer's parameters there would otherwise be a copy for each tick."""
    return primitive.name not in ("dynamic_slice", "squeeze")


@dataclasses.dataclass(frozen=True)
class Pipe:
    """Where a pipeline runs: the mesh axis of its stages, the axes that split nothing but rows, and the schedule."""

    mesh: Any
    axis: str
    rows: tuple[str, ...]
    schedule: Schedule

    @property
    def ways(self) -> int:
        """Over how many devices the rows of a micro-batch go."""
        return math.prod(self.mesh.shape[a] for a in self.rows)


def planned() -> Pipe | None:
    """The pipeline that the run context asks for, or None."""
    run, (mesh, free) = context.current(), free_mesh()
    if run.microbatches is None or mesh is None:
        return None
    axes = [a for a in run.stages() if free.shape.get(a, 1) > 1]
    if len(axes) > 1:
        raise InputError("pipeline", [f"rules must split layers over one mesh axis, got {', '.join(axes)}"])
    chunks = run.chunks if run.schedule == "interleaved" else 1
    tables = [run.rules.axes, *run.rules.paths.values()]
    others = {a for table in tables for name, to in table.items() if name != "batch" for a in over(to)}
    rows = tuple(a for a in over(run.rules.axes.get("batch")) if free.shape.get(a, 1) > 1 and a not in others)
    return Pipe(mesh, axes[0], rows, Schedule(free.shape[axes[0]], run.microbatches, chunks)) if axes else None


def run(pipe: Pipe, f: Callable, stack: Stack, x, each: dict, *, checkpointed: Callable, unroll: bool):
    """A stack of layers as a pipeline.

    What the layers close over is cut into micro-batches too where it has rows (see `closures`); a `key` differs from
    one micro-batch to the next. What they report is put together as if the batch had been whole.

    Args:
      pipe: as `planned` gives it.
      f, stack, x, each: as `nn.fold` takes them.
      checkpointed: what a function of a layer becomes for the backward pass to keep less; applied to chunks.
      unroll: write the loop over the layers of a chunk out.

    Returns:
      x after the last layer, and the reports as a `Stack`.

    Raises:
      InputError: sizes that do not divide, a cache, or layers that can not be run on a part of a batch.
    """
    plan = pipe.schedule
    batch = _check(plan, stack, x, each)
    while batch // plan.microbatches % pipe.ways:  # as everywhere, rows that do not divide stay together
        pipe = dataclasses.replace(pipe, rows=pipe.rows[:-1])
    layer = _Layer(f, dict(stack), x, each)
    depth = len(layer.beside)
    cut = [parts.cut(a, plan) if rows else a for a, rows in zip(layer.beside, layer.rows, strict=False)]
    own = [parts.cut(a, plan, 1) if rows else a for a, rows in zip(layer.each, layer.rows[depth:], strict=True)]
    if plan.chunks > 1:
        own = [parts.grouped(a, plan)[plan.by_stage()].reshape(a.shape) for a in own]
    given = dict(stack), own, cut, jax.tree.map(lambda a: parts.cut(a, plan), x)
    split, rows = PartitionSpec(pipe.axis), PartitionSpec(None, pipe.rows)
    specs = (
        split,
        [PartitionSpec(pipe.axis, None, pipe.rows) if r else split for r in layer.rows[depth:]],
        [rows if r else PartitionSpec() for r in layer.rows[:depth]],
        rows,
    )
    out = (
        PartitionSpec(pipe.axis, None, pipe.rows),
        [PartitionSpec(pipe.axis, *[None] * (3 + at), pipe.rows) for at, _ in layer.reports],
    )
    program = jax.shard_map(
        _staged(pipe, layer, checkpointed, unroll),
        mesh=pipe.mesh,
        in_specs=specs,
        out_specs=out,
        axis_names={pipe.axis, *pipe.rows},
        check_vma=False,
    )
    with context.running(microbatches=None):
        ys, reports = jax.jit(program)(*given)
    reports = [parts.report(a, *where) for a, where in zip(reports, layer.reports, strict=True)]
    return jax.tree.map(lambda a: parts.joined(a[-1]), ys), Stack(jax.tree.unflatten(layer.form, reports))


def _staged(pipe: Pipe, layer: _Layer, checkpointed: Callable, unroll: bool):
    """What each stage computes, inside `shard_map`."""
    plan = pipe.schedule

    def compute(layers, x, *, own, beside, turn):
        """A stage's chunk for one micro-batch."""
        which, chunk = plan.work(turn)
        part = which * pipe.ways + (jax.lax.axis_index(pipe.rows) if pipe.rows else 0)
        beside, own = layer.micro(beside, [parts.at(a, chunk) for a in own], which, part)
        layers = jax.tree.map(lambda a: a[0] if plan.chunks == 1 else parts.at(a, chunk), layers)
        layers = sums.read(layers, layer.params)
        return jax.lax.scan(lambda x, xs: layer(beside, *xs, x), x, (layers, own), unroll=unroll or 1)

    def staged(layers, own, beside, x):
        stage = jax.lax.axis_index(pipe.axis)
        layers = sums.opened(jax.tree.map(lambda a: parts.dealt(a, pipe.axis, plan), layers))
        own = [a.reshape(plan.chunks, -1, *a.shape[1:]) for a in own]
        ring = [(i, (i + 1) % plan.stages) for i in range(plan.stages - (plan.chunks == 1))]
        chunk_of = checkpointed(compute)
        if chunk_of is compute:
            chunk_of = jax.checkpoint(compute, policy=_all_but_slices, prevent_cse=False)

        def tick(carry, now):
            (given, out), turn = carry, now - stage
            which, chunk = plan.work(turn)
            # In an idle turn as well: what nobody reads must not become a NaN, whose gradient would be one, not 0.
            fresh = (turn < 0) | (turn >= plan.turns) | ((stage == 0) & (chunk == 0))
            given = jax.tree.map(lambda a, b: jnp.where(fresh, parts.at(a, which), b), x, given)
            y, report = chunk_of(layers, given, own=own, beside=beside, turn=turn)
            # Of what lies here only the last stage's is read, where the last chunk overwrites those before it.
            out = jax.tree.map(lambda a, b: jax.lax.dynamic_update_index_in_dim(a, b, which, 0), out, y)
            return (jax.tree.map(lambda a: jax.lax.ppermute(a, pipe.axis, ring), y), out), jax.tree.leaves(report)

        start = jax.tree.map(lambda a: jnp.zeros_like(a[0]), x), jax.tree.map(jnp.zeros_like, x)
        (_, out), reports = jax.lax.scan(tick, start, jnp.arange(plan.ticks))
        return jax.tree.map(lambda a: a[None], (out, [parts.ordered(a, stage, plan) for a in reports]))

    return staged


def _check(plan: Schedule, stack: Stack, x, each: dict) -> int:
    """Refuses what can not be a pipeline; returns the rows of the batch."""
    depth, batches = jax.tree.leaves(stack)[0].shape[0], {a.shape[:1] for a in jax.tree.leaves(x)}
    pieces, problems = plan.stages * plan.chunks, []
    if each.get("cache") is not None:
        problems.append("microbatches must be None for a call with a cache: decoding is no pipeline")
    if depth % pieces:
        spelt = f"{plan.stages} stages" + (f" of {plan.chunks} chunks" if plan.chunks > 1 else "")
        problems.append(f"{depth} layers must divide by {pieces}, for {spelt}")
    if len(batches) != 1 or batches == {()}:
        problems.append(f"all activations must have the rows of the batch first, got {sorted(batches)}")
        raise InputError("pipeline", problems)
    batch = batches.pop()[0]
    if batch % plan.microbatches:
        problems.append(f"microbatches must divide the batch of {batch}, got {plan.microbatches}")
    if plan.chunks > 1 and plan.microbatches % plan.stages:
        rule = f"a multiple of the {plan.stages} stages to be interleaved"
        problems.append(f"microbatches must be {rule}, got {plan.microbatches}")
    if problems:
        raise InputError("pipeline", problems)
    return batch


class _Layer:
    """A layer as a function of everything that it reads: `layer(beside, params, each, x) -> (x, report)`.

    Attributes:
      beside, each: the arrays that it closes over, and those of its per-layer inputs, with their axis of layers.
      params: shapes of its parameters.
      rows: which of both have rows, once that axis is off.
      reports, form: what it reports, as `closures.Rows` has it.
    """

    def __init__(self, f: Callable, stack: dict, x, each: dict):
        self.beside, self.remade = closures.captured(f, jax.tree.leaves(x)[0].shape[0])
        self.each, self.names = jax.tree.flatten(each)
        self.params, one = jax.eval_shape(lambda tree: jax.tree.map(lambda a: a[0], tree), (stack, self.each))
        depth = len(self.beside)
        found = closures.rows(
            lambda read, x, p: self(read[:depth], p, read[depth:], x), [*self.beside, *one], x, self.params
        )
        self.rows, self.reports, self.form = found.given, found.reports, found.form

    def __call__(self, beside: list, params, each: list, x):
        return self.remade(beside)(params, x, **jax.tree.unflatten(self.names, each))

    def micro(self, beside: list, each: list, which, part):
        """What one micro-batch reads; `each` has an axis of layers, and `part` is the number of its rows here."""
        beside = [parts.at(a, which) if r else a for a, r in zip(beside, self.rows, strict=False)]
        each = [parts.at(a, which, 1) if r else a for a, r in zip(each, self.rows[len(beside) :], strict=True)]
        named = jax.tree.unflatten(self.names, each)
        if named.get("key") is not None:
            named["key"] = jax.vmap(jax.random.fold_in, (0, None))(named["key"], part)
        return beside, jax.tree.leaves(named)
