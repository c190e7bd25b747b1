"""Word pieces of BERT's words, in Python: for settings and classes that the `tokenizers` library has not."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import options, specials
from jaxformers.tokenization.formats.basic_words import Basic, WordPieces
from jaxformers.tokenization.formats.scheme import Scheme


class Pieced(Scheme):
    """Word pieces of words.

    Args:
      words: cuts a text into words; None leaves that to white space.
      kept: words that are tokens as they are.
    """

    def __init__(self, vocab: Mapping[str, int], unk: str, words: Basic | None, kept: frozenset[str]):
        super().__init__(vocab, unk)
        self.words, self.kept, self.pieces = words, kept, WordPieces(vocab, unk)

    def split(self, text: str) -> list[str]:
        if self.words is None:
            return self.pieces(text)
        return [t for word in self.words(text) for t in ([word] if word in self.kept else self.pieces(word))]

    def join(self, tokens: list[str]) -> str:
        return " ".join(tokens).replace(" ##", "").strip()


def pieced(directory: pathlib.Path, settings: Mapping[str, Any], vocab: Mapping[str, int]) -> Pieced:
    """The scheme of a vocabulary, as tokenizer_config.json has it.

    `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` are of words; `never_split` lists some that are not
    cut; `do_basic_tokenize: false` leaves words to white space.

    Raises:
      CheckpointError: a setting has a value that it can not have.
    """
    (unk,) = specials.required(directory, settings, "unk")
    kept = settings.get("never_split") or []
    if not isinstance(kept, list | tuple) or not all(isinstance(word, str) for word in kept):
        problem = f"never_split must be a list of words, got {kept!r:.60}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    special = [*specials.names(settings).values(), *(str(specials.text(t)) for t in specials.additional(settings))]
    accents = None if settings.get("strip_accents") is None else options.flag(settings, "strip_accents")
    letters = options.flag(settings, "tokenize_chinese_chars", True)
    words = Basic(options.flag(settings, "do_lower_case", True), [*kept, *special], accents, letters)
    basic = options.flag(settings, "do_basic_tokenize", True)
    return Pieced(vocab, unk, words if basic else None, frozenset(kept))
