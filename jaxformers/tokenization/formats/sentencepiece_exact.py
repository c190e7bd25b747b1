"""SentencePiece as its own library computes it, down to the rounding of scores: text to pieces and back.

The `tokenizers` library sums scores in other floats and cleans text by letters with their marks, which now and then
gives other pieces. Classes that never had a tokenizer.json are held to the original.
"""

from __future__ import annotations

import array
import ctypes
import functools
import heapq
import re
from collections.abc import Iterator, Sequence

from jaxformers.tokenization.formats.sentencepiece_charsmap import Table
from jaxformers.tokenization.formats.sentencepiece_model import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    WORD,
    Model,
)

SPACE = "▁"
PENALTY = 10.0  # an unknown character scores this much less than the worst piece
USER_SCORE = 0.0  # of a piece that text is always cut into


class Processor:
    """A model at work.

    Args:
      model: as read from its file.
    """

    def __init__(self, model: Model):
        self.model = model
        self.ids = {t: i for i, t in enumerate(model.texts)}
        self.table = Table(model.charsmap)
        self._clean = functools.lru_cache(maxsize=1 << 16)(self.table.replace)
        pieces = [i for i, kind in enumerate(model.kinds) if kind in (NORMAL, USER_DEFINED, UNUSED)]
        self._pieces = {model.texts[i]: i for i in pieces}
        self._user = {model.texts[i] for i in pieces if model.kinds[i] == USER_DEFINED}
        self._longest: dict[str, int] = {}
        for text in self._pieces:
            self._longest[text[0]] = max(self._longest.get(text[0], 0), len(text))
        normal = [model.scores[i] for i in pieces if model.kinds[i] == NORMAL] or [0.0]
        self._unknown = ctypes.c_float(min(normal) - PENALTY).value

    def __reduce__(self) -> tuple[type[Processor], tuple[Model]]:
        return Processor, (self.model,)

    # ---------------------------------------------------------------------------------------- text -> pieces

    def encode(self, text: str) -> list[str]:
        """The pieces of a text; unknown characters in a row are one piece, or their bytes."""
        cut = {UNIGRAM: self._unigram, BPE: self._bpe, WORD: _words}.get(self.model.algorithm, self._symbols)
        out: list[str] = []
        before = False
        for piece in cut(self.normalize(text)):
            unknown = piece not in self.ids or self.model.kinds[self.ids[piece]] == UNKNOWN
            if unknown and self.model.byte_fallback:
                out += [f"<0x{byte:02X}>" for byte in piece.encode()]
            elif unknown and before:
                out[-1] += piece
            else:
                out.append(piece)
            before = unknown
        return out

    def normalize(self, text: str) -> str:
        """Cleaned text: characters replaced, spaces written as U+2581."""
        bare = self.model.remove_extra_whitespaces
        parts, after_space, at = [], bare, 0
        while at < len(text):
            new, at = self._replaced(text, at)
            new = new.lstrip(" ") if after_space else new
            if new:
                parts.append(new.replace(" ", SPACE))
                after_space = bare and new.endswith(" ")
        if bare and not parts:
            return ""
        out = (SPACE if self.model.add_dummy_prefix and text else "") + "".join(parts)
        return out.rstrip(SPACE) if bare else out

    def _replaced(self, text: str, at: int) -> tuple[str, int]:
        """What stands for the characters at `at`, and where the next ones begin."""
        symbol = self._symbol(text, at) if self._user else ""
        if symbol:
            return symbol, at + len(symbol)
        new, used = self._clean(text[at : at + self.table.longest])
        return new, at + used

    def _symbol(self, text: str, at: int) -> str:
        """The longest piece at `at` that text is always cut into, or nothing."""
        ends = range(at + self._longest.get(text[at], 0), at, -1)
        return next((text[at:end] for end in ends if text[at:end] in self._user), "")

    def _symbols(self, text: str) -> list[str]:
        out, at = [], 0
        while at < len(text):
            out.append((self._symbol(text, at) if self._user else "") or text[at])
            at += len(out[-1])
        return out

    def _unigram(self, text: str) -> list[str]:
        """The cut whose scores add up to most, in 32-bit floats."""
        rounded = ctypes.c_float
        best, start = array.array("f", bytes(4 * (len(text) + 1))), [-1] * (len(text) + 1)
        scores, kinds, pieces = self.model.scores, self.model.kinds, self._pieces
        for at, first in enumerate(text):
            here, single = best[at], False
            for end in range(at + 1, min(at + self._longest.get(first, 0), len(text)) + 1):
                i = pieces.get(text[at:end])
                if i is None or kinds[i] == UNUSED:
                    continue
                total = rounded(here + (USER_SCORE if kinds[i] == USER_DEFINED else scores[i])).value
                if start[end] < 0 or total > best[end]:
                    best[end], start[end] = total, at
                single = single or end == at + 1
            total = rounded(here + self._unknown).value
            if not single and (start[at + 1] < 0 or total > best[at + 1]):
                best[at + 1], start[at + 1] = total, at
        out, end = [], len(text)
        while end:
            out.append(text[start[end] : end])
            end = start[end]
        return out[::-1]

    def _bpe(self, text: str) -> list[str]:
        """Merges the best pair, the first of equals, until no two neighbours make a piece."""
        symbols = self._symbols(text)
        after, before = [*range(1, len(symbols)), -1], list(range(-1, len(symbols) - 1))
        found: list[tuple[float, int, int, int]] = []
        made: dict[str, tuple[str, str]] = {}

        def offer(a: int, b: int) -> None:
            if a < 0 or b < 0 or symbols[a] in self._user or symbols[b] in self._user:
                return
            i = self._pieces.get(symbols[a] + symbols[b])
            if i is not None:
                heapq.heappush(found, (-self.model.scores[i], a, b, len(symbols[a] + symbols[b])))
                if self.model.kinds[i] == UNUSED:
                    made[symbols[a] + symbols[b]] = (symbols[a], symbols[b])

        for i in range(len(symbols) - 1):
            offer(i, i + 1)
        while found:
            _, a, b, size = heapq.heappop(found)
            if not symbols[a] or not symbols[b] or len(symbols[a] + symbols[b]) != size:
                continue
            symbols[a], symbols[b] = symbols[a] + symbols[b], ""
            after[a] = after[b]
            if after[b] >= 0:
                before[after[b]] = a
            offer(before[a], a)
            offer(a, after[a])
        return [part for s in symbols if s for part in _parts(s, made)]

    # ---------------------------------------------------------------------------------------- pieces -> text

    def decode(self, pieces: Sequence[str]) -> str:
        """The text of pieces: control pieces are silent, unknown ones stand for themselves."""
        model, out, waiting, first, spaced = self.model, [], bytearray(), True, False
        for piece in [*pieces, ""]:
            i = self.ids.get(piece, model.unk_id) if piece else None
            if i is not None and model.kinds[i] == BYTE:
                waiting.append(int(piece[3:5], 16))
                continue
            if waiting:
                out.append("".join(_text(bytes(waiting))))
                waiting.clear()
            first = first and not spaced and not any(out)
            if i is None or model.kinds[i] == CONTROL:
                spaced = False
            elif model.kinds[i] == UNKNOWN:
                out.append(model.unk_surface if piece == model.texts[i] else piece)
                spaced = False
            else:
                spaced = first and piece.startswith(SPACE) and self._drops_space()
                out.append(piece[spaced:].replace(SPACE, " "))
                spaced = spaced and not model.remove_extra_whitespaces
        return "".join(out)

    def _drops_space(self) -> bool:
        return self.model.add_dummy_prefix or self.model.remove_extra_whitespaces


def _words(text: str) -> list[str]:
    """Cuts in front of every space."""
    return [word for word in re.split(f"(?={SPACE})", text) if word]


def _parts(piece: str, made: dict[str, tuple[str, str]]) -> Iterator[str]:
    """An unused piece is taken apart into what it was merged of."""
    if piece not in made:
        yield piece
        return
    for half in made[piece]:
        yield from _parts(half, made)


def _text(data: bytes) -> Iterator[str]:
    """Characters of UTF-8; U+FFFD for each byte that is none."""
    at = 0
    while at < len(data):
        for size in (1, 2, 3, 4):
            try:
                yield data[at : at + size].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            yield "\ufffd"
            size = 1
        at += size
