"""`BatchEncoding`: what a tokenizer returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tokenizers

from jaxformers.errors import InputError
from jaxformers.tokenization.tensors import arrays


class CharSpan(NamedTuple):
    """Letters of a text, from `start` to before `end`."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens of a row, from `start` to before `end`."""

    start: int
    end: int


class BatchEncoding(dict):
    """What a tokenizer returns: `input_ids`, `attention_mask`, ... by name, for `model(**encoding)`.

    Fields are attributes too. `encodings` holds the `tokenizers.Encoding` of every row; an integer index gives one, a
    slice several.

    Args:
      data: the fields.
      encoding: those of the rows, or that of the only one.
      tensor_type, prepend_batch_axis: see `convert_to_tensors`.
      pad: how to pad the encodings once they are asked for, as `tokenizers.Encoding.pad` takes it.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        encoding: Sequence[tokenizers.Encoding] | tokenizers.Encoding = (),
        tensor_type: str | None = None,
        prepend_batch_axis: bool = False,
        pad: Mapping[str, Any] | None = None,
    ):
        super().__init__(data or {})
        self._encodings = [encoding] if isinstance(encoding, tokenizers.Encoding) else list(encoding or ())
        self._pad = pad
        if tensor_type is not None:
            self.convert_to_tensors(tensor_type, prepend_batch_axis)

    @property
    def encodings(self) -> list[tokenizers.Encoding]:
        """The encodings of the rows."""
        if self._pad is not None:
            for encoding in self._encodings:
                encoding.pad(**self._pad)
            self._pad = None
        return self._encodings

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}; it has {', '.join(self)}") from None

    def __getitem__(self, key: str | int | slice) -> Any:
        return self.encodings[key] if isinstance(key, int | slice) else super().__getitem__(key)

    # -------------------------------------------------------------------------------------------- arrays

    def convert_to_tensors(self, tensor_type: str | None = None, prepend_batch_axis: bool = False) -> BatchEncoding:
        """Its fields as arrays, "np" or "jax", in place; returns itself.

        Args:
          tensor_type: None leaves them as they are.
          prepend_batch_axis: make rows of one text [1, S].
        """
        if tensor_type is not None:
            self.update(arrays({k: [v] if prepend_batch_axis else v for k, v in self.items()}, tensor_type))
        return self

    def to(self, device: Any) -> BatchEncoding:
        """Its fields as JAX arrays on a device, in place; returns itself.

        Args:
          device: a `jax.Device`, a sharding, or the name of a platform: "cpu", "gpu", "tpu".
        """
        import jax

        where = jax.devices(device)[0] if isinstance(device, str) else device
        self.update({name: jax.device_put(value, where) for name, value in arrays(dict(self), "jax").items()})
        return self

    # -------------------------------------------------------------------------------------------- rows

    @property
    def is_fast(self) -> bool:
        """Are there encodings that know places in the texts?"""
        return bool(self.encodings) and all(isinstance(e, tokenizers.Encoding) for e in self.encodings)

    @property
    def n_sequences(self) -> int | None:
        """1 for texts, 2 for pairs; None if that is not known."""
        return self.encodings[0].n_sequences if self.encodings else None

    def tokens(self, batch_index: int = 0) -> list[str]:
        """The tokens of a row as strings."""
        return self._row(batch_index).tokens

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """For each token of a row the index of its word; None for special tokens."""
        return self._row(batch_index).word_ids

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """For each token of a row 0 (text) or 1 (its pair); None for special tokens."""
        return self._row(batch_index).sequence_ids

    # -------------------------------------------------------------------------------------------- places
    # With one number alone that is the letter, token or word, of the first row.

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The token that holds a letter; None for a space or what was cut off.

        Args:
          batch_or_char_index: the row; alone, the letter.
          char_index: place of the letter in the text.
          sequence_index: 0 for the text, 1 for its pair.
        """
        return self._at(batch_or_char_index, char_index, lambda e, i: e.char_to_token(i, sequence_index))

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The word that a letter belongs to; None for a space."""
        return self._at(batch_or_char_index, char_index, lambda e, i: e.char_to_word(i, sequence_index))

    def token_to_chars(self, batch_or_token_index: int, token_index: int | None = None) -> CharSpan | None:
        """The letters of a token in its text; None for special tokens."""
        found = self._at(batch_or_token_index, token_index, lambda e, i: e.token_to_chars(_from_end(i, len(e))))
        return None if found is None else CharSpan(*found)

    def token_to_word(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """The word that a token belongs to; None for special tokens."""
        return self._at(batch_or_token_index, token_index, lambda e, i: e.token_to_word(_from_end(i, len(e))))

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """0 if a token is of the text, 1 if of its pair; None for special tokens."""
        return self._at(batch_or_token_index, token_index, lambda e, i: e.token_to_sequence(_from_end(i, len(e))))

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """The tokens of a word; None if there are none."""
        found = self._at(batch_or_word_index, word_index, lambda e, i: e.word_to_tokens(i, sequence_index))
        return None if found is None else TokenSpan(*found)

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan | None:
        """The letters of a word in its text; None if there is no such word."""
        found = self._at(batch_or_word_index, word_index, lambda e, i: e.word_to_chars(i, sequence_index))
        return None if found is None else CharSpan(*found)

    def _row(self, index: int) -> tokenizers.Encoding:
        if not self.encodings:
            raise InputError("BatchEncoding", ["places and tokens are known of what a tokenizer's call returns only"])
        return self.encodings[index]

    def _at(self, row: int, place: int | None, ask: Callable[[tokenizers.Encoding, int], Any]) -> Any:
        row, place = (0, row) if place is None else (row, place)
        return ask(self._row(row), place)


def _from_end(i: int, n: int) -> int:
    return i + n if i < 0 else i
