"""`plan`: a sharding for every declared parameter, as data."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxformers.errors import JaxformersError
from jaxformers.sharding.rules import Rules, resolve
from jaxformers.spec import Param, label, map_named, paths


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where a tree of parameters goes.

    `shardings` is a tree like the declared one; `notes` says, for every axis that a rule wanted to split and that
    stayed whole, which parameter, which axis and why, and which of your own rules name no axis at all.
    """

    shardings: Any
    notes: tuple[str, ...]


def plan(tree: Any, mesh: Mesh, rules: str | Rules | None = None) -> Plan:
    """Shardings for a tree of `Param` on a mesh.

    Args:
      tree: a tree of `Param`, list or stacked.
      mesh: the devices; its axis names are what the rules name.
      rules: a preset's name or `{logical axis: mesh axis, or several, or None}`.

    Raises:
      JaxformersError: a rule names a mesh axis that the mesh lacks.
    """
    table = resolve(rules)
    wanted = {a for v in table.values() for a in ([v] if isinstance(v, str) else v or ())}
    unknown = sorted(wanted - set(mesh.axis_names))
    if unknown and not isinstance(rules, str):
        raise JaxformersError(
            "rules", [f"mesh axis {a!r} must be one of the mesh's {mesh.axis_names}" for a in unknown]
        )
    if unknown and len(unknown) == len(wanted):
        problem = f"preset {rules!r} needs a mesh axis named {' or '.join(unknown)}, the mesh has {mesh.axis_names}"
        raise JaxformersError("rules", [problem])
    axes = {a for _, p in paths(tree) for a in p.axes}
    stray = [] if isinstance(rules, str) else [a for a in table if a not in axes]
    notes = [f"rule {a!r}: no parameter has this axis; they have {', '.join(sorted(axes))}" for a in stray]
    shardings = map_named(lambda path, p: NamedSharding(mesh, _spec(label(path), p, mesh, table, notes)), tree)
    return Plan(shardings, tuple(notes))


def _spec(name: str, p: Param, mesh: Mesh, table: Rules, notes: list[str]) -> PartitionSpec:
    used: set[str] = set()
    parts: list[Any] = []
    for axis, size in zip(p.axes, p.shape, strict=True):
        to = table.get(axis)
        over = [a for a in ([to] if isinstance(to, str) else to or ()) if a in mesh.axis_names]
        ways = math.prod(mesh.shape[a] for a in over)
        if over and size % ways:
            notes.append(f"{name}: axis {axis!r} of {size} does not divide by {ways} ({', '.join(over)}); kept whole")
            over = []
        if used & set(over):
            notes.append(f"{name}: axis {axis!r} wants {', '.join(over)}, already used by another axis; kept whole")
            over = []
        used |= set(over)
        parts.append(tuple(over) if len(over) > 1 else over[0] if over else None)
    while parts and parts[-1] is None:  # as XLA spells its outputs: a step's new params then compare equal to its old
        parts.pop()
    return PartitionSpec(*parts)
