"""Attention over a mesh: each device computes the rows, heads and queries that lie with it, under `shard_map`.

XLA splits most kernels by itself. It can not split a Pallas kernel, and of positions that are split it would gather
more than it needs: queries stay where they are, keys and values come to them. They are gathered here; `nn.ring` lets
them go round.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from jaxformers import context, sharding
from jaxformers.nn import ring, splash, zigzag
from jaxformers.nn.device import free_mesh
from jaxformers.nn.mask import Band


@dataclasses.dataclass(frozen=True)
class Split:
    """The mesh axes over which queries [B, S, N, H] go: those of rows, of positions and of heads; () for none.

    `free` are all axes that no `shard_map` around has taken.
    """

    mesh: Any
    free: tuple[str, ...]
    rows: tuple[str, ...]
    positions: tuple[str, ...]
    heads: tuple[str, ...]

    def run(self, f: Callable, inputs, outputs) -> Callable:
        """f of what each device has; every free axis is taken, as Pallas kernels need."""
        names = frozenset(self.free)
        return jax.shard_map(f, mesh=self.mesh, in_specs=inputs, out_specs=outputs, axis_names=names, check_vma=False)

    def ways(self, axes: tuple[str, ...]) -> int:
        """Over how many devices these axes go."""
        return math.prod(self.mesh.shape[a] for a in axes)

    @property
    def queries(self) -> PartitionSpec:
        return PartitionSpec(self.rows, self.positions, self.heads)

    def scores(self, x) -> PartitionSpec:
        """Of what is broadcast to scores [B, N, S, T]; keys are whole."""
        axes = (self.rows, self.heads, self.positions, None)[4 - x.ndim :]
        return PartitionSpec(*(None if size == 1 else a for a, size in zip(axes, x.shape, strict=True)))

    def mask(self, mask) -> Any:
        """Of a mask as `attend` takes it."""
        if not isinstance(mask, Band):
            return None if mask is None else self.scores(mask)
        rest = [None if x is None else self.scores(x) for x in (mask.valid, mask.also)]
        return Band(PartitionSpec(self.positions), PartitionSpec(), rest[0], mask.window, mask.ahead, rest[1])


def of(q) -> Split | None:
    """How the run context's rules split queries; None where no mesh does, or all its axes are taken already."""
    mesh, free = free_mesh()
    if mesh is None or math.prod(free.shape.values()) == 1:
        return None
    found = sharding.partition(("batch", "sequence", "heads", "-"), q.shape, free, context.current().rules)
    parts = [sharding.rules.over(part) for part in (*found, None, None, None)]
    return Split(mesh, free.axis_names, *(tuple(a for a in part if mesh.shape[a] > 1) for part in parts[:3]))


def attend(split: Split, kernel: str, compute: Callable, q, k, v, mask, bias, sinks, weights: bool, scale, cap):
    """Attention as `nn.attend` returns it, each device computing its own share.

    Args:
      split: what lies where.
      kernel: "splash", or another one, that `compute` runs.
      compute: `(q, k, v, mask, bias, sinks) -> (y, weights or None)`, on one device's queries and the keys they see.
    """
    if isinstance(mask, Band) and not mask.is_static():
        mask = mask.array()
    k, v = (_every_device_a_head(x, split.ways(split.heads)) for x in (k, v))
    turned = _may_turn(split, q, k, mask)
    if bias is None and not weights and _round(split, k, mask, cap):
        return _by_ring(split, q, k, v, mask, sinks, scale, cap, turned), None
    turned &= bias is None and kernel in ("splash", "chunked")  # the others skip nothing
    keys_split = k.shape[1] % split.ways(split.positions) == 0
    seen = split.queries if keys_split else PartitionSpec(split.rows, None, split.heads)
    if kernel == "splash":
        parts, specs = _splash(split, q, mask, cap, turned)
    else:
        parts, specs = _arrays(split, mask, bias, sinks)

    def one(q, k, v, parts):
        if keys_split and split.positions:
            k, v = (jax.lax.all_gather(x, split.positions, axis=1, tiled=True) for x in (k, v))
        if turned:
            q, parts = _turn(split, q, parts)
        if kernel == "splash":
            y, probs = splash.run(parts["kernel"], q, k, v, parts["own"], parts["valid"], scale), None
        else:
            y, probs = compute(q, k, v, **parts)
        return (zigzag.back(y, split.positions, 1) if turned else y), probs

    out = split.queries, (PartitionSpec(split.rows, split.heads, split.positions) if weights else None)
    return split.run(one, (split.queries, seen, seen, specs), out)(q, k, v, parts)


# From so many keys on they go round instead of being gathered: 0.5 GiB a row and layer at 8 heads of 128, in bfloat16.
FAR = 131_072


def _round(split: Split, k, mask, cap) -> bool:
    """Do keys go round? They do if that is asked for, or they are many, and it can be computed."""
    form = context.current().context
    ways = split.ways(split.positions)
    if ways == 1 or k.shape[1] % ways or not isinstance(cap, float | int | None):
        return False
    rows = (mask.valid, mask.also) if isinstance(mask, Band) else (mask,)
    known = all(x is None or (x.ndim == 4 and x.shape[2] == 1) for x in rows)
    return known and (form == "ring" or (form == "auto" and k.shape[1] >= FAR))


def _by_ring(split: Split, q, k, v, mask, sinks, scale, cap, turned: bool):
    parts, specs = _arrays(split, mask, None, sinks)
    if isinstance(mask, Band):
        specs["mask"] = dataclasses.replace(specs["mask"], queries=PartitionSpec())

    def one(q, k, v, parts):
        return ring.attend(q, k, v, parts["mask"], parts["sinks"], scale, cap, split.positions, turned)

    return split.run(one, (*[split.queries] * 3, specs), split.queries)(q, k, v, parts)


def _arrays(split: Split, mask, bias, sinks):
    """What scores are changed by, and how it lies: keys are whole."""
    specs = {
        "mask": split.mask(mask),
        "bias": None if bias is None else split.scores(bias),
        "sinks": None if sinks is None else PartitionSpec(split.heads),
    }
    return {"mask": mask, "bias": bias, "sinks": sinks}, specs


def _every_device_a_head(x, ways: int):
    """Keys or values [B, T, K, H] with heads repeated until they divide by the devices that queries' heads go over."""
    times = math.lcm(x.shape[2], ways) // x.shape[2]
    return x if times == 1 else jnp.repeat(x, times, axis=2)


def _may_turn(split: Split, q, k, mask) -> bool:
    """Is it a causal text, whose devices would have unequal shares, in halves that can be dealt?"""
    if not (split.positions and isinstance(mask, Band) and mask.ahead == 0 and q.shape[1] == k.shape[1]):
        return False
    rows = mask.valid is None or mask.valid.shape[2] == 1
    return rows and q.shape[1] % (2 * split.ways(split.positions)) == 0


def _turn(split: Split, q, parts):
    """Queries, and what goes along with them, dealt as `zigzag` says."""
    if "own" in parts:
        own = None if parts["own"] is None else zigzag.deal(parts["own"], split.positions, 1)
        parts = {**parts, "own": own}
    else:
        positions = zigzag.deal(parts["mask"].queries, split.positions, 0)
        parts = {**parts, "mask": dataclasses.replace(parts["mask"], queries=positions)}
    return zigzag.deal(q, split.positions, 1), parts


def _splash(split: Split, q, mask, cap, turned: bool):
    """The kernel and the rows of padding for queries and keys, and how they lie."""
    rows, length, heads, _ = q.shape
    ways = split.ways(split.positions)
    kernel = splash.kernel(mask, length, heads // split.ways(split.heads), cap, ways, turned)
    valid = splash.rows(mask, rows, length)
    parts = {"kernel": kernel, "own": valid, "valid": valid}
    specs = {
        "kernel": splash.lies(kernel, split.mesh, split.positions),
        "own": None if valid is None else PartitionSpec(split.rows, split.positions),
        "valid": None if valid is None else PartitionSpec(split.rows),
    }
    return parts, specs
