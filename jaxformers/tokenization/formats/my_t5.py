"""MyT5's bytes: those of UTF-8, rewritten so that words of all languages take about as many.

Paper: https://arxiv.org/abs/2403.10691.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import characters, files
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.scheme import Scheme

FILE = "byte_maps.json"
PARTS = ("decompose_map", "merge_map")  # marks apart from their letters, then what is common made short
_BYTES = re.compile("[0-9a-f]{2}(?: [0-9a-f]{2})*")


class Rewriter:
    """Puts other bytes, as two hexadecimal digits each, for the longest sequence at each place.

    Args:
      rules: sequences of bytes with spaces between them.
    """

    def __init__(self, rules: Mapping[str, str]):
        self.rules = {tuple(old.split()): new.split() for old, new in rules.items()}
        self.longest: dict[str, int] = {}
        for old in self.rules:
            self.longest[old[0]] = max(self.longest.get(old[0], 0), len(old))

    def __call__(self, tokens: Sequence[str]) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(tokens):
            for end in range(min(at + self.longest.get(tokens[at], 1), len(tokens)), at, -1):
                new = self.rules.get(tuple(tokens[at:end]))
                if new is not None or end == at + 1:
                    out += [tokens[at]] if new is None else new
                    break
            at = end
        return out


class Rewritten(Scheme):
    """Bytes behind `first` special tokens, rewritten one way and back by the maps in turn."""

    def __init__(self, first: int, unk: str, maps: Sequence[Mapping[str, str]]):
        super().__init__({f"{byte:02x}": byte + first for byte in range(256)}, unk)
        self.there = [Rewriter(rules) for rules in maps]
        self.back = [Rewriter({new: old for old, new in rules.items()}) for rules in reversed(maps)]

    def split(self, text: str) -> list[str]:
        return in_turn(self.there, [f"{byte:02x}" for byte in text.encode("utf-8", "surrogatepass")])

    def join(self, tokens: list[str]) -> str:
        parts = [bytes.fromhex(t) if t in self.vocab else t.encode() for t in in_turn(self.back, tokens)]
        return b"".join(parts).decode("utf-8", "ignore")

    def name(self, index: int) -> str | None:
        return self.names.get(index)


def in_turn(rewriters: Sequence[Rewriter], tokens: list[str]) -> list[str]:
    """Tokens rewritten by several, one after the other."""
    for rewrite in rewriters:
        tokens = rewrite(tokens)
    return tokens


def additional(stem: str, settings: Mapping[str, Any]) -> list[Any]:
    """The `additional_special_tokens`: those of the settings, or the numbered ones, as ByT5 has them."""
    return characters.additional("byt5", settings)


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads byte_maps.json."""
    file = files.need(directory, FILE)
    first, unk, settings, around = characters.sentinels(directory, settings)
    scheme = Rewritten(len(first), unk, _maps(file))
    return made(scheme, directory, settings, around, None, first, [file])


def _maps(file: pathlib.Path) -> list[dict[str, str]]:
    try:
        held = json.loads(files.text(file))
        maps = [dict(held[part]) for part in PARTS]
        good = all(_BYTES.fullmatch(text) for rules in maps for pair in rules.items() for text in pair)
    except (ValueError, LookupError, TypeError) as e:
        raise CheckpointError(str(file), [f"must hold {' and '.join(PARTS)}: {e}"]) from None
    if not good:
        raise CheckpointError(str(file), ["must hold bytes in hexadecimal digits, with spaces between them"])
    return maps
