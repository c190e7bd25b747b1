"""SigLIP's SentencePiece: punctuation is left out before text is cut. Paper: https://arxiv.org/abs/2303.15343."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import string
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.tokenization.formats import files, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.sentencepiece_exact import SPACE, Processor
from jaxformers.tokenization.formats.sentencepiece_scheme import Pieces, Style
from jaxformers.tokenization.formats.sentencepiece_slow import processor_of, special_of

_MARKS = str.maketrans("", "", string.punctuation)


def bare(text: str) -> str:
    """A text without the punctuation of ASCII."""
    return text.translate(_MARKS)


def canonical(text: str, kept: str | None = None) -> str:
    """A text without punctuation and with single spaces; `kept` stays wherever it stands as it is."""
    text = kept.join(map(bare, text.split(kept))) if kept else bare(text)
    return re.sub(r"\s+", " ", text).strip()


class Pictured(Pieces):
    """Every text and every part between added tokens is cut behind the unknown token, which is then taken away."""

    def __init__(self, *arguments, lower: bool):
        super().__init__(*arguments)
        self.lower = lower
        self.front = len(self.processor.encode(str(self.unk)))

    def prepare(self, text: str, word: bool) -> str:
        return SPACE + text.replace(SPACE, " ")

    def split(self, text: str) -> list[str]:
        found = self.processor.encode(f"{self.unk}{canonical(text)}")
        return found[self.front :] if len(found) >= self.front else found

    def whole(self, tokens: list[str]) -> list[str]:
        return tokens[1:] if tokens[:1] == [SPACE] and tokens[1:2] and tokens[1] in self.special else tokens


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads spiece.model, and of tokenizer_config.json also `do_lower_case`."""
    file = files.need(directory, "spiece.model")
    model = dataclasses.replace(processor_of(file).model, add_dummy_prefix=False)
    unk, _ = specials.required(directory, settings, "unk", "eos")
    lower = bool(settings.get("do_lower_case", True))
    processor = Processor(model)
    scheme = Pictured(processor.ids, unk, processor, special_of(settings), Style(before=" "), lower=lower)
    flags = {role: {"lstrip": True, "rstrip": True} for role in ("eos", "unk", "pad")}

    def around(of: Callable[[str], int]) -> Template:
        end = (of("eos"), 0)
        return Template((("A", 0), end), (("A", 0), end, ("B", 0), end), once=True)

    return made(scheme, directory, settings, around, flags, files=[file])
