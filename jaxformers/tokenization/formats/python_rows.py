"""Rows of ids that a tokenizer in Python gives: special tokens around texts, rows cut to a length and padded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.errors import InputError

PLACES = {  # what `tokenizers.Encoding` knows and a row of Python does not
    "char_to_token", "char_to_word", "offsets", "token_to_chars", "token_to_word", "word_ids", "word_to_chars",
    "word_to_tokens", "words",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Template:
    """What stands around a text, and around a pair.

    A part is a token's id, or "A" or "B" for a text, and its token type; None gives it no type at all, as in ESM.

    Args:
      single, pair: the parts; a pair of none is refused.
      once: is a token left out behind a text that ends in it?
    """

    single: tuple[tuple[int | str, int | None], ...] = (("A", 0),)
    pair: tuple[tuple[int | str, int | None], ...] = (("A", 0), ("B", 1))
    once: bool = False

    def fixed(self, is_pair: bool) -> int:
        """How many special tokens there are."""
        return sum(isinstance(part, int) for part, _ in (self.pair if is_pair else self.single))

    def around(self, a: list[int], b: list[int] | None, special: bool, name: Callable[[int], str | None]) -> Encoding:
        """The row of a text's ids, or of two; `special`: with the special tokens; `name`: the token of an id."""
        if b is not None and not self.pair:
            raise ValueError("pairs of texts need a token between them, as eos_token")
        out = Encoding([], [], [], [], [], [])
        before: list[int] = []
        for part, kind in self.single if b is None else self.pair:
            fixed = isinstance(part, int)
            if fixed and (not special or (self.once and before[-1:] == [part])):
                continue
            held = [part] if isinstance(part, int) else a if part == "A" else b or []
            before = held
            out.ids += held
            out.type_ids += [] if kind is None else [kind if special else 0] * len(held)
            out.special_tokens_mask += [int(fixed)] * len(held)
            out.sequence_ids += [None if fixed else int(part == "B")] * len(held)
        out.tokens = [name(index) or "" for index in out.ids]
        out.attention_mask = [1] * len(out.ids)
        return out


@dataclasses.dataclass
class Encoding:
    """A row: the fields of `tokenizers.Encoding` that such a tokenizer knows."""

    ids: list[int]
    type_ids: list[int]
    tokens: list[str]
    special_tokens_mask: list[int]
    sequence_ids: list[int | None]
    attention_mask: list[int]
    overflowing: list[Encoding] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_sequences(self) -> int:
        """How many texts there are."""
        return 2 if 1 in self.sequence_ids else 1

    def token_to_sequence(self, token: int) -> int | None:
        """0 or 1: the text of a token; None of special ones."""
        return self.sequence_ids[token]

    def __getattr__(self, name: str) -> Any:
        if name in PLACES:
            raise InputError("tokenizer", [f"{name} must not be asked of this class: it knows no places in texts"])
        raise AttributeError(name)

    def pad(self, length: int, direction: str, pad_id: int, pad_type_id: int, pad_token: str) -> None:
        """Fills the row, and what was cut off it, up to `length`."""
        for row in self.overflowing:
            row.pad(length, direction, pad_id, pad_type_id, pad_token)
        missing = max(0, length - len(self.ids))
        filler = {"ids": pad_id, "type_ids": pad_type_id, "tokens": pad_token}
        filler |= {"special_tokens_mask": 1, "sequence_ids": None}
        for name, value in {**filler, "attention_mask": 0}.items():
            held, more = getattr(self, name), [value] * missing
            setattr(self, name, held + more if direction == "right" else more + held)


def cut(a: list[int], b: list[int] | None, room: int, rule: Mapping[str, Any]) -> list[tuple[list[int], Any]]:
    """A text, or a pair of them, cut to `room` ids.

    What is cut from one of them follows in windows that share `stride` ids; a pair that is cut longest first has none.

    Args:
      rule: strategy, stride and direction, as `tokenizers.Tokenizer.truncation` has them.

    Raises:
      ValueError: the text that may be cut is too short, or the stride too long.
    """
    excess = len(a) + len(b or ()) - room
    if excess <= 0:
        return [(a, b)]
    left = rule["direction"] == "left"
    if rule["strategy"] == "longest_first" and b is not None:
        longer = min(abs(len(a) - len(b)), excess)
        half = (excess - longer) // 2
        from_a = half + longer if len(a) > len(b) else half
        return [(_keep(a, len(a) - from_a, left), _keep(b, len(b) - excess + from_a, left))]
    second = rule["strategy"] == "only_second"
    text = (b or []) if second else a
    if len(text) < excess:
        raise ValueError(f"the text to be cut must have at least the {excess} tokens too many, got {len(text)}")
    parts = _windows(text, len(text) - excess, rule["stride"], left)
    return [(a, part) if second else (part, b) for part in parts]


def _keep(text: list[int], size: int, left: bool) -> list[int]:
    """`size` ids from the end that is not cut."""
    return text[len(text) - size :] if left else text[:size]


def _windows(text: list[int], size: int, stride: int, left: bool) -> list[list[int]]:
    """Windows of at most `size` ids, from the end that is not cut on; each shares `stride` ids with the one before."""
    if size == 0:
        return [[]]
    if stride >= size:
        raise ValueError(f"stride must be less than the {size} tokens of a window, got {stride}")
    n = len(text)
    starts = range(0, max(n - stride, 1), size - stride)
    return [text[max(0, n - s - size) : n - s] if left else text[s : s + size] for s in starts]
