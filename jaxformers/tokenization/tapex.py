"""`TapexTokenizer`: questions and tables as one text, for TAPEX.

Paper: https://arxiv.org/abs/2107.07653.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.tapas_table import cells_of

DROP = "drop_rows_to_fit"
NEIGHBOURS = 2  # rows on either side of one that speaks of the question, which are kept as well


class TapexTokenizer(FastTokenizer):
    """A tokenizer whose calls take tables and questions, or answers; made by `AutoTokenizer`.

    `max_cell_length` is the most tokens of a cell; longer ones are cut.
    """

    def __call__(  # type: ignore[override]
        self, table: Any = None, query: Any = None, answer: Any = None, **options: Any
    ) -> BatchEncoding:
        """Rows `<s> query col : name | name row 1 : cell | cell row 2 : ... </s>`, [B, S]; or answers alone.

        Args:
          table: rows of texts, the header first; columns of texts by name; a pandas DataFrame of texts; or a list of
            such tables.
          query: a question, or a list of them: one table is read with each of them, one question with each table.
          answer: with a table, what answers (a text, or texts), whose rows are not dropped; a list of those for a
            batch. Without, the text to encode, or a list of those.
          truncation: also "drop_rows_to_fit", which leaves rows out that do not speak of the question or the answer,
            then the last ones, until `max_length` holds the rest.
          seed: of the choice among the former.

        Other arguments are as for any tokenizer.

        Raises:
          InputError: neither a table nor an answer, one that does not fit, or what a tokenizer refuses.
        """
        seed = options.pop("seed", 0)
        if table is None:
            if answer is None:
                raise InputError("tokenizer", ["table or answer must be given"])
            return self._call(self._small("answer", answer), None, **options)
        strategy, length = options.get("truncation"), options.get("max_length")
        if strategy == DROP:
            options |= {"truncation": True}
            length = self.model_max_length if length is None else length
        many, rows = _batch(table, query, answer)
        texts = [self.prepare_table_query(*row, strategy, length, seed=seed) for row in rows]
        return self._call(self._small("query", texts if many else texts[0]), None, **options)

    def encode(self, table: Any = None, query: Any = None, answer: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """The `input_ids` of a call."""
        return self(table, query, answer, **options)["input_ids"]

    def encode_plus(self, table: Any = None, query: Any = None, answer: Any = None, **options: Any) -> BatchEncoding:  # type: ignore[override]
        """What a call gives."""
        return self(table, query, answer, **options)

    batch_encode_plus = encode_plus  # type: ignore[assignment]

    def target_encode(self, answer: Any, **options: Any) -> Any:
        """The `input_ids` of answers."""
        return self(answer=answer, **options)["input_ids"]

    def target_encode_plus(self, answer: Any, **options: Any) -> BatchEncoding:
        """What a call gives for answers."""
        return self(answer=answer, **options)

    target_batch_encode_plus = target_encode_plus

    # ------------------------------------------------------------------------------------------------ tables

    def prepare_table_query(
        self,
        table: Any,
        query: str | None,
        answer: str | Sequence[str] | None = None,
        truncation_strategy: Any = None,
        max_length: int | None = None,
        *,
        seed: int = 0,
    ) -> str:
        """A question and a table as one text; arguments are as in a call."""
        header, *rows = cells_of(table)
        if query is not None and not isinstance(query, str):
            raise InputError("tokenizer", [f"query must be a string or None, got {query!r:.60}"])
        answers = [answer] if isinstance(answer, str) else list(answer or ())
        if wrong := [a for a in answers if not isinstance(a, str)]:
            raise InputError("tokenizer", [f"answer must be a text or a list of texts, got {wrong[0]!r:.60}"])
        if not rows or not header:
            return query or ""
        short = {cell: self._cell(cell) for row in rows for cell in row}
        rows = [[short[cell] for cell in row] for row in rows]
        if truncation_strategy == DROP:
            answers = [short.get(a, a) for a in answers]
            length = self.model_max_length if max_length is None else max_length
            rows = self._fitting(header, rows, query or "", answers, length, seed)
        parts = [query] if query else []
        lines = [_line(row, n) for n, row in enumerate(rows, 1)]
        return " ".join([*parts, " ".join([_head(header), *lines]).strip()])

    def _cell(self, cell: str) -> str:
        """A cell, cut to `max_cell_length` tokens."""
        longest = int(self.settings.get("max_cell_length") or 15)
        tokens = self.tokenize(cell) if cell.strip() else []
        return self.convert_tokens_to_string(tokens[:longest]) if len(tokens) >= longest else cell

    def _fitting(
        self, header: list[str], rows: list[list[str]], query: str, answers: list[str], length: int, seed: int
    ) -> list[list[str]]:
        """The rows that fit into `length` tokens beside the question and the header."""
        room = length - len(self.tokenize(query)) - len(self.tokenize(_head(header)))
        whole = len(self.tokenize("".join(f"{_line(row, 100)} " for row in rows)))
        ratio = 0.0 if whole < room else 1.0 - room / whole
        words = {*(a.lower() for a in answers), *query.split(), *query.strip("?!.,").split(" ")}
        spoken = [i for i, row in enumerate(rows) if words & {cell.lower() for cell in row}]
        near = {i + n for i in spoken for n in range(-NEIGHBOURS, NEIGHBOURS + 1)}
        far = [i for i in range(len(rows)) if i not in near]
        dropped = random.Random(seed).choices(far, k=min(len(far), int(len(rows) * ratio)))
        rows = [row for i, row in enumerate(rows) if i not in dropped]
        for n, row in enumerate(rows):
            room -= len(self.tokenize(_line(row, n + 1)))
            if room < 0:
                return rows[:n]
        return rows

    def _small(self, what: str, text: Any) -> Any:
        """A text, or texts, with small letters if the class makes them so."""
        held = text if isinstance(text, list | tuple) else [text]
        if wrong := [t for t in held if not isinstance(t, str)]:
            raise InputError("tokenizer", [f"{what} must be a string or a list of strings, got {wrong[0]!r:.60}"])
        backend: Any = self.backend
        small = [t.lower() if backend.scheme.lower else t for t in held]
        return small if isinstance(text, list | tuple) else small[0]


def _head(header: list[str]) -> str:
    return "col : " + " | ".join(header)


def _line(row: list[str], number: int) -> str:
    return f"row {number} : " + " | ".join(row)


def _is_table(held: Any) -> bool:
    """Is this one table, not a list of them?"""
    if isinstance(held, list | tuple):
        return (
            bool(held) and isinstance(held[0], list | tuple) and not any(isinstance(x, list | tuple) for x in held[0])
        )
    return True


def _batch(table: Any, query: Any, answer: Any) -> tuple[bool, list[tuple[Any, Any, Any]]]:
    """Is this a batch, and its rows of a table, a question and an answer.

    Raises:
      InputError: there are not as many of one as of another.
    """
    tables, queries = not _is_table(table), isinstance(query, list | tuple)
    if not tables and not queries:
        return False, [(table, query, answer)]
    n = len(table) if tables else len(query)
    columns = [list(table) if tables else [table] * n, list(query) if queries else [query] * n]
    columns.append([None] * n if answer is None else list(answer) if isinstance(answer, list | tuple) else [answer])
    if any(len(column) != n for column in columns):
        counts = ", ".join(str(len(column)) for column in columns)
        raise InputError("tokenizer", [f"tables, queries and answers must be equally many, got {counts}"])
    return True, list(zip(*columns, strict=True))
