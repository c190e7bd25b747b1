"""Entities marked in a text: from places of letters to places of tokens, as LUKE takes them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxformers.errors import InputError

Span = tuple[int, int]
Entity = tuple[int, Span]  # its id and its tokens, from the first to behind the last
TASKS: dict[Any, int | None] = {  # how many entities a text has; None for any number
    "entity_classification": 1,
    "entity_pair_classification": 2,
    "entity_span_classification": None,
}


@dataclasses.dataclass(frozen=True)
class Marked:
    """A text's token ids and its entities."""

    ids: list[int]
    entities: list[Entity]

    def within(self, length: int, offset: int) -> list[Entity]:
        """The entities that end within `length` tokens, moved by `offset`."""
        return [(index, (i + offset, j + offset)) for index, (i, j) in self.entities if j <= length]


def check_spans(what: str, text: str, spans: Any, names: Any, task: str | None) -> None:
    """Refuses spans that are not of the text or not those that the task wants, and names that do not match them."""
    if spans is None:
        if names is not None or task is not None:
            rule = f"entity_spans of {what} must be given with {'entities' if task is None else f'task {task!r}'}"
            raise InputError("tokenizer", [f"{rule}, got None"])
        return
    rule = f"entity_spans of {what} must be a list of (start, end) with 0 <= start <= end <= {len(text)}"
    whole = isinstance(spans, list | tuple) and all(isinstance(s, list | tuple) and len(s) == 2 for s in spans)
    if not whole or not all(0 <= start <= end <= len(text) for start, end in spans):
        raise InputError("tokenizer", [f"{rule}, got {spans!r:.80}"])
    count = TASKS[task] if task is not None else None
    if (count is not None and len(spans) != count) or (task is not None and not spans):
        wanted = "at least 1" if count is None else count
        raise InputError("tokenizer", [f"task {task!r} takes {wanted} entity_spans a text, got {len(spans)}"])
    fits = names is None or (isinstance(names, list | tuple) and all(isinstance(n, str) for n in names))
    if not fits or (names is not None and len(names) != len(spans)):
        raise InputError(
            "tokenizer", [f"entities of {what} must be {len(spans)} names, one a span, got {names!r:.80}"]
        )


def names_of(
    spans: Sequence[Span], names: Any, vocab: Mapping[str, int], unknown: int, masks: Span, task: str | None
) -> list[int]:
    """The ids of entities: of their names, or of masked ones."""
    if names is not None:
        return [vocab.get(name, unknown) for name in names]
    return list(masks) if task == "entity_pair_classification" else [masks[0]] * len(spans)


def marked(
    text: str,
    spans: Sequence[Span],
    entities: Sequence[int],
    encode: Callable[[list[str]], list[list[int]]],
    task: str | None,
    marks: Sequence[int],
) -> Marked:
    """A text cut where entities begin and end, each part encoded alone; a space goes to the part behind it.

    Args:
      entities: ids, one a span.
      encode: token ids of each text of a list.
      task, marks: tasks with a fixed number of entities put the n-th mark before and behind the n-th of them.
    """
    at = {place: place - (place > 0 and text[place - 1] == " ") for span in spans for place in span}
    edges = sorted({0, len(text), *at.values()})
    parts = encode([text[i:j] for i, j in itertools.pairwise(edges)])
    tokens = {0: 0}
    ids: list[int] = []
    for edge, part in zip(edges[1:], parts, strict=True):
        ids += part
        tokens[edge] = len(ids)
    found = [(tokens[at[start]], tokens[at[end]]) for start, end in spans]
    if task in ("entity_classification", "entity_pair_classification"):
        ids, found = _with_marks(ids, found, marks)
    return Marked(ids, list(zip(entities, found, strict=True)))


def _with_marks(ids: list[int], spans: list[Span], marks: Sequence[int]) -> tuple[list[int], list[Span]]:
    """Each span between two of its marks; of two that start together the second is the earlier."""
    order = sorted(range(len(spans)), key=lambda n: (spans[n][0], -n))
    out = list(spans)
    for place, n in enumerate(order):
        start, end = spans[n]
        out[n] = (start + 2 * place, end + 2 * place + 2)
    for n in reversed(order):
        start, end = spans[n]
        ids = [*ids[:start], marks[n], *ids[start:end], marks[n], *ids[end:]]
    return ids, out


def places(entities: Sequence[Entity], longest: int, task: str | None) -> dict[str, list]:
    """`entity_ids` [E] and `entity_position_ids` [E, longest]; for spans to classify also where they start and end."""
    spans = [span for _, span in entities]
    filled = [[*range(i, j), *[-1] * longest][: max(longest, 0)] for i, j in spans]
    fields: dict[str, list] = {"entity_ids": [index for index, _ in entities], "entity_position_ids": filled}
    if task == "entity_span_classification":
        fields |= {"entity_start_positions": [i for i, _ in spans], "entity_end_positions": [j - 1 for _, j in spans]}
    return fields
