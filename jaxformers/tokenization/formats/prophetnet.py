"""ProphetNet's word pieces: BERT's, from a list of tokens, with what ends a text behind it.

Paper: https://arxiv.org/abs/2001.04063.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.basic_words import Basic, WordPieces
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
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


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads prophetnet.tokenizer, and of tokenizer_config.json what BERT's words are made by."""
    file = files.need(directory, "prophetnet.tokenizer")
    vocab = {token: i for i, token in enumerate(files.lines(file))}
    unk, sep = specials.required(directory, settings, "unk", "sep")
    specials.need(file, vocab, [unk, sep])
    kept = settings.get("never_split") or []
    if not isinstance(kept, list | tuple) or not all(isinstance(word, str) for word in kept):
        problem = f"never_split must be a list of words, got {kept!r:.60}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    special = [*specials.names(settings).values(), *(str(specials.text(t)) for t in specials.additional(settings))]
    accents = None if settings.get("strip_accents") is None else options.flag(settings, "strip_accents")
    letters = options.flag(settings, "tokenize_chinese_chars", True)
    words = Basic(options.flag(settings, "do_lower_case", True), [*kept, *special], accents, letters)
    basic = options.flag(settings, "do_basic_tokenize", True)
    scheme = Pieced(vocab, unk, words if basic else None, frozenset(kept))

    def around(of: Callable[[str], int]) -> Template:
        end = (of("sep"), 0)
        return Template((("A", 0), end), (("A", 0), end, ("B", 1), (of("sep"), 1)))

    return made(scheme, directory, settings, around, files=[file])
