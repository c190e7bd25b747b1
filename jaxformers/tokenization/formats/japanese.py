"""BERT for Japanese: words of an analyser, cut into word pieces, letters or SentencePiece's pieces."""

from __future__ import annotations

import pathlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.basic_words import Basic, WordPieces
from jaxformers.tokenization.formats.japanese_words import ANALYSERS, CONFIG
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.sentencepiece_commas import Commas
from jaxformers.tokenization.formats.sentencepiece_exact import Processor
from jaxformers.tokenization.formats.sentencepiece_model import read

Cut = Callable[[str], Iterable[str]]


class Words(Scheme):
    """Words, each cut into tokens.

    Args:
      words, parts: cut a text into words, and a word into tokens; None leaves it whole.
    """

    def __init__(self, vocab: Mapping[str, int], unk: str, words: Cut | None, parts: Cut | None, lower: bool):
        super().__init__(vocab, unk)
        self.words, self.parts, self.lower = words, parts, lower

    def split(self, text: str) -> list[str]:
        words = [text] if self.words is None else list(self.words(text))
        return words if self.parts is None else [token for word in words for token in self.parts(word)]

    def join(self, tokens: list[str]) -> str:
        return " ".join(tokens).replace(" ##", "").strip()


class Pieced(Words):
    """Tokens that are pieces of a SentencePiece model, which has its own unknown piece."""

    def __init__(self, processor: Processor, words: Cut | None, parts: Cut | None, lower: bool):
        super().__init__(processor.ids, processor.model.texts[processor.model.unk_id], words, parts, lower)
        self.processor = processor

    def join(self, tokens: list[str]) -> str:
        return self.processor.decode(tokens)


class Letters:
    """The letters of a word."""

    def __init__(self, vocab: Mapping[str, int], unk: str):
        self.vocab, self.unk = vocab, unk

    def __call__(self, word: str) -> list[str]:
        return [c if c in self.vocab else self.unk for c in unicodedata.normalize("NFKC", word)]


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.txt or, of SentencePiece's pieces, spiece.model."""
    unk, *_ = specials.required(directory, settings, "unk", "sep", "cls")
    lower, words = options.flag(settings, "do_lower_case"), _words(settings)
    kind = _one_of(settings, "subword_tokenizer_type", "wordpiece", "character", "sentencepiece")
    whole = not options.flag(settings, "do_subword_tokenize", True)
    scheme: Words
    if kind == "sentencepiece":
        file = files.need(directory, "spiece.model")
        processor = Processor(read(file))
        scheme = Pieced(processor, words, None if whole else Commas(processor), lower)
    else:
        file = files.need(directory, "vocab.txt")
        vocab = {token: i for i, token in enumerate(files.lines(file))}
        specials.need(file, vocab, [unk])
        parts = (WordPieces if kind == "wordpiece" else Letters)(vocab, unk)
        scheme = Words(vocab, unk, words, None if whole else parts, lower)

    def around(of: Callable[[str], int]) -> Template:
        start, end = ((of("cls"), 0), ("A", 0), (of("sep"), 0)), (("B", 1), (of("sep"), 1))
        return Template(start, (*start, *end))

    return made(scheme, directory, settings, around, files=[file])


def _words(settings: Mapping[str, Any]) -> Cut | None:
    """What cuts text into words, as the settings want it."""
    kind = _one_of(settings, "word_tokenizer_type", "basic", *ANALYSERS)
    lower, kept = options.flag(settings, "do_lower_case"), settings.get("never_split") or []
    if not isinstance(kept, list | tuple) or not all(isinstance(token, str) for token in kept):
        raise CheckpointError(CONFIG, [f"never_split must be a list of words, got {kept!r:.60}"])
    kept = {*kept, *specials.names(settings).values(), *map(str, map(specials.text, specials.additional(settings)))}
    if not options.flag(settings, "do_word_tokenize", True):
        return None
    if kind == "basic":
        return Basic(lower, kept)
    analyser = ANALYSERS[kind]
    held = settings.get(analyser.name) or {}
    if not isinstance(held, Mapping):
        raise CheckpointError(CONFIG, [f"{analyser.name} must be an object, got {held!r:.60}"])
    return analyser(held, lower, kept)


def _one_of(settings: Mapping[str, Any], name: str, *known: str) -> str:
    got = options.word(settings, name, known[0])
    if got not in known:
        raise CheckpointError(CONFIG, [f"{name} must be one of {', '.join(known)}, got {got!r:.60}"])
    return got
