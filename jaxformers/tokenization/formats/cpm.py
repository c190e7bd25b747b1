"""Chinese text of CPM, in SentencePiece's pieces, and of CPM-Ant, whose words a dictionary cuts.

CPM: https://arxiv.org/abs/2012.00413. Words need the `rjieba` library: `pip install "jaxformers[jieba]"`.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.sentencepiece_commas import Commas
from jaxformers.tokenization.formats.sentencepiece_exact import SPACE, Processor
from jaxformers.tokenization.formats.sentencepiece_model import read

LONGEST = 200  # letters of a word; longer ones are unknown


def words(text: str) -> list[str]:
    """The words of a Chinese text.

    Raises:
      InputError: the library that cuts them is not installed.
    """
    try:
        import rjieba
    except ImportError:
        problem = "this class needs the rjieba library, which is not installed"
        raise InputError("tokenizer", [problem], "pip install 'jaxformers[jieba]'") from None
    return rjieba.cut(text, False)


class Chinese(Scheme):
    """The pieces of a SentencePiece model."""

    def __init__(self, processor: Processor, strips: bool, accents: bool, lower: bool):
        super().__init__(processor.ids, processor.model.texts[processor.model.unk_id])
        self.cut, self.lower = Commas(processor, strips, accents, lower), lower

    def split(self, text: str) -> list[str]:
        return self.cut(text)

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens).replace(SPACE, " ").strip()


class Ants(Scheme):
    """The longest tokens of each word; letters that none begins with are unknown."""

    def __init__(self, vocab: Mapping[str, int], unk: str):
        super().__init__(vocab, unk)
        self.longest = max(map(len, vocab), default=0)

    def split(self, text: str) -> list[str]:
        return [token for word in words(text) for token in self._tokens(word)]

    def _tokens(self, word: str) -> Iterator[str]:
        if len(word) > LONGEST:
            yield self.unk or ""
            return
        at = 0
        while at < len(word):
            ends = range(min(at + self.longest, len(word)), at, -1)
            token = next((word[at:end] for end in ends if word[at:end] in self.vocab), "")
            yield token or self.unk or ""
            at += len(token) or 1

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens)


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads spiece.model (CPM) or vocab.txt (CPM-Ant)."""
    return _ants(directory, settings) if stem == "cpmant" else _chinese(directory, settings)


def additional(stem: str, settings: Mapping[str, Any]) -> list[Any]:
    """The `additional_special_tokens`: those of the settings or, of CPM, the ends of paragraphs and documents."""
    if stem == "cpm" and settings.get("additional_special_tokens") is None:
        return ["<eop>", "<eod>"]
    return specials.additional(settings)


def _chinese(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    file = files.need(directory, "spiece.model")
    specials.required(directory, settings, "unk", "sep", "cls")
    flags = [
        options.flag(settings, key, key == "remove_space") for key in ("remove_space", "keep_accents", "do_lower_case")
    ]
    settings = {**settings, "additional_special_tokens": additional("cpm", settings)}

    def around(of: Callable[[str], int]) -> Template:
        sep, cls = of("sep"), (of("cls"), 2)
        return Template((("A", 0), (sep, 0), cls), (("A", 0), (sep, 0), ("B", 1), (sep, 1), cls))

    scheme = Chinese(Processor(read(file)), *flags)
    return made(scheme, directory, settings, around, {"mask": {"lstrip": True}}, files=[file])


def _ants(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    words("")
    file = files.need(directory, "vocab.txt")
    vocab = {token: i for i, token in enumerate(files.lines(file))}
    unk, _ = specials.required(directory, settings, "unk", "bos")
    marks = {" ": str(settings["space_token"]), "\n": str(settings["line_token"])}
    specials.need(file, vocab, [unk, *marks.values(), str(settings["bod_token"]), str(settings["eod_token"])])
    for letter, token in marks.items():  # which files can not hold
        vocab[letter] = vocab.pop(token)

    def around(of: Callable[[str], int]) -> Template:
        start = (of("bos"), None)
        return Template((start, ("A", 0)), (start, ("A", 0), start, ("B", 1)))

    return made(Ants(vocab, unk), directory, settings, around, files=[file])
