"""`TableRows`: the ids, token types and labels of a question with a table; the base of `TapasTokenizer`."""

from __future__ import annotations

import math
import re
import unicodedata
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization import tapas_columns as columns
from jaxformers.tokenization import tapas_table as tables
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.settings import text_of
from jaxformers.tokenization.tapas_answers import first

_NOTHING = ("", "n/a", "?", "nan")  # what a cell without content holds, punctuation aside
_TYPES = 7  # segment, column, row, previous answer, rank, rank from the greatest, relation to the question


class Read(NamedTuple):
    """A table: its tokens, the values and the ranks of each column, and how many rows it may have."""

    tokens: tables.Tokens
    values: list[dict[int, Any]]
    ranks: list[dict[int, tuple[int, int]]]
    rows: int


class TableRows(FastTokenizer):
    """A tokenizer of tables."""

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str = "tapas"):
        super().__init__(backend, settings, kind)
        held = self.settings.get
        most = self.model_max_length
        self.cell_trim_length = int(held("cell_trim_length", -1))
        self.max_column_id, self.max_row_id = (int(held(f"max_{n}_id") or most) for n in ("column", "row"))
        self.strip_column_names = bool(held("strip_column_names"))
        self.update_answer_coordinates = bool(held("update_answer_coordinates"))
        self._empty = text_of(held("empty_token")) or "[EMPTY]"
        self.min_question_length, self.max_question_length = (held(f"{n}_question_length") for n in ("min", "max"))

    def tokenize(self, text: str, *_: Any, **__: Any) -> list[str]:  # type: ignore[override]
        """The tokens of a cell or a question; of one that says nothing, the token of empty cells."""
        return self._tokens_of([text])[0]

    def _tokens_of(self, texts: list[str]) -> list[list[str]]:
        known = self.get_added_vocab()
        marks = re.compile(f"({'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})")
        parts = [(i, part) for i, text in enumerate(texts) for part in marks.split(text) if part]
        words = self._run([_cleaned(part) for _, part in parts], None, False, add_special_tokens=False)
        found: list[list[str]] = [[] for _ in texts]
        for (i, part), row in zip(parts, words, strict=True):
            found[i] += [self._empty] if part not in known and _says_nothing(part) else row.tokens
        return found

    def read_table(self, cells: tables.Cells, cut: bool) -> Read:
        header, rows = cells[0], cells[1:]
        count = len(rows)
        if len(header) >= self.max_column_id:
            rule = f"must have fewer than {self.max_column_id} columns (max_column_id)"
            raise InputError("table", [f"{rule}, got {len(header)}"])
        if count >= self.max_row_id:
            if not cut:
                rule = f"must have fewer than {self.max_row_id} rows (max_row_id)"
                raise InputError("table", [f"{rule}, got {count}"], "pass truncation=True")
            count = self.max_row_id - 1
        names = [""] * len(header) if self.strip_column_names else header
        flat = iter(self._tokens_of([cell for row in [names, *rows] for cell in row]))
        tokens = [[next(flat) for _ in row] for row in cells]
        values = [columns.column_values(column) for column in zip(*rows, strict=True)]
        return Read(tokens, values, [columns.ranks(held) for held in values], count)

    def _question(self, query: str) -> tuple[str, list[str]]:
        tokens = self.tokenize(query)
        least, most = self.min_question_length, self.max_question_length
        if (most is not None and len(tokens) > most) or len(tokens) < (least or 0):
            room = f"at least {least or 0} and at most {most}"
            warnings.warn(f"a question of {len(tokens)} tokens is left out: it may have {room}", stacklevel=4)
            return "", []
        return query, tokens

    def row(
        self, read: Read, query: str, answer: Any, before: Any, length: int | None, masked: bool
    ) -> dict[str, list[Any]]:
        """The fields of a row that is not padded yet."""
        query, asked = self._question(query)
        rows, tokens = read.rows, tables.longest_cell(read.tokens)
        front = len(asked) + 2
        if length is not None:
            rows, tokens = tables.fitted(read.tokens, rows, length - front, self.cell_trim_length)
        table = tables.kept(read.tokens, rows, tokens)
        ids, _, special = self._around(
            self.convert_tokens_to_ids(asked), self.convert_tokens_to_ids([t.token for t in table])
        )
        places = tables.places(table, front)
        types = np.zeros((len(ids), _TYPES), np.int64)
        types[front:, :3] = [[1, t.column, t.row] for t in table] or np.zeros((0, 3), np.int64)
        if before is not None:
            types[:, 3] = self._labels(places, table, front, before, len(ids))
        for column, ranks in enumerate(read.ranks):
            for row, both in ranks.items():
                types[places.get((row, column), []), 4:6] = both
        for cell, relation in columns.relations(query, read.values).items():
            types[places.get(cell, []), 6] = relation
        fields: dict[str, list[Any]] = {"input_ids": ids, "token_type_ids": types.tolist()}
        if answer is not None:
            numbers = {(r, c): v for c, values in enumerate(read.values) for r, v in values.items()}
            fields["labels"] = self._labels(places, table, front, answer, len(ids))
            fields["numeric_values"], fields["numeric_values_scale"] = [math.nan] * len(ids), [1.0] * len(ids)
            for cell, at in places.items():
                for i in at:
                    fields["numeric_values_scale"][i] = float(len(at))
                    if isinstance(value := numbers.get(cell), float):
                        fields["numeric_values"][i] = value
        return {**fields, "special_tokens_mask": special} if masked else fields

    def _labels(self, places: Mapping[tuple[int, int], list[int]], table: Any, front: int, answer: Any, size: int):
        """1 at the tokens of an answer's cells or, with `update_answer_coordinates`, at its words."""
        cells, texts = answer
        labels = [0] * size
        found = [places.get((row, column), []) for row, column in cells]
        if self.update_answer_coordinates:
            found = [first(places, table, front, self.tokenize(text)) for text in texts]
        elif [] in found:
            cell = cells[found.index([])]
            rule = "answer_coordinates must be cells of the table that hold text and are not cut off"
            raise InputError("tokenizer", [f"{rule}, got {tuple(cell)}"])
        for i in (i for at in found for i in at):
            labels[i] = 1
        return labels

    def _fillers(self) -> dict[str, Any]:
        numbers = {"labels": 0, "numeric_values": math.nan, "numeric_values_scale": 1.0}
        return {**super()._fillers(), **numbers, "token_type_ids": [self.pad_token_type_id] * _TYPES}


def _cleaned(text: str) -> str:
    """A text without the letters that Unicode has not, nor control characters."""
    letters = (x for x in text if x in "\t\n\r" or not unicodedata.category(x).startswith("C"))
    return unicodedata.normalize("NFC", "".join(letters))


def _says_nothing(text: str) -> bool:
    text = text.lower().strip()
    return text in _NOTHING or not re.sub(r"[\W_]+", "", text)
