"""Rules: which mesh axis (or axes) a logical axis is split over.

Parameters name the logical axes `embed heads kv_heads mlp vocab channels experts layers`; activations name `batch`,
`sequence` (positions inside attention), `residual` (positions of the stream between blocks), and the same `heads
kv_heads vocab experts`. Presets go over mesh axes called `data fsdp tensor expert context stage`, and use those that a
mesh has.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Any

from jaxformers.errors import JaxformersError, nearest

Table = Mapping[str, Any]  # of a mesh axis, several, or None

PARAMETERS = ("embed", "heads", "kv_heads", "mlp", "vocab", "channels", "experts", "layers")
ACTIVATIONS = ("batch", "sequence", "residual")


class _Frozen(dict):
    """A dictionary that may be a part of a compiled program's key: nobody writes into it."""

    def __hash__(self):  # type: ignore[override]
        return hash(tuple(self.items()))


def _frozen(table: Table) -> _Frozen:
    return _Frozen({k: v if v is None or isinstance(v, str) else tuple(v) for k, v in table.items()})


@dataclasses.dataclass(frozen=True)
class Rules:
    """Where each logical axis goes.

    Args:
      axes: `{logical axis: mesh axis, or several, or None}`.
      paths: `{regular expression: such a dictionary}`: what differs for parameters whose name it is found in; the
        first that fits counts. Of stacked layers it must fit all names or none.
      gradients: `axes` of gradients; None is as the parameters (ZeRO-2 splits them and not the parameters).
      optimizer: `axes` of the optimizer's state; None is as the gradients (ZeRO-1 splits it alone).
    """

    axes: Table
    paths: Mapping[str, Table] = dataclasses.field(default_factory=dict)
    gradients: Table | None = None
    optimizer: Table | None = None

    def __post_init__(self):
        problems = []
        for pattern in self.paths:
            try:
                re.compile(pattern)
            except re.error as e:
                problems.append(f"paths: {pattern!r} must be a regular expression: {e}")
        if problems:
            raise JaxformersError("rules", problems)
        for name in ("axes", "gradients", "optimizer"):
            table = getattr(self, name)
            object.__setattr__(self, name, None if table is None else _frozen(table))
        object.__setattr__(self, "paths", _Frozen({p: _frozen(t) for p, t in self.paths.items()}))

    def tables(self) -> list[Table]:
        """Every table, for checks that concern them all."""
        return [t for t in (self.axes, *self.paths.values(), self.gradients, self.optimizer) if t is not None]

    def only(self, mesh_axes: Collection[str]) -> Rules:
        """These rules without the mesh axes that are not among `mesh_axes`."""

        def kept(table: Table | None) -> Table | None:
            return None if table is None else {k: [a for a in over(to) if a in mesh_axes] for k, to in table.items()}

        paths = {pattern: kept(table) for pattern, table in self.paths.items()}
        return Rules(kept(self.axes), paths, kept(self.gradients), kept(self.optimizer))  # type: ignore[arg-type]

    def for_gradients(self) -> Rules:
        """The rules of gradients, as rules of their own."""
        return self if self.gradients is None else Rules(self.gradients, self.paths)

    def for_optimizer(self) -> Rules:
        """The rules of what the optimizer keeps for each parameter, as rules of their own."""
        return self.for_gradients() if self.optimizer is None else Rules(self.optimizer, self.paths)


def _merged(a: Table, b: Table) -> dict[str, tuple[str, ...]]:
    """Both tables; an axis that both name goes over the mesh axes of both."""
    both = {k: over(v) for k, v in a.items()}
    for k, v in b.items():
        both[k] = both.get(k, ()) + tuple(x for x in over(v) if x not in both.get(k, ()))
    return both


def over(to: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The mesh axes that an entry of a table names."""
    return () if to is None else (to,) if isinstance(to, str) else tuple(to)


_DATA: Table = {"batch": "data"}
_FSDP: Table = {"embed": "fsdp", "channels": "fsdp", "batch": ("data", "fsdp")}
_ZERO: Table = {"embed": ("data", "fsdp"), "channels": ("data", "fsdp")}
_ZERO_BATCH: Table = {"batch": ("data", "fsdp")}

# Each may be joined with others by "+".
PRESETS: dict[str, Rules] = {
    "replicated": Rules({}),
    "data": Rules(_DATA),
    "zero1": Rules(_ZERO_BATCH, gradients=_ZERO_BATCH, optimizer={**_ZERO_BATCH, **_ZERO}),
    "zero2": Rules(_ZERO_BATCH, gradients={**_ZERO_BATCH, **_ZERO}),
    "fsdp": Rules(_FSDP),
    "tensor": Rules({"batch": "data", "heads": "tensor", "kv_heads": "tensor", "mlp": "tensor", "vocab": "tensor"}),
    "sequence": Rules({"batch": "data", "residual": "tensor"}),
    "expert": Rules({"experts": "expert", "batch": ("data", "expert")}),
    "context": Rules({"batch": "data", "sequence": "context", "residual": "context"}),
    "stage": Rules({"batch": "data", "layers": "stage"}),
}


def resolve(rules: Any) -> Rules:
    """Rules from a preset's name, presets joined by "+", a dictionary of your own, `Rules`, or None ("replicated").

    Raises:
      JaxformersError: no preset has this name, or it is none of these.
    """
    if rules is None:
        return PRESETS["replicated"]
    if isinstance(rules, Rules):
        return rules
    if isinstance(rules, Mapping):
        return Rules(rules)
    if not isinstance(rules, str):
        raise JaxformersError("rules", [f"must be a preset's name, a dictionary or Rules, got {rules!r}"])
    parts = [part.strip() for part in rules.split("+")]
    unknown = [part for part in parts if part not in PRESETS]
    if unknown:
        problems = []
        for part in unknown:
            whole = f" in {rules!r}" if part != rules else ""
            hint = ", ".join(nearest(part, [*PRESETS, "fsdp+tensor"]))
            problems.append(f"must be a dictionary or a preset, got {part!r}{whole}; presets: {hint}")
        raise JaxformersError("rules", problems, "join presets with +, as in 'fsdp+tensor'")
    return joined(*(PRESETS[part] for part in parts))


def joined(*rules: Rules) -> Rules:
    """Several rules at once: an axis that more than one names goes over the mesh axes of each, in that order."""
    first, *rest = rules
    for other in rest:
        split = any(r.gradients is not None or r.optimizer is not None for r in (first, other))
        first = Rules(
            _merged(first.axes, other.axes),
            {**first.paths, **other.paths},
            _merged(first.for_gradients().axes, other.for_gradients().axes) if split else None,
            _merged(first.for_optimizer().axes, other.for_optimizer().axes) if split else None,
        )
    return first
