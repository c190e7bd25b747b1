"""`Lengths`: how long rows are made, by truncation and padding; a part of every tokenizer."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.inputs import one_of
from jaxformers.tokenization.tensors import kind_of, plain

UNLIMITED = int(1e30)  # what files hold as model_max_length when there is none
LARGE = 10**20  # above this there is none
SIDES = ("left", "right")


class Lengths:
    """Settings of lengths: the model's longest input, and the sides to pad and to cut."""

    model_max_length: int
    padding_side: str
    truncation_side: str
    model_input_names: list[str]
    pad_token: str | None
    pad_token_id: Any
    pad_token_type_id: Any
    backend: Any

    @property
    def max_len_single_sentence(self) -> int:
        """Tokens of the longest text that the model takes, its special tokens aside."""
        return self.model_max_length - self.backend.num_special_tokens_to_add(False)

    @property
    def max_len_sentences_pair(self) -> int:
        """Tokens of the longest pair that the model takes, its special tokens aside."""
        return self.model_max_length - self.backend.num_special_tokens_to_add(True)

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchEncoding:
        """Rows that were encoded one by one, padded to one length.

        Args:
          encoded_inputs: `{"input_ids": rows, ...}`, a list of such dicts of one row each, or one dict of one row.
            Token types and masks are padded too; `labels` and other fields are not.
          padding, max_length, pad_to_multiple_of, padding_side: as for a call.
          return_attention_mask: None includes it where the model takes it.
          return_tensors: as for a call; None gives arrays for arrays and lists for lists.

        Raises:
          InputError: there are no `input_ids`, fields have different numbers of rows, or padding has no token.
        """
        fields = _fields(encoded_inputs)
        return_tensors = return_tensors or kind_of(fields["input_ids"])
        fields = {name: plain(value) for name, value in fields.items()}
        ids = fields["input_ids"]
        single = bool(ids) and not isinstance(ids[0], list)
        if single:
            fields = {name: [value] for name, value in fields.items()}
        elif wrong := [n for n, v in fields.items() if not isinstance(v, list) or len(v) != len(ids)]:
            raise InputError("tokenizer.pad", [f"{n} must have {len(ids)} rows, as input_ids has" for n in wrong])
        if return_attention_mask or (return_attention_mask is None and "attention_mask" in self.model_input_names):
            fields.setdefault("attention_mask", [[1] * len(row) for row in fields["input_ids"]])
        side = padding_side or self.padding_side
        how = self._padding(padding, max_length, side, pad_to_multiple_of)
        if how is not None:
            self._fill(fields, how["length"], pad_to_multiple_of or 1, side)
        if single:
            fields = {name: rows[0] for name, rows in fields.items()}
        return BatchEncoding(fields, tensor_type=return_tensors)

    def _fill(self, fields: dict[str, list[Any]], length: int | None, multiple: int, side: str) -> None:
        """Pads fields that have a value for it, in place; `length` None is that of the longest row."""
        length = max(map(len, fields["input_ids"]), default=0) if length is None else length
        fillers = self._fillers()
        for name in fillers.keys() & fields.keys():
            fields[name] = filled(fields[name], -(-length // multiple) * multiple, fillers[name], side)

    def _fillers(self) -> dict[str, Any]:
        """What stands for padding in each field that is padded."""
        return {
            "input_ids": self.pad_token_id,
            "attention_mask": 0,
            "token_type_ids": self.pad_token_type_id,
            "special_tokens_mask": 1,
        }

    def _truncation(
        self, truncation: bool | str, max_length: int | None, fixed: int, stride: int, side: str
    ) -> dict[str, Any] | None:
        """The backend's truncation settings; `fixed` special tokens are never cut."""
        strategy = "longest_first" if truncation is True else truncation or "do_not_truncate"
        one_of("truncation", strategy, ("longest_first", "only_first", "only_second", "do_not_truncate"))
        length = None if strategy == "do_not_truncate" else self._length(max_length, "truncation")
        if length is None:
            return None
        if length < fixed:  # the backend would not truncate at all
            raise InputError("tokenizer", [f"max_length must be at least the {fixed} special tokens, got {length}"])
        one_of("truncation_side", side, SIDES)
        if not 0 <= stride < max(1, length - fixed):
            rule = f"stride must be from 0 to below the {length - fixed} tokens that max_length leaves for text"
            raise InputError("tokenizer", [f"{rule}, got {stride}"])
        return {"max_length": length, "strategy": strategy, "direction": side, "stride": stride}

    def _padding(self, padding: bool | str, max_length: int | None, side: str, multiple: int | None):
        """The backend's padding settings."""
        strategy = "longest" if padding is True else padding or "do_not_pad"
        one_of("padding", strategy, ("longest", "max_length", "do_not_pad"))
        one_of("padding_side", side, SIDES)
        if multiple is not None and not (isinstance(multiple, numbers.Integral) and multiple >= 0):
            raise InputError("tokenizer", [f"pad_to_multiple_of must be a positive integer, got {multiple!r}"])
        length = self._length(max_length, "padding") if strategy == "max_length" else None
        if strategy == "do_not_pad" or (strategy == "max_length" and length is None):
            return None
        if self.pad_token_id is None:
            todo = "set one, e.g. tokenizer.pad_token = tokenizer.eos_token"
            raise InputError("tokenizer", [f"padding needs a pad_token in the vocabulary, got {self.pad_token}"], todo)
        token = {"pad_id": self.pad_token_id, "pad_token": self.pad_token}
        token["pad_type_id"] = self.pad_token_type_id
        return {"length": length, "direction": side, "pad_to_multiple_of": multiple, **token}

    def _length(self, max_length: int | None, what: str) -> int | None:
        if max_length is None and self.model_max_length > LARGE:
            warnings.warn(f"no {what}: no max_length is given, and the model has none", stacklevel=4)
            return None
        length = self.model_max_length if max_length is None else max_length
        if length < 0:
            raise InputError("tokenizer", [f"max_length must not be negative, got {length}"])
        return length


def check_multiple(cut: Mapping[str, Any] | None, pad: Mapping[str, Any] | None, multiple: int | None) -> None:
    """Refuses rows that are cut to a length and padded to another."""
    if cut is not None and pad is not None and multiple and cut["max_length"] % multiple:
        rule = "max_length must be a multiple of pad_to_multiple_of to be cut to"
        raise InputError("tokenizer", [f"{rule}, got {cut['max_length']} and {multiple}"])


def filled(rows: list[list[Any]], length: int, filler: Any, side: str) -> list[list[Any]]:
    """Rows with `filler` on a side, up to a length."""
    more = [[filler] * (length - len(row)) for row in rows]
    return [m + row if side == "left" else row + m for m, row in zip(more, rows, strict=True)]


def _fields(given: Any) -> dict[str, Any]:
    """Rows by name, of those or of a list of dicts."""
    if isinstance(given, list | tuple) and all(isinstance(one, Mapping) for one in given):
        names = list(given[0]) if given else []
        if wrong := [f"every row must have {n}" for n in names for one in given if n not in one]:
            raise InputError("tokenizer.pad", wrong[:1])
        given = {n: [one[n] for one in given] for n in names}
    if not isinstance(given, Mapping) or "input_ids" not in given:
        got = ", ".join(given) if isinstance(given, Mapping) else f"{given!r:.60}"
        raise InputError("tokenizer.pad", [f"input_ids must be given, got {got or 'nothing'}"])
    return dict(given)
