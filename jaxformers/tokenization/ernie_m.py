"""`ErnieMTokenizer`: tells where its tokens stand in a text.

Paper: https://arxiv.org/abs/2012.15674.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats.sentencepiece_exact import SPACE


class ErnieMTokenizer(FastTokenizer):
    """A tokenizer with calls for the places of tokens, which its rows do not know."""

    def convert_ids_to_string(self, ids: Iterable[int]) -> str:
        """The text of ids, special tokens among it as they are."""
        return self.convert_tokens_to_string(self.convert_ids_to_tokens(list(ids)))

    def get_offset_mapping(self, text: str) -> list[tuple[int, int]]:
        """Start and end in a text of each of its tokens, without the special ones around it.

        Raises:
          InputError: `text` is no string, or the model cleans it in a way that its letters are not found again.
        """
        letters, places = "", []
        for i, letter in enumerate(text if isinstance(text, str) else ""):
            letter = unicodedata.normalize("NFKC", letter)
            if letter not in tuple(" \t\n\r") and not (len(letter) == 1 and unicodedata.category(letter) == "Zs"):
                letters += letter
                places += [i] * len(letter)
        backend: Any = self.backend
        if backend.scheme.lower:
            letters = letters.lower()
        out, at = [], 0
        for token in self.tokenize(text):
            word = token.removeprefix(SPACE)
            start = letters.find(word, at)
            if start < 0 or start + len(word) > len(places):
                problem = f"text must hold its tokens as they are, got {token!r:.60} of {text!r:.60}"
                raise InputError("get_offset_mapping", [problem])
            at = start + len(word)
            out.append((places[start], places[at - 1] + 1))
        return out
