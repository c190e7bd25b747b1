"""`Pop2PianoTokenizer`: notes of piano music as token ids, and back.

Paper: https://arxiv.org/abs/2211.00895.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.lengths import check_multiple
from jaxformers.tokenization.pop2piano_songs import Songs
from jaxformers.tokenization.tensors import arrays, check_kind


class Pop2PianoTokenizer(Songs):
    """A tokenizer whose calls take notes; made by `AutoTokenizer`.

    A note is a row (onset, offset, pitch, velocity), times in steps of a beat, or an object with `start`, `end`,
    `pitch` and `velocity`. `num_bars` are the bars of a row of ids, `default_velocity` is that of notes that are read.
    """

    def __call__(  # type: ignore[override]
        self,
        notes: Any,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchEncoding:
        """`token_ids` and `attention_mask` of notes [N, 4], or of a batch of them (an array [B, N, 4], or lists).

        Arguments are as for any tokenizer.

        Raises:
          InputError: notes of another form, or what a tokenizer refuses.
        """
        if return_tensors is not None:
            check_kind(return_tensors)
        many = _is_batch(notes)
        rows = [self._ids(one) for one in (notes if many else [notes])]
        if truncation is None:
            truncation = max_length is not None and padding is False
        how = self._truncation(truncation, max_length, 0, 0, self.truncation_side)
        check_multiple(
            how, self._padding(padding, max_length, self.padding_side, pad_to_multiple_of), pad_to_multiple_of
        )
        if how is not None:
            most, left = how["max_length"], how["direction"] == "left"
            rows = [row[max(0, len(row) - most) :] if left else row[:most] for row in rows]
        held = self.pad({"input_ids": rows}, padding, max_length, pad_to_multiple_of, None, return_attention_mask)
        out = {"token_ids" if name == "input_ids" else name: value for name, value in held.items()}
        out = out if many else {name: value[0] for name, value in out.items()}
        return BatchEncoding(out if return_tensors is None else arrays(out, return_tensors))

    def encode_plus(self, notes: Any, **options: Any) -> BatchEncoding:  # type: ignore[override]
        """What a call gives."""
        return self(notes, **options)

    batch_encode_plus = encode_plus  # type: ignore[assignment]

    def _ids(self, notes: Any) -> list[int]:
        """Ids of what happens at each time: keys that are struck, or let go."""
        held = np.round(_rows(notes)).astype(np.int64)
        if (held[:, :2] < 0).any():
            raise InputError("tokenizer", [f"times of notes must not be negative, got {held[:, :2].min()}"])
        times: list[list[tuple[int, bool]]] = [[] for _ in range(int(held[:, :2].max(initial=-1)) + 1)]
        for onset, offset, pitch, velocity in held.tolist():
            times[onset].append((pitch, velocity > 0))
            times[offset].append((pitch, False))
        out: list[int] = []
        struck = False
        for time, events in enumerate(times):
            out += [self._id(time, "TIME")] if events else []
            for pitch, down in events:
                out += [self._id(int(down), "VELOCITY")] if down != struck else []
                out.append(self._id(pitch, "NOTE"))
                struck = down
        return out

    def _id(self, number: int, kind: str) -> int:
        index = self.backend.token_to_id(f"{number}_TOKEN_{kind}")
        return int(str(self.unk_token)) if index is None else index


def _is_batch(notes: Any) -> bool:
    """Are these lists of notes, not notes?"""
    if isinstance(notes, np.ndarray):
        return notes.ndim == 3
    first = notes[0] if isinstance(notes, Sequence) and notes else None
    if not isinstance(first, list | tuple | np.ndarray):
        return False
    return len(first) == 0 or not isinstance(first[0], int | float | np.number)


def _rows(notes: Any) -> np.ndarray:
    """Notes as an array [N, 4].

    Raises:
      InputError: they are none.
    """
    names = ("start", "end", "pitch", "velocity")
    held = (
        [[getattr(n, k) for k in names] if hasattr(n, "pitch") else n for n in notes]
        if isinstance(notes, Sequence)
        else notes
    )
    try:
        made = np.asarray(held, np.float64)
    except (TypeError, ValueError):
        made = np.zeros(())
    if made.ndim != 2 or made.shape[1] != len(names):
        if made.size or made.ndim != 1:
            rule = (
                "notes must be rows (onset, offset, pitch, velocity), or objects with start, end, pitch and velocity"
            )
            raise InputError("tokenizer", [f"{rule}, got {notes!r:.60}"])
        made = made.reshape(0, len(names))
    return made
