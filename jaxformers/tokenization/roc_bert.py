"""`RoCBertTokenizer`: Chinese text with the shapes and the sounds of its letters.

Paper: https://aclanthology.org/2022.acl-long.65.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.own_files import OwnFiles
from jaxformers.tokenization.tensors import arrays

_FIELDS = {"input_shape_ids": "word_shape.json", "input_pronunciation_ids": "word_pronunciation.json"}


class RoCBertTokenizer(OwnFiles):
    """A tokenizer whose calls also give `input_shape_ids` and `input_pronunciation_ids`, [B, S] as `input_ids`."""

    vocabulary_files = ("vocab.txt",)
    own_files = tuple(_FIELDS.values())

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str, held: Mapping[str, bytes]):
        super().__init__(backend, settings, kind, held)
        self.word_shape: dict[str, int] = json.loads(held["word_shape.json"])
        self.word_pronunciation: dict[str, int] = json.loads(held["word_pronunciation.json"])
        needed = {str(self.unk_token), "[UNK]"}
        for name, table in zip(_FIELDS.values(), (self.word_shape, self.word_pronunciation), strict=True):
            if not needed <= table.keys():
                raise CheckpointError(
                    name, [f"must hold {' and '.join(sorted(needed))}, which stand for other tokens"]
                )

    def convert_tokens_to_shape_ids(self, tokens: Iterable[str]) -> list[int]:
        """The shape's number of each token."""
        return self._numbers(self.word_shape, tokens)

    def convert_tokens_to_pronunciation_ids(self, tokens: Iterable[str]) -> list[int]:
        """The pronunciation's number of each token."""
        return self._numbers(self.word_pronunciation, tokens)

    def _numbers(self, table: Mapping[str, int], tokens: Iterable[str]) -> list[int]:
        return [table.get(token, table[str(self.unk_token)]) for token in tokens]

    def _call(self, text: Any, text_pair: Any, **options: Any) -> BatchEncoding:
        out = super()._call(text, text_pair, **options)
        tables = dict(zip(_FIELDS, (self.word_shape, self.word_pronunciation), strict=True))
        fields: dict[str, Any] = {name: [self._row(table, e) for e in out.encodings] for name, table in tables.items()}
        if "token_type_ids" in out and not options.get("add_special_tokens", True):
            fields["token_type_ids"] = [[0] * len(e) for e in out.encodings]  # this class tells bare texts not apart
        kind = options.get("return_tensors")
        if kind is not None:
            fields = arrays(fields, kind)
        elif len(out["input_ids"]) and not isinstance(out["input_ids"][0], list):
            fields = {name: rows[0] for name, rows in fields.items()}
        out.update(fields)
        return out

    def _row(self, table: Mapping[str, int], encoding: Any) -> list[int]:
        """Numbers of a row; what stands around texts has that of "[UNK]", padding that of its token."""
        numbers = self._numbers(table, encoding.tokens)
        marks = zip(numbers, encoding.special_tokens_mask, encoding.attention_mask, strict=True)
        return [(table["[UNK]"] if special else n) if seen else self.pad_token_id for n, special, seen in marks]

    def _fillers(self) -> dict[str, Any]:
        return {**super()._fillers(), **dict.fromkeys(_FIELDS, self.pad_token_id)}
