"""A plan for people: as a table of text, and drawn with rich."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from typing import Any

from jaxformers.errors import JaxformersError, nearest
from jaxformers.sharding.numbers import ranges
from jaxformers.spec import label, paths


def rows(plan: Any) -> list[tuple[str, str, str, str, int]]:
    """(name, shape, split, shape on a device, copies) of every parameter; layers that are alike are one row.

    `split` names the mesh axes of each dimension, "-" for a whole one; `copies` is how many devices hold each block.
    """
    found: dict[tuple, list[str]] = {}
    devices = plan.mesh.size
    for path, p, s in plan.each():
        spec = [*s.spec, *[None] * (len(p.shape) - len(s.spec))]
        split = " ".join("-" if a is None else a if isinstance(a, str) else "*".join(a) for a in spec) or "-"
        local = s.shard_shape(p.shape)
        copies = devices * math.prod(local) // max(math.prod(p.shape), 1)
        alike = ".".join("*" if isinstance(x, int) else str(x) for x in _parts(path))
        found.setdefault((alike, _shape(p.shape), split, _shape(local), copies), []).append(label(path))
    return [(same[0] if len(same) == 1 else alike, *rest) for (alike, *rest), same in found.items()]


def _parts(path) -> list:
    return [f"{x.start}-{x.stop - 1}" if isinstance(x, range) else x for x in path]


def _shape(shape) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def table(plan: Any) -> str:
    """The rows, the bytes of one device, and the notes, as plain text."""
    head = ("parameter", "shape", "split over", "on a device", "copies")
    lines = [head, *((*r[:4], str(r[4])) for r in rows(plan))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    shown = ["  ".join(f"{x:{w}}" for x, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    shown.append(total(plan))
    return "\n".join([*shown, *(f"note: {note}" for note in plan.notes)])


def total(plan: Any) -> str:
    """How much of the parameters one device holds."""
    own = plan.bytes(1)
    every = sum(p.size for _, p in paths(plan.declared))
    axes = ", ".join(f"{n} {s}" for n, s in plan.mesh.shape.items())
    return f"mesh {axes}: {own:,} of {every:,} parameters on a device ({own / max(every, 1):.1%})"


def draw(plan: Any, name: str = "", console: Any = None) -> None:
    """Prints a rich table of the plan, or of one parameter's blocks with the devices that hold them."""
    if importlib.util.find_spec("rich") is None:
        raise JaxformersError("plan.draw", ["rich is not installed"], "pip install 'jaxformers[demo]'")
    from rich.console import Console

    console = console or Console()
    console.print(_blocks(plan, name) if name else _overview(plan))


def _overview(plan: Any) -> Any:
    from rich.table import Table

    grid = Table(title=total(plan))
    for column in ("parameter", "shape", "split over", "on a device", "copies"):
        grid.add_column(column, justify="right" if column == "copies" else "left")
    colours = dict(zip(plan.mesh.axis_names, _COLOURS * plan.mesh.size, strict=False))
    for parameter, shape, split, local, copies in rows(plan):
        shown = " ".join(
            "*".join(f"[{colours[a]}]{a}[/]" if a in colours else a for a in word.split("*"))
            for word in split.split(" ")
        )
        grid.add_row(parameter, shape, shown, local, str(copies))
    grid.caption = "\n".join(plan.notes) or None
    return grid


_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


def _blocks(plan: Any, name: str) -> Any:
    """A grid with a cell a block, along the two first dimensions that are split, naming the devices that hold it."""
    from rich.table import Table

    by_name = {label(path): (p, s) for path, p, s in plan.each()}
    if name not in by_name:
        close = ", ".join(nearest(name, by_name, 3))
        raise JaxformersError("plan.draw", [f"there is no parameter {name!r}; nearest: {close}"])
    p, s = by_name[name]
    local = s.shard_shape(p.shape)
    split = [i for i, (n, m) in enumerate(zip(p.shape, local, strict=True)) if n != m]
    down, across = [*split, None, None][:2]
    held: dict[tuple[int, int], list[Any]] = {}
    for device, index in s.devices_indices_map(tuple(p.shape)).items():
        at = tuple(0 if d is None else (index[d].start or 0) // local[d] for d in (down, across))
        held.setdefault(at, []).append(device.id)  # type: ignore[arg-type]
    grid = Table(title=f"{name}: {_shape(p.shape)} in blocks of {_shape(local)}", show_header=False, show_lines=True)
    spans = Counter(c for _, c in held)
    for r in range(max(r for r, _ in held) + 1):
        grid.add_row(*(ranges(held.get((r, c), []), " ") for c in range(len(spans))))
    grid.caption = f"numbers are devices ({plan.mesh.devices.flat[0].platform})"
    return grid
