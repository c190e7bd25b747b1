"""How the numbers of a table's columns stand to each other and to a question's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jaxformers.tokenization.tapas_numbers import Value, values_in

_SHARE = 0.7  # of a column's rows that must hold a kind of value, for the column to be of it
EQUAL, LESS, GREATER = 1, 2, 4  # what a question's value is to a cell's


def column_values(cells: Sequence[str]) -> dict[int, Value]:
    """The value of each row of a column, all numbers or all dates; of rows without one nothing."""
    rows = [values_in(cell) for cell in cells]
    counts = {kind: sum(any(isinstance(v, kind) for v in row) for row in rows) for kind in (tuple, float)}
    kind = max(counts, key=lambda kind: counts[kind])  # dates if there are as many
    if not counts[kind] or counts[kind] < len(rows) * _SHARE:
        return {}
    first = {i: next((v for v in row if isinstance(v, kind)), None) for i, row in enumerate(rows)}
    return {i: value for i, value in first.items() if value is not None}


def comparable(values: Iterable[Value]) -> list[tuple[float, ...]] | None:
    """Values as what can be compared: dates by the parts that all of them have; None if nothing is common to all."""
    held = list(values)
    dates = [value for value in held if isinstance(value, tuple)]
    if not dates:
        return [(value,) for value in held if isinstance(value, float)]
    shared = [i for i in range(3) if all(date[i] is not None for date in dates)]
    if len(dates) < len(held) or not shared:
        return None
    return [tuple(date[i] or 0.0 for i in shared) for date in dates]


def ranks(values: Mapping[int, Value]) -> dict[int, tuple[int, int]]:
    """For each row of a column the place of its value from the least, and from the greatest; from 1."""
    keys = comparable(values.values())
    if not keys:
        return {}
    order = {key: i for i, key in enumerate(sorted(set(keys)))}
    return {row: (order[key] + 1, len(order) - order[key]) for row, key in zip(values, keys, strict=True)}


def relations(question: str, columns: Sequence[Mapping[int, Value]]) -> dict[tuple[int, int], int]:
    """For each cell (row, column) the sum of what the values of a question are to its value."""
    found: dict[tuple[int, int], int] = {}
    for value in values_in(question):
        for column, values in enumerate(columns):
            keys = comparable([*values.values(), value]) if values else None
            for row, key in zip(values, keys or (), strict=False):
                asked = (keys or [key])[-1]
                relation = EQUAL if asked == key else LESS if asked < key else GREATER
                found[row, column] = found.get((row, column), 0) | relation
    return found
