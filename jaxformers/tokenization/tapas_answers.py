"""Answers to questions about tables: what users give for TAPAS, and what the model selects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.tensors import plain


def answers_of(cells: Any, texts: Any, count: int, many: bool) -> list[Any]:
    """For each question the cells and texts of its answer, or None."""
    if (cells is None) != (texts is None) or (cells is not None and bool(len(cells)) != bool(len(texts))):
        raise InputError("tokenizer", ["answer_coordinates and answer_text must be given together, got one of them"])
    if cells is None:
        return [None] * count
    both = [plain(cells), list(texts)] if many else [[plain(cells)], [texts]]
    if any(len(held) != count for held in both):
        counts = " and ".join(str(len(held)) for held in both)
        raise InputError("tokenizer", [f"answers must be given for each of {count} questions, got {counts}"])
    for name, held in zip(("answer_coordinates", "answer_text"), both, strict=True):
        if wrong := [one for one in held if not isinstance(one, list | tuple)]:
            raise InputError("tokenizer", [f"{name} must be a list for each question, got {wrong[0]!r:.60}"])
    if wrong := [x for one in both[0] for x in one if not isinstance(x, list) or len(x) != 2]:
        raise InputError("tokenizer", [f"answer_coordinates must be lists of (row, column), got {wrong[0]!r:.60}"])
    return list(zip(*both, strict=True))


def first(places: Mapping[tuple[int, int], list[int]], table: Any, front: int, words: list[str]) -> list[int]:
    """Where the tokens of an answer stand in the first cell that holds them all; [] if none does."""
    for _, at in sorted(places.items()):
        held = [table[i - front].token for i in at]
        for i in range(len(held) - len(words) + 1):
            if words and held[i : i + len(words)] == words:
                return at[i : i + len(words)]
    return []


def selected(data: Any, logits: Any, aggregations: Any, threshold: float) -> tuple[list, ...]:
    """See `TapasTokenizer.convert_logits_to_predictions`."""
    mask, types = np.asarray(data["attention_mask"]), np.asarray(data["token_type_ids"])
    logits = np.maximum(np.asarray(logits), -88.7)  # exp is finite
    chances = 1 / (1 + np.exp(-logits)) * mask
    found = []
    for chance, (segment, column, row) in zip(chances, types[..., :3].transpose(0, 2, 1), strict=True):
        if not column.any() and not row.any():
            continue
        cells: dict[tuple[int, int], list[float]] = {}
        for i in np.flatnonzero((segment == 1) & (column > 0) & (row > 0)).tolist():
            cells.setdefault((int(row[i]) - 1, int(column[i]) - 1), []).append(float(chance[i]))
        found.append(sorted(c for c, held in cells.items() if np.mean(held) > threshold))
    return (found,) if aggregations is None else (found, np.asarray(aggregations).argmax(-1).tolist())
