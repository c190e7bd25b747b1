"""`plan`: a sharding for every declared parameter, as data."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxformers.errors import JaxformersError, nearest
from jaxformers.sharding.rules import ACTIVATIONS, PARAMETERS, PRESETS, Rules, Table, over, resolve
from jaxformers.spec import Param, in_file_order, label, map_named, names, paths


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where a tree of parameters goes.

    Args:
      shardings: a tree like the declared one.
      notes: for every axis that a rule wanted to split and that stayed whole, which parameter, which axis and why;
        which of your own rules name no axis at all; and what "auto" chose.
      declared: the tree of `Param`.
      mesh, rules: what the plan was made from.

    `print(plan)` shows it as a table; `plan.draw()` draws which device holds what.
    """

    shardings: Any
    notes: tuple[str, ...]
    declared: Any = None
    mesh: Any = None
    rules: Rules = PRESETS["replicated"]

    @property
    def gradients(self) -> Any:
        """Shardings of the gradients, a tree like the declared one."""
        return self._others(self.rules.for_gradients())

    @property
    def optimizer(self) -> Any:
        """Shardings of what an optimizer keeps for each parameter, a tree like the declared one."""
        return self._others(self.rules.for_optimizer())

    def _others(self, rules: Rules) -> Any:
        return self.shardings if rules is self.rules else _shardings(self.declared, self.mesh, rules, [])

    def to(self, memory: str) -> Plan:
        """The same plan in another kind of memory: "pinned_host" keeps parameters on the host, "device" brings them.

        In a jitted step, `jax.device_put(params, plan.shardings)` fetches what lies in the host's memory.

        Raises:
          JaxformersError: the devices have no such memory.
        """
        kinds = [m.kind for m in self.mesh.devices.flat[0].addressable_memories()]
        if memory not in kinds:
            raise JaxformersError("plan.to", [f"memory must be one of {', '.join(kinds)}, got {memory!r}"])
        moved = jax.tree.map(lambda s: s.with_memory_kind(memory), self.shardings)
        return dataclasses.replace(self, shardings=moved)

    def batch(self, ndim: int = 2) -> NamedSharding:
        """The sharding of an input [B, S, ...] of so many dimensions: rows over devices, positions whole."""
        where = partition(("batch",) + ("-",) * (ndim - 1), None, self.mesh, self.rules)
        return NamedSharding(self.mesh, where)

    def ways(self) -> int:
        """Over how many devices rows of a batch go."""
        axes = over(self.rules.axes.get("batch"))
        return math.prod(self.mesh.shape[a] for a in axes if a in self.mesh.axis_names)

    def bytes(self, itemsize: int = 4) -> int:
        """Bytes of the parameters on one device, at so many bytes each."""
        return sum(math.prod(s.shard_shape(p.shape)) * itemsize for _, p, s in self.each())

    def each(self, shardings: Any = None) -> Iterator[tuple[Any, Param, NamedSharding]]:
        """(path, declared parameter, sharding) of every parameter; `shardings` may be `gradients` or `optimizer`."""
        placed = in_file_order(self.declared, self.shardings if shardings is None else shardings)
        return ((path, p, s) for (path, p), s in zip(paths(self.declared), placed, strict=True))

    def __str__(self) -> str:
        from jaxformers.sharding import show

        return show.table(self)

    def draw(self, name: str = "") -> None:
        """Draws which device holds what, in a terminal or a notebook.

        Args:
          name: a parameter's name, for its blocks; "" for all parameters and each device's share of the bytes.

        Raises:
          JaxformersError: no parameter has this name, or rich is not installed.
        """
        from jaxformers.sharding import show

        show.draw(self, name)


def plan(tree: Any, mesh: Mesh, rules: Any = None, **budget: Any) -> Plan:
    """Shardings for a tree of `Param` on a mesh.

    Args:
      tree: a tree of `Param`, list or stacked.
      mesh: the devices; its axis names are what the rules name.
      rules: a preset's name ("fsdp"), several joined ("fsdp+tensor"), `{logical axis: mesh axis, or several, or
        None}`, `Rules`, or "auto": the plainest preset whose share of the parameters fits into a device.
      budget: how "auto" counts; see `sharding.choose`.

    Raises:
      JaxformersError: a rule names a mesh axis that the mesh lacks, a logical axis that there is not, or one mesh axis
        twice; "auto" finds nothing that fits.
    """
    notes: list[str] = []
    if isinstance(rules, str) and rules == "auto":
        from jaxformers.sharding.choose import choose

        rules, why = choose(tree, mesh, **budget)
        notes.append(why)
    elif budget:
        raise JaxformersError("plan", [f"{', '.join(budget)} only tells how 'auto' counts; rules are {rules!r}"])
    resolved = on_mesh(rules, mesh)
    notes += _check(tree, mesh, rules, resolved)
    shardings = _shardings(tree, mesh, resolved, notes)
    return Plan(shardings, tuple(notes), tree, mesh, resolved)


def on_mesh(given: Any, mesh: Mesh) -> Rules:
    """`resolve(given)` for a mesh: axes that presets name and the mesh lacks are left out.

    Raises:
      JaxformersError: your own rules name an axis that the mesh lacks.
    """
    rules = resolve(given)
    if isinstance(given, str | None):
        return rules.only(mesh.axis_names)
    wanted = {a for table in rules.tables() for to in table.values() for a in over(to)}
    unknown = sorted(wanted - set(mesh.axis_names))
    if unknown:
        problems = [f"mesh axis {a!r} must be one of the mesh's {mesh.axis_names}" for a in unknown]
        raise JaxformersError("rules", problems)
    return rules


def _check(tree: Any, mesh: Mesh, given: Any, rules: Rules) -> list[str]:
    """Refuses rules that can not be meant; returns notes on those that name nothing here."""
    preset = isinstance(given, str | None)
    every = resolve(given).tables() if preset else []
    needed = {a for table in every for axis, to in table.items() if axis != "batch" for a in over(to)}
    if needed and not needed & set(mesh.axis_names):
        problem = f"preset {given!r} needs a mesh axis named {' or '.join(sorted(needed))}"
        raise JaxformersError("rules", [f"{problem}, the mesh has {mesh.axis_names}"])
    twice = [
        f"axis {axis!r} must go over a mesh axis once, got {to!r}"
        for table in rules.tables()
        for axis, to in table.items()
        if len(set(over(to))) != len(over(to))
    ]
    if twice:
        raise JaxformersError("rules", twice)
    if preset:
        return []
    axes = {a for _, p in paths(tree) for a in p.axes}
    mine = {axis for table in rules.tables() for axis in table}
    known = sorted(axes | {*PARAMETERS, *ACTIVATIONS} - {"-"})
    stray = sorted(mine - set(known))
    if stray:
        problems = [f"there is no axis {a!r}; nearest: {', '.join(nearest(a, known, 2))}" for a in stray]
        raise JaxformersError("rules", problems, f"axes are {', '.join(known)}")
    absent = [a for a in rules.axes if a not in axes and a not in ACTIVATIONS]
    return [f"rule {a!r}: no parameter has this axis; they have {', '.join(sorted(axes))}" for a in absent]


def _shardings(tree: Any, mesh: Mesh, rules: Rules, notes: list[str]) -> Any:
    made: dict[PartitionSpec, NamedSharding] = {}  # the same object for equal shardings: thousands compare by identity

    def one(path, p: Param):
        table = rules.axes
        if rules.paths:
            table = _table(path, rules, notes)
        found = _partition(label(path), p.axes, p.shape, mesh, table, notes)
        return made.setdefault(found, NamedSharding(mesh, found))

    return map_named(one, tree)


def _table(path: Any, rules: Rules, notes: list[str]) -> Table:
    """The table of a parameter: that of the first expression which is found in its name, on top of the general one."""
    every = names(path)
    for pattern, table in rules.paths.items():
        fits = sum(re.search(pattern, name) is not None for name in every)
        if fits == len(every):
            return {**rules.axes, **table}
        if fits:
            note = f"{label(path)}: {pattern!r} fits {fits} of {len(every)} stacked layers; left out"
            notes.append(note + " (load with stack=False to place layers one by one)")
    return rules.axes


def partition(axes: tuple[str, ...], shape: tuple[int, ...] | None, mesh: Mesh, rules: Rules) -> PartitionSpec:
    """How an array goes over a mesh whose dimensions are the logical `axes`, "-" for one that is never split.

    An axis that does not divide is split over the first of its mesh axes that it divides by, or over none; without a
    `shape` all are taken to divide.
    """
    sizes = (0,) * len(axes) if shape is None else shape
    return _partition("", axes, sizes, mesh, rules.axes, [])


def _partition(name: str, axes, shape, mesh: Mesh, table: Table, notes: list[str]) -> PartitionSpec:
    used: set[str] = set()
    parts: list[Any] = []
    for axis, size in zip(axes, shape, strict=True):
        to = table.get(axis)
        wanted = [a for a in over(to) if a in mesh.axis_names]
        kept = list(wanted)
        while kept and size % math.prod(mesh.shape[a] for a in kept):
            kept.pop()
        if kept != wanted:
            ways = math.prod(mesh.shape[a] for a in wanted)
            instead = f"split over {', '.join(kept)}" if kept else "kept whole"
            problem = f"axis {axis!r} of {size} does not divide by {ways} ({', '.join(wanted)})"
            notes.append(f"{name}: {problem}; {instead}")
            wanted = kept
        if used & set(wanted):
            notes.append(f"{name}: axis {axis!r} wants {', '.join(wanted)}, already used by another axis; kept whole")
            wanted = []
        used |= set(wanted)
        parts.append(tuple(wanted) if len(wanted) > 1 else wanted[0] if wanted else None)
    while parts and parts[-1] is None:  # as XLA spells its outputs: a step's new params then compare equal to its old
        parts.pop()
    return PartitionSpec(*parts)
