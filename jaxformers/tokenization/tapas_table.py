"""Tables for TAPAS: what users give, its tokens, and how much of it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxformers.errors import InputError

Cells = list[list[str]]
Tokens = list[list[list[str]]]  # [rows, the header first][columns][tokens]


class Kept(NamedTuple):
    """A token of a table that is kept: its text, its column from 1, and its row: 0 is the header."""

    token: str
    column: int
    row: int


def cells_of(table: Any) -> Cells:
    """The rows of a table, the header first.

    Args:
      table: rows of texts, the header first; columns of texts by name; or a pandas DataFrame of texts.

    Raises:
      InputError: it is none of these, rows are not equally long, or a cell is no text.
    """
    if hasattr(table, "columns") and hasattr(table, "itertuples"):
        rows = [list(table.columns), *map(list, table.itertuples(index=False, name=None))]
    elif isinstance(table, Mapping):
        columns = [list(held) if isinstance(held, list | tuple) else [held] for held in table.values()]
        if len(lengths := set(map(len, columns))) > 1:
            raise InputError("table", [f"columns must be equally long, got {min(lengths)} to {max(lengths)} rows"])
        rows = [list(table), *map(list, zip(*columns, strict=True))]
    elif isinstance(table, list | tuple) and table and all(isinstance(row, list | tuple) for row in table):
        rows = [list(row) for row in table]
    else:
        rule = "must be rows of texts (the header first), columns of texts by name, or a pandas DataFrame"
        raise InputError("table", [f"{rule}, got {table!r:.60}"])
    if len(lengths := set(map(len, rows))) > 1:
        raise InputError("table", [f"rows must be as long as the header, got {min(lengths)} to {max(lengths)} cells"])
    wrong = [(r, c, x) for r, row in enumerate(rows) for c, x in enumerate(row) if not isinstance(x, str)]
    problems = [f"row {r}, column {c} must be text, got {x!r:.60}" for r, c, x in wrong[:8]]
    if problems:
        raise InputError("table", problems, "pass table.astype(str) or str(cell); row 0 is the header")
    return rows


def _begins(cell: list[str]) -> list[int]:
    """For each token of a cell where its word begins; -1 in front of the first beginning."""
    found, begin = [], -1
    for i, token in enumerate(cell):
        begin = begin if token.startswith("##") else i
        found.append(begin)
    return found


def kept(table: Tokens, rows: int, tokens: int) -> list[Kept]:
    """The tokens of the header and the first `rows` rows; of each cell the words that begin in its first `tokens`."""
    return [
        Kept(token, c + 1, r)
        for r, row in enumerate(table[: rows + 1])
        for c, cell in enumerate(row)
        for token, begin in zip(cell, _begins(cell), strict=True)
        if begin < tokens
    ]


def longest_cell(table: Tokens) -> int:
    """Tokens of the longest cell."""
    return max((len(cell) for row in table for cell in row), default=0)


def fitted(table: Tokens, rows: int, room: int, trim: int) -> tuple[int, int]:
    """How many rows, and how many tokens of each cell, fit into `room` tokens; rows are dropped from the end.

    Args:
      trim: the most tokens of a cell; below 0 as many as fit, at least one.
    """
    most = longest_cell(table)
    costs = np.zeros((len(table), most + 2), np.int64)
    for r, row in enumerate(table):
        for begin in (begin for cell in row for begin in _begins(cell)):
            costs[r, begin + 1] += 1
    costs = costs.cumsum(0).cumsum(1)  # [r, n]: tokens of the first rows, header included, kept by `kept(.., r, n)`
    most = min(most, trim) if trim >= 0 else most
    while True:
        fit = next((n for n in range(most + 1) if costs[rows, n + 1] > room), most)
        if fit == most or (fit > 0 and trim < 0):
            return rows, fit or 1
        rows -= 1
        if rows < 1:
            return rows, 1


def places(found: Sequence[Kept], start: int) -> dict[tuple[int, int], list[int]]:
    """Where the tokens of each cell (row, column), both from 0 and without the header, stand in the ids."""
    held: dict[tuple[int, int], list[int]] = {}
    for i, (_, column, row) in enumerate(found):
        if row > 0:
            held.setdefault((row - 1, column - 1), []).append(start + i)
    return held
