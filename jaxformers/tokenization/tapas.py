"""`TapasTokenizer`: questions about tables, and the cells that answer them.

Paper: https://arxiv.org/abs/2004.02349.
"""

from __future__ import annotations

import warnings
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization import tapas_table as tables
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.inputs import one_of
from jaxformers.tokenization.settings import saved
from jaxformers.tokenization.tapas_answers import answers_of, selected
from jaxformers.tokenization.tapas_rows import TableRows
from jaxformers.tokenization.tensors import check_kind

_TRUNCATIONS = ("drop_rows_to_fit", "do_not_truncate")


class TapasTokenizer(TableRows):
    """A tokenizer whose calls take a table and questions; made by `AutoTokenizer`."""

    def __call__(  # type: ignore[override]
        self,
        table: Any,
        queries: Any = None,
        answer_coordinates: Any = None,
        answer_text: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str = False,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_length: bool = False,
    ) -> BatchEncoding:
        """Rows `[CLS] question [SEP] header and cells`, [B, S], with `token_type_ids` [B, S, 7].

        These are segment, column, row, answer of the question before, the value's rank in its column from the least
        and from the greatest, and its relation to the question's values (1 equal, 2 less, 4 greater, or a sum).

        Args:
          table: rows of texts, the header first; columns of texts by name; or a pandas DataFrame of texts.
          queries: a question, or a list of those that are asked one after the other.
          answer_coordinates: the cells (row, column), from 0 without the header, that answer; for a list of questions
            a list of those. Makes `labels`, `numeric_values` (NaN where there are none) and `numeric_values_scale`.
          answer_text: the answers as texts; given with the coordinates. With `update_answer_coordinates` the cells are
            found by these.
          truncation: True or "drop_rows_to_fit" drops rows from the end, and words from the ends of cells.
          add_special_tokens: must be True.

        Other arguments are as for any tokenizer; a question alone is padded with `max_length` or `pad_to_multiple_of`
        only.

        Raises:
          InputError: no table, a table or answers that do not fit, coordinates without texts, or what a tokenizer
            refuses.
        """
        if not isinstance(truncation, bool):
            one_of("truncation", truncation, _TRUNCATIONS)
        if return_tensors is not None:
            check_kind(return_tensors)
        if not add_special_tokens:
            raise InputError("tokenizer", ["add_special_tokens must be True: a question and its table are told apart"])
        many = isinstance(queries, list | tuple)
        if not many and queries is None:
            warnings.warn("no queries: the model answers questions about the table", stacklevel=2)
        asked = list(queries) if many else [queries or ""]
        if wrong := [q for q in asked if not isinstance(q, str)]:
            raise InputError("tokenizer", [f"queries must be a string or a list of strings, got {wrong[0]!r:.60}"])
        answers = answers_of(answer_coordinates, answer_text, len(asked), many)
        length = max_length if max_length is not None else self.model_max_length if truncation else None
        cut = truncation in (True, _TRUNCATIONS[0])
        read = self.read_table(tables.cells_of(table), cut)
        made = []
        for query, answer, before in zip(asked, answers, [None, *answers], strict=False):
            row = self.row(read, query, answer, before, length if cut else None, return_special_tokens_mask)
            if max_length is not None and len(row["input_ids"]) > max_length:
                rule = "max_length must have room for the question and the table's header"
                problem = f"{rule}, {len(row['input_ids'])} tokens, got {max_length}"
                raise InputError("tokenizer", [problem], "pass truncation=True to drop rows")
            made.append(row)
        names = made[0] if made else {"input_ids": []}
        fields: dict[str, Any] = {name: [row[name] for row in made] for name in names}
        if not (
            "token_type_ids" in self.model_input_names if return_token_type_ids is None else return_token_type_ids
        ):
            fields.pop("token_type_ids", None)
        lengths = list(map(len, fields["input_ids"]))
        if max_length is None and max(lengths, default=0) > self.model_max_length:
            limit = self.model_max_length
            warnings.warn(f"{max(lengths)} tokens, the model takes {limit}; pass truncation=True", stacklevel=2)
        if not many and padding is True:
            padding = "max_length" if max_length is not None or pad_to_multiple_of is not None else False
        out = self.pad(fields, padding, max_length, pad_to_multiple_of, padding_side, return_attention_mask)
        if return_length:
            out["length"] = lengths if many else [len(row) for row in out["input_ids"]]
        if not many and return_tensors is None:
            return BatchEncoding({name: rows[0] for name, rows in out.items()})
        return out.convert_to_tensors(return_tensors)

    def encode(self, table: Any, query: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """The `input_ids` of a call."""
        return self(table, query, **options)["input_ids"]

    def encode_plus(self, table: Any, query: Any = None, **options: Any) -> BatchEncoding:  # type: ignore[override]
        """What a call gives."""
        return self(table, query, **options)

    def batch_encode_plus(self, table: Any, queries: Any = None, **options: Any) -> BatchEncoding:  # type: ignore[override]
        """What a call gives."""
        return self(table, queries, **options)

    def convert_logits_to_predictions(
        self, data: Any, logits: Any, logits_agg: Any = None, cell_classification_threshold: float = 0.5
    ) -> tuple[list, ...]:
        """The cells that the model selects.

        Args:
          data: what a call gave, with arrays: `attention_mask` [B, S] and `token_type_ids` [B, S, 7].
          logits: of tokens [B, S].
          logits_agg: of aggregations [B, A]; None where the model has none.
          cell_classification_threshold: the least mean probability of a selected cell's tokens.

        Returns:
          `(cells,)` or `(cells, aggregations)`: for each row a list of (row, column), and the aggregation's number.
          Rows without a table are left out.
        """
        return selected(data, logits, logits_agg, cell_classification_threshold)

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        held = self.backend.get_vocab(with_added_tokens=False)
        return {"vocab.txt": "".join(f"{token}\n" for token in sorted(held, key=lambda token: held[token]))}

    def _config(self) -> dict[str, Any]:
        added = {str(i): saved(token) for i, token in sorted(self.added_tokens_decoder.items())}
        return {**super()._config(), "added_tokens_decoder": added}
