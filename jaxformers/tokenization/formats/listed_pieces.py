"""SentencePiece's pieces under the ids of a list of tokens: ERNIE-M and BARTpho.

Papers: https://arxiv.org/abs/2012.15674, https://arxiv.org/abs/2109.09701.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.sentencepiece_exact import SPACE
from jaxformers.tokenization.formats.sentencepiece_scheme import Pieces, Style
from jaxformers.tokenization.formats.sentencepiece_slow import processor_of, special_of

MODEL = "sentencepiece.bpe.model"
_ALONE = re.compile("[\u4e00-\u9fff,;:.?!~，；：。？！《》【】]")  # letters that are tokens by themselves


class Apart(Pieces):
    """Pieces that are cut again: Chinese letters and punctuation marks stand alone, digits apart from letters."""

    def __init__(self, *arguments, lower: bool):
        super().__init__(*arguments)
        self.lower = lower

    def split(self, text: str) -> list[str]:
        pieces = self.processor.encode(text)
        out: list[str] = []
        for i, piece in enumerate(pieces):
            if piece != SPACE:
                out += _cut(piece)
            elif i and pieces[i + 1 : i + 2] and not pieces[i + 1].startswith(SPACE):
                out.append(piece)
        return out


def _cut(piece: str) -> list[str]:
    out, start = [], 0

    def take(end: int) -> None:
        if end > start and piece[start:end] != SPACE:
            out.append(piece[start:end])

    for i, letter in enumerate(piece):
        if letter == SPACE:
            continue
        if _ALONE.match(letter):
            take(i)
            out.append(letter)
            start = i + 1
        elif i and letter.isdigit() != piece[i - 1].isdigit():
            take(i)
            start = i
    return [*out, piece[start:]] if start < len(piece) else out


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads sentencepiece.bpe.model and the list of tokens, vocab.txt (ERNIE-M) or dict.txt (BARTpho)."""
    return BUILDERS[stem](directory, settings)


def _ernie_m(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    model = files.need(directory, MODEL)
    processor, listed = processor_of(model), directory / "vocab.txt"
    vocab = {t: i for i, t in enumerate(files.lines(listed))} if listed.is_file() else processor.ids
    unk, *ends = specials.required(directory, settings, "unk", "sep", "cls")
    read = [listed, model] if listed.is_file() else [model]
    specials.need(read[0], vocab, [unk, *ends])
    lower = options.flag(settings, "do_lower_case")
    scheme = Apart(vocab, unk, processor, special_of(settings), Style(plain=True), lower=lower)
    return made(scheme, directory, settings, lambda of: _two(of, 1), files=read)


def _bartpho(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    model, listed = files.need(directory, MODEL), files.need(directory, "dict.txt")
    roles = ("bos", "pad", "eos", "unk", "sep", "cls")
    tokens = specials.required(directory, settings, *roles)
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    for number, line in enumerate(files.lines(listed), 1):
        if not line.split():
            raise CheckpointError(str(listed), [f"line {number} must be a token and its count, got {line!r:.60}"])
        vocab[line.split()[0]] = len(vocab)
    for mask in specials.names(settings, "mask").values():
        vocab.setdefault(mask, len(vocab))
    scheme = Pieces(vocab, tokens[3], processor_of(model), special_of(settings), Style(plain=True))
    flags = {"mask": {"lstrip": True, "normalized": True}}
    return made(scheme, directory, settings, lambda of: _two(of, 0), flags, files=[model, listed])


def _two(of: Callable[[str], int], kind: int) -> Template:
    """`cls` text `sep`, of a pair twice `sep` between, which has the second text's type."""
    start, end = ((of("cls"), 0), ("A", 0)), (of("sep"), kind)
    return Template((*start, (of("sep"), 0)), (*start, end, end, ("B", kind), end))


BUILDERS = {"bartpho": _bartpho, "erniem": _ernie_m}
