"""`Decoding`: token ids as text; a part of every tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.formats.python_backend import PythonBackend


def row(token_ids: Any) -> list[int]:
    """The ids [S] of a list, a NumPy or JAX array, or of one id.

    Raises:
      InputError: ids are no integers, negative, or rows of them.
    """
    array = np.atleast_1d(np.asarray(token_ids))
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu") or (array < 0).any():
        problem = f"ids must be non-negative integers of shape [S], got {array.dtype}{list(array.shape)}"
        raise InputError("tokenizer.decode", [problem], "use batch_decode for rows of ids")
    return array.astype(np.int64).tolist()


class Decoding:
    """Text of ids and of tokens."""

    backend: Any
    clean_up_tokenization_spaces: bool

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,
    ) -> str:
        """The text of token ids [S] (a list, NumPy or JAX array, or one id).

        Args:
          token_ids: none of them negative.
          skip_special_tokens: leave special tokens out.
          clean_up_tokenization_spaces: undo the spaces before English punctuation; None as the checkpoint says.
          spaces_between_special_tokens: of classes in Python, which part added tokens from the text around them by
            spaces: do they?

        Raises:
          InputError: ids are no integers, negative, or rows of them.
        """
        text = self._text(row(token_ids), bool(skip_special_tokens), " " if spaces_between_special_tokens else "")
        return self._cleaned(text, clean_up_tokenization_spaces)

    def _cleaned(self, text: str, clean: bool | None) -> str:
        return (
            self.clean_up_tokenization(text)
            if (self.clean_up_tokenization_spaces if clean is None else clean)
            else text
        )

    def _text(self, ids: list[int], skip_special_tokens: bool, between: str = " ") -> str:
        apart = {"between": between} if isinstance(self.backend, PythonBackend) else {}
        return self.backend.decode(ids, skip_special_tokens=skip_special_tokens, **apart)

    def batch_decode(self, sequences: Iterable[Any], **options: Any) -> list[str]:
        """`decode` of every row of ids [B, S]; rows may differ in length."""
        return [self.decode(row, **options) for row in sequences]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """The text of tokens, which need not be in the vocabulary."""
        if isinstance(self.backend, PythonBackend):
            return self.backend.scheme.join(list(tokens))
        decoder = self.backend.decoder
        return " ".join(tokens) if decoder is None else decoder.decode(list(tokens))

    @staticmethod
    def clean_up_tokenization(out_string: str) -> str:
        """Undoes the spaces that word-level tokens leave before English punctuation and contractions."""
        text = out_string
        for tail in (".", "?", "!", ","):
            text = text.replace(f" {tail}", tail)
        text = text.replace(" ' ", "'")
        for tail in ("n't", "'m", "'s", "'ve", "'re"):
            text = text.replace(f" {tail}", tail)
        return text
