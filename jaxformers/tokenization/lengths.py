"""`Lengths`: how long rows are made, by truncation and padding; a part of every tokenizer."""

from __future__ import annotations

import warnings
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding, arrays
from jaxformers.tokenization.inputs import one_of

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
    settings: dict[str, Any]

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
          encoded_inputs: `{"input_ids": rows, ...}`, or a list of such dicts of one row each. Other fields are padded
            too: token types by 0, `labels` and others not at all.
          padding, max_length, pad_to_multiple_of, padding_side, return_tensors: as for a call.
          return_attention_mask: None includes it where the model takes it.
        """
        if isinstance(encoded_inputs, list | tuple):
            names = list(encoded_inputs[0]) if encoded_inputs else []
            encoded_inputs = {n: [one[n] for one in encoded_inputs] for n in names}
        if "input_ids" not in encoded_inputs:
            raise InputError(
                "tokenizer.pad", [f"input_ids must be given, got {', '.join(encoded_inputs) or 'nothing'}"]
            )
        side = padding_side or self.padding_side
        fields = {n: [list(map(int, row)) for row in rows] for n, rows in encoded_inputs.items()}
        how = self._padding(padding, max_length, side, pad_to_multiple_of)
        if return_attention_mask or (return_attention_mask is None and "attention_mask" in self.model_input_names):
            fields.setdefault("attention_mask", [[1] * len(row) for row in fields["input_ids"]])
        if how is not None:
            length = max(map(len, fields["input_ids"]), default=0) if how["length"] is None else how["length"]
            many = pad_to_multiple_of or 1
            length = -(-length // many) * many
            fillers = {
                "input_ids": self.pad_token_id,
                "attention_mask": 0,
                "token_type_ids": 0,
                "special_tokens_mask": 1,
            }
            for name in fillers.keys() & fields.keys():
                rows = fields[name]
                more = [[fillers[name]] * (length - len(row)) for row in rows]
                fields[name] = [m + r if side == "left" else r + m for m, r in zip(more, rows, strict=True)]
        return BatchEncoding(fields if return_tensors is None else arrays(fields, return_tensors))

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
        length = self._length(max_length, "padding") if strategy == "max_length" else None
        if strategy == "do_not_pad" or (strategy == "max_length" and length is None):
            return None
        if self.pad_token_id is None:
            todo = "set one, e.g. tokenizer.pad_token = tokenizer.eos_token"
            raise InputError("tokenizer", [f"padding needs a pad_token in the vocabulary, got {self.pad_token}"], todo)
        token = {"pad_id": self.pad_token_id, "pad_token": self.pad_token}
        token["pad_type_id"] = self.settings.get("pad_token_type_id", 0)
        return {"length": length, "direction": side, "pad_to_multiple_of": multiple, **token}

    def _length(self, max_length: int | None, what: str) -> int | None:
        if max_length is None and self.model_max_length > LARGE:
            warnings.warn(f"no {what}: no max_length is given, and the model has none", stacklevel=4)
            return None
        length = self.model_max_length if max_length is None else max_length
        if length < 0:
            raise InputError("tokenizer", [f"max_length must not be negative, got {length}"])
        return length
