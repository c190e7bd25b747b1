"""`BatchEncoding`: what a tokenizer returns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers

from jaxformers.errors import InputError

KINDS = ("np", "jax")


class BatchEncoding(dict):
    """What a tokenizer returns: `input_ids`, `attention_mask`, ... by name, for `model(**encoding)`.

    Fields are attributes too. `encodings` holds the `tokenizers.Encoding` of every row; an integer index gives one.
    """

    def __init__(self, fields: Mapping[str, Any], encodings: Sequence[tokenizers.Encoding] = ()):
        super().__init__(fields)
        self.encodings = list(encodings)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}; it has {', '.join(self)}") from None

    def __getitem__(self, key: str | int) -> Any:
        return self.encodings[key] if isinstance(key, int) else super().__getitem__(key)

    def tokens(self, row: int = 0) -> list[str]:
        """The tokens of a row as strings."""
        return self.encodings[row].tokens

    def word_ids(self, row: int = 0) -> list[int | None]:
        """For each token of a row the index of its word; None for special tokens."""
        return self.encodings[row].word_ids

    @property
    def is_fast(self) -> bool:
        """Are there encodings to ask for places? Always, of a tokenizer's call."""
        return bool(self.encodings)

    @property
    def n_sequences(self) -> int | None:
        """1 for texts, 2 for pairs."""
        return self.encodings[0].n_sequences if self.encodings else None

    def char_to_token(self, row: int, char: int | None = None, sequence_index: int = 0) -> int | None:
        """The token that holds a letter; None for a space or what was cut off.

        With one number alone that is the letter, of the first row: so in all methods here.

        Args:
          row: of the batch.
          char: place of the letter in the text.
          sequence_index: 0 for the text, 1 for its pair.
        """
        return self._at(row, char, lambda e, i: e.char_to_token(i, sequence_index))

    def token_to_chars(self, row: int, token: int | None = None) -> tuple[int, int] | None:
        """Start and end of a token in its text; None for special tokens."""
        return self._at(row, token, lambda e, i: e.token_to_chars(_from_end(i, len(e))))

    def token_to_word(self, row: int, token: int | None = None) -> int | None:
        """The word that a token belongs to; None for special tokens."""
        return self._at(row, token, lambda e, i: e.token_to_word(_from_end(i, len(e))))

    def token_to_sequence(self, row: int, token: int | None = None) -> int | None:
        """0 if a token is of the text, 1 if of its pair; None for special tokens."""
        return self._at(row, token, lambda e, i: e.token_to_sequence(_from_end(i, len(e))))

    def word_to_tokens(self, row: int, word: int | None = None, sequence_index: int = 0) -> tuple[int, int] | None:
        """The first token of a word and the one behind its last."""
        return self._at(row, word, lambda e, i: e.word_to_tokens(i, sequence_index))

    def word_to_chars(self, row: int, word: int | None = None, sequence_index: int = 0) -> tuple[int, int] | None:
        """Start and end of a word in its text."""
        return self._at(row, word, lambda e, i: e.word_to_chars(i, sequence_index))

    def char_to_word(self, row: int, char: int | None = None, sequence_index: int = 0) -> int | None:
        """The word that a letter belongs to; None for a space."""
        return self._at(row, char, lambda e, i: e.char_to_word(i, sequence_index))

    def _at(self, row: int, place: int | None, ask: Callable[[tokenizers.Encoding, int], Any]) -> Any:
        row, place = (0, row) if place is None else (row, place)
        return ask(self.encodings[_from_end(row, len(self.encodings))], place)

    def convert_to_tensors(self, tensor_type: str | None = None) -> BatchEncoding:
        """Its fields as arrays, "np" or "jax", in place; returns itself."""
        if tensor_type is not None:
            single = any(np.ndim(v) == 1 and k in self for k, v in self.items() if k == "input_ids")
            self.update(arrays({k: [v] if single else v for k, v in self.items()}, tensor_type))
        return self

    def sequence_ids(self, row: int = 0) -> list[int | None]:
        """For each token of a row 0 (text) or 1 (its pair); None for special tokens."""
        return self.encodings[row].sequence_ids


def _from_end(i: int, n: int) -> int:
    return i + n if i < 0 else i


def _array(rows: list[Any]) -> np.ndarray:
    """Equally long rows of numbers (or of pairs of them) as int64."""
    if rows and isinstance(rows[0], list) and rows[0] and isinstance(rows[0][0], int):
        flat = itertools.chain.from_iterable(rows)  # much faster than NumPy's own reading of nested lists
        return np.fromiter(flat, np.int64, len(rows) * len(rows[0])).reshape(len(rows), -1)
    return np.asarray(rows, np.int64)


def arrays(fields: dict[str, Any], kind: str) -> dict[str, Any]:
    """Lists of rows as arrays, int64 of NumPy ("np") or int32 of JAX ("jax").

    Raises:
      InputError: rows differ in length, or there is no such kind.
    """
    if kind not in KINDS:
        raise InputError("tokenizer", [f"return_tensors must be None, 'np' or 'jax', got {kind!r}"])
    lengths = {len(row) for row in next(iter(fields.values()))}
    if len(lengths) > 1:
        problem = f"rows must be equally long for return_tensors={kind!r}, got {min(lengths)} to {max(lengths)} tokens"
        raise InputError("tokenizer", [problem], "pass padding=True, and truncation=True for a limit")
    arrays = {name: _array(value) for name, value in fields.items()}
    if kind == "np":
        return arrays
    import jax.numpy as jnp

    return {name: jnp.asarray(value.astype(np.int32)) for name, value in arrays.items()}
