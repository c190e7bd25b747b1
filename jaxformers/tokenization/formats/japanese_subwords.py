"""Japanese subwords that never mix kinds of letters: GPT-NeoX-Japanese and GPTSAN.

Code: https://github.com/tanreinama/Japanese-BPEEncoder_V2. A line of vocab.txt holds the ways to write one token, with
commas between; emoji.json says which pictures are one token.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.japanese_cleaning import cleaned
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Encoding, Template
from jaxformers.tokenization.formats.scheme import Scheme

# What stands for the tokens of white space and of letters that no one needs to tell apart.
SHOWN = {"<SP>": " ", "<BR>": "\n", "<TAB>": "\t", "<BLOCK>": "▀", "<KIGOU>": "ǀ", "<U2000U2BFF>": "‖"}
AGAIN = "<|bagoftoken|>"  # stands for three more of the word before
_PLAIN = {
    " ": "<SP>",
    "\u3000": "<SP>",
    "\r\n": "<BR>",
    "\n": "<BR>",
    "\r": "<BR>",
    "\t": "<TAB>",
    "—": "ー",
    "−": "ー",
}
_SYMBOLS = re.compile("[\u00a1-\u00bf\u01c0-\u01c3\u02b9-\u0362]")
_SIGNS = re.compile("[\u2000-\u2bff]")
_BYTE = re.compile(r"<\|byte(\d+)\|>")


class Subwords(Scheme):
    """Tokens of at most three letters, or those in angle brackets; of several that fit, the one with the lowest id.

    Args:
      lines: the ways to write each token, the usual one first.
      emoji: `{picture: token}`.
      pictures: `{token: picture}`.
      cleans: do addresses, telephone numbers, dates and prices have tokens of their own?
    """

    def __init__(
        self,
        lines: list[list[str]],
        unk: str,
        emoji: Mapping[str, str],
        pictures: Mapping[str, str],
        cleans: bool,
    ):
        super().__init__({text: i for i, line in enumerate(lines) for text in line}, unk)
        self.names = {i: line[0] for i, line in enumerate(lines)}
        self.lines = {",".join(line): i for i, line in enumerate(lines)}
        self.emoji, self.pictures, self.cleans = dict(emoji), dict(pictures), cleans
        self.longest = max(map(len, self.vocab), default=0)

    def split(self, text: str) -> list[str]:
        for old, new in (*_PLAIN.items(), *self.emoji.items()):
            text = text.replace(old, new)
        if self.cleans:
            text = cleaned(text)
        out: list[str] = []
        at = 0
        while at < len(text):
            token = self._token(text, at)
            out += [token] if token else _unknown(text[at])
            at += len(token) or 1
        return out

    def _token(self, text: str, at: int) -> str:
        """The token at a place, or nothing."""
        best = ""
        for end in range(at + (self.longest + 1 if text[at] == "<" else 3), at, -1):
            held = text[at:end]
            if held not in self.vocab:
                continue
            if held[0] == "<" and len(held) > 2:
                return held
            if not best or self.vocab[held] < self.vocab[best]:
                best = held
        return best

    def name(self, index: int) -> str | None:
        """The text of a token."""
        token = self.names.get(index)
        if token is None:
            return None
        byte = _BYTE.fullmatch(token)
        return bytes([int(byte[1])]).decode(errors="replace") if byte else self.shown(token)

    def shown(self, token: str) -> str:
        """The text of a token that is no byte."""
        return self.pictures.get(token) or SHOWN.get(token, token)

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens).strip()

    def size(self) -> int:
        return len(self.lines)

    def all(self) -> dict[str, int]:
        return dict(self.lines)


class Repeated(Subwords):
    """GPTSAN: bytes are put together, a token stands for more of the last word, and special ones for nothing."""

    def name(self, index: int) -> str | None:
        return self.names.get(index)

    def join(self, tokens: list[str]) -> str:
        words: list[str] = []
        waiting = bytearray()
        for token in [*tokens, ""]:
            byte = _BYTE.fullmatch(token)
            if byte:
                waiting.append(int(byte[1]))
                continue
            if waiting:
                words.append(waiting.decode(errors="replace"))
                waiting.clear()
            if token == AGAIN:
                words += words[-1:] * 3
            else:
                word = self.shown(token)
                words.append("" if word.startswith("<|") and word.endswith("|>") else word)
        return "".join(words)


@dataclasses.dataclass(frozen=True)
class Prefixed(Template):
    """Tokens in front of the first `sep` of the first text are of type 1: they see each other.

    Args:
      sep: its id; None if the vocabulary lacks it.
    """

    sep: int | None = None

    def around(self, a: list[int], b: list[int] | None, special: bool, name: Callable[[int], str | None]) -> Encoding:
        out = super().around(a, b, special, name)
        if special:
            first = a.index(self.sep) if self.sep in a else 0
            out.type_ids = [int(i < first) for i in range(len(out.ids))]
        return out


def _unknown(letter: str) -> Iterable[str]:
    if _SYMBOLS.match(letter):
        return ["<KIGOU>"]
    if _SIGNS.match(letter):
        return ["<U2000U2BFF>"]
    return [f"<|byte{byte}|>" for byte in letter.encode()]


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.txt and emoji.json; `do_clean_text` as tokenizer_config.json says."""
    file, pictures = files.need(directory, "vocab.txt"), files.need(directory, "emoji.json")
    (unk,) = specials.required(directory, settings, "unk")
    emoji, back = _emoji(pictures)
    held = _lines(file, stem)
    kind = Repeated if stem == "gptsanjapanese" else Subwords
    scheme = kind(held, unk, emoji, back, options.flag(settings, "do_clean_text"))
    specials.need(file, scheme.vocab, [unk])

    parted = Prefixed(sep=scheme.find(specials.names(settings, "sep").get("sep", "")))
    template = parted if kind is Repeated else Template()
    return made(scheme, directory, settings, lambda of: template, files=[file, pictures])


def _lines(file: pathlib.Path, stem: str) -> list[list[str]]:
    """The ways to write each token; a comma alone is a token where the class takes it for one."""
    held = files.text(file).split("\n")
    last = len(held) - 1
    if held[-1] == "":
        held.pop()
    comma = [line == "," and (i < last) == (stem == "gptsanjapanese") for i, line in enumerate(held)]
    return [[line] if alone else line.split(",") for line, alone in zip(held, comma, strict=True)]


def _emoji(file: pathlib.Path) -> tuple[dict[str, str], dict[str, str]]:
    """`{picture: token}` and `{token: picture}`."""
    try:
        value: Any = json.loads(file.read_text(encoding="utf-8"))
        parts = [value["emoji"], value["emoji_inv"]]
        fits = all(isinstance(x, str) for part in parts for pair in part.items() for x in pair)
    except (OSError, ValueError, RecursionError, AttributeError, LookupError, TypeError):
        fits = False
    if not fits:
        raise CheckpointError(str(file), ["must hold an object of emoji (picture: token) and emoji_inv (back)"])
    return parts[0], parts[1]
