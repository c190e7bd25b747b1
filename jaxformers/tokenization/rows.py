"""`Rows`: the encodings of a call, padded to one length, as lists or as arrays."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers

_ATTRIBUTES = {
    "input_ids": "ids",
    "token_type_ids": "type_ids",
    "attention_mask": "attention_mask",
    "special_tokens_mask": "special_tokens_mask",
    "offset_mapping": "offsets",
}


class Rows:
    """The encodings of a call, and the length that they are to have.

    The backend leaves them as long as they are: its padding stores a text and many numbers for each token that says
    nothing. Fields are padded here; encodings are once somebody asks for them (`BatchEncoding.encodings`).

    Args:
      encodings: unpadded.
      pad: how to pad, as `Lengths._padding` tells it; None leaves rows as they are.
      pairs: are they pairs of texts?

    Attributes:
      lengths: the tokens of each row, padding included.
      pad: as `tokenizers.Encoding.pad` takes it, or None.
    """

    def __init__(self, encodings: Sequence[tokenizers.Encoding], pad: Mapping[str, Any] | None, pairs: bool):
        self.encodings = encodings
        self.pairs = pairs
        self.lengths = self._held = [len(e) for e in encodings]  # held: without padding
        self.pad: dict[str, Any] | None = None
        self._fillers: dict[str, Any] = {}
        if pad is None:
            return
        self.pad = dict(pad)
        length, multiple = self.pad["length"], self.pad.pop("pad_to_multiple_of") or 1
        length = max(self._held, default=0) if length is None else length
        self.pad["length"] = length = -(-length // multiple) * multiple
        self.lengths = [max(n, length) for n in self._held]
        self._fillers = {"input_ids": pad["pad_id"], "token_type_ids": pad["pad_type_id"], "attention_mask": 0}
        self._fillers |= {"special_tokens_mask": 1, "offset_mapping": (0, 0)}

    def fields(self, names: Iterable[str], fill: bool) -> dict[str, Any]:
        """`input_ids`, `token_type_ids`, `attention_mask`, `special_tokens_mask`, `offset_mapping`: those asked for.

        Args:
          names: the fields.
          fill: make arrays [B, S] int64 where all rows are equally long; otherwise, and of places, rows are lists.
        """
        fill = fill and len(set(self.lengths)) == 1 and isinstance(self.encodings[0], tokenizers.Encoding)
        seen = self._seen() if fill else None
        out: dict[str, Any] = {}
        for name in names:
            value, filler = self._everywhere(name), self._fillers.get(name)
            if fill and name != "offset_mapping":
                out[name] = self._array(name, value, filler, seen)
            else:
                out[name] = self._lists(name, value, filler)
        return out

    def _lists(self, name: str, value: int | None, filler: Any) -> list[list[Any]]:
        if value is not None and value == filler:
            return [[value] * n for n in self.lengths]
        rows: Iterator[list[Any]]
        if value is None:
            rows = map(operator.attrgetter(_ATTRIBUTES[name]), self.encodings)
        else:
            rows = ([value] * n for n in self._held)
        if self.pad is None:
            return list(rows)
        more = ([filler] * (n - held) for n, held in zip(self.lengths, self._held, strict=True))
        if self.pad["direction"] == "left":
            return [before + row for row, before in zip(rows, more, strict=True)]
        return [row + after for row, after in zip(rows, more, strict=True)]

    def _array(self, name: str, value: int | None, filler: Any, seen: np.ndarray | None) -> np.ndarray:
        shape = len(self.lengths), self.lengths[0]
        out = np.full(shape, filler, np.int64) if filler else np.zeros(shape, np.int64)
        where = ... if seen is None else seen
        if value is None:
            # A row's numbers are Python's while it is read only.
            numbers = itertools.chain.from_iterable(map(operator.attrgetter(_ATTRIBUTES[name]), self.encodings))
            flat = np.fromiter(numbers, np.int64, sum(self._held))
            out[where] = flat.reshape(shape) if seen is None else flat
        elif value != filler:
            out[where] = value
        return out

    def _seen(self) -> np.ndarray | None:
        """Which places [B, S] are no padding; None if all are."""
        held, length = np.array(self._held), self.lengths[0]
        if (held == length).all():
            return None
        if self.pad is not None and self.pad["direction"] == "left":
            return np.arange(length) >= (length - held)[:, None]
        return np.arange(length) < held[:, None]

    def _everywhere(self, name: str) -> int | None:
        """What every token has that is no padding, and need not be asked of each; None if they may differ."""
        if name == "attention_mask":
            return 1
        if name != "token_type_ids" or self.pairs:
            return None
        first = next((e for e in self.encodings if len(e)), None)
        return None if first is not None and any(first.type_ids) else 0
