"""CLVP's bytes: BPE of English that is spelt out, with a token for a space that stands alone.

Paper: https://arxiv.org/abs/2305.07243.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxformers.tokenization.formats import files, merges, options, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.subwords import Merger
from jaxformers.tokenization.formats.tiktoken import letters
from jaxformers.tokenization.spelled_out import spelled_out

SPACE = "[SPACE]"
_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[a-z]+| ?[0-9]+| ?[^\sa-z0-9]+|\s+(?!\S)|\s+")


class Spelled(Scheme):
    """Byte-level BPE over words of ASCII.

    Args:
      pairs: the merges.
      errors: what becomes of bytes that are no letter, as of `bytes.decode`.
    """

    def __init__(self, vocab: Mapping[str, int], unk: str, pairs: Sequence[tuple[str, str]], errors: str):
        super().__init__(vocab, unk)
        self.errors, self.merge = errors, Merger(pairs, "")
        self.letters = letters()
        self.bytes = {letter: byte for byte, letter in enumerate(self.letters)}

    def split(self, text: str) -> list[str]:
        space = self.letters[ord(" ")]
        alone = SPACE if SPACE in self.vocab else space
        words = ["".join([self.letters[byte] for byte in word.encode()]) for word in _WORDS.findall(spelled_out(text))]
        return [alone if token == space else token for word in words for token in self.merge(word)]

    def join(self, tokens: list[str]) -> str:
        return bytes([self.bytes[c] for c in "".join(tokens) if c in self.bytes]).decode("utf-8", self.errors)

    def name(self, index: int) -> str | None:
        return self.names.get(index)


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.json and merges.txt; `add_bos_token` and `add_eos_token` as tokenizer_config.json says."""
    read = [files.need(directory, name) for name in ("vocab.json", "merges.txt")]
    vocab, (unk,) = files.vocabulary(read[0]), specials.required(directory, settings, "unk")
    specials.need(read[0], vocab, [unk])
    pairs = merges.pairs(read[1], files.text(read[1]).split("\n")[1:-1])
    ends = {role: options.flag(settings, f"add_{role}_token") for role in ("bos", "eos")}
    specials.required(directory, settings, *(role for role, wanted in ends.items() if wanted))

    def around(of: Callable[[str], int]) -> Template:
        """What stands around texts; the class gives it no type."""

        def one(text: str, kind: int) -> tuple[tuple[int | str, int | None], ...]:
            bos, eos = ([(of(role), None)] if ends[role] else [] for role in ("bos", "eos"))
            return (*bos, (text, kind), *eos)

        return Template(one("A", 0), (*one("A", 0), *one("B", 1)))

    scheme = Spelled(vocab, unk, pairs, options.word(settings, "errors", "replace"))
    return made(scheme, directory, settings, around, files=read)
