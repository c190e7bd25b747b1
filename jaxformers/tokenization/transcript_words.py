"""Words of a transcript, for the times at which they were said; and transcripts of windows that overlap, joined."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

WITHOUT_SPACES = {"chinese", "japanese", "thai", "lao", "myanmar", "cantonese"}
BEFORE = "\"'“¡¿([{-"  # marks that are part of the word behind them
AFTER = "\"'.。,，!！?？:：”)]}、"  # and of the word before
_BROKEN = "\ufffd"  # what bytes become that are no letter yet

Word = tuple[str, list[int]]  # its text, and where its tokens are
Span = tuple[float, float]


def words(tokenizer: Any, ids: Sequence[int], language: str | None = None) -> list[Word]:
    """The words of a transcript without special tokens, punctuation with the word that it is written at.

    language: its English name; None is that of the tokenizer's labels or, failing that, English.
    """
    found = _letters(tokenizer, list(ids))
    if (language or tokenizer.language or "english") not in WITHOUT_SPACES:
        found = _spaced(tokenizer, ids, found)
    out: list[Word] = []
    for text, where in reversed(found):
        if out and text.startswith(" ") and text.strip() in BEFORE:
            out[-1] = _one((text, where), out[-1])
        else:
            out.append((text, where))
    found, out = out[::-1], []
    for word in found:
        if out and not out[-1][0].endswith(" ") and word[0] in AFTER:
            out[-1] = _one(out[-1], word)
        else:
            out.append(word)
    return [word for word in out if word[0]]


def _one(first: Word, second: Word) -> Word:
    return first[0] + second[0], first[1] + second[1]


def _letters(tokenizer: Any, ids: list[int]) -> list[Word]:
    """The shortest stretches of tokens that are whole letters."""
    whole = tokenizer.decode(ids, decode_with_timestamps=True)
    out: list[Word] = []
    run: list[int] = []
    at = 0
    for i in range(len(ids)):
        run.append(i)
        text = tokenizer.decode([ids[j] for j in run], decode_with_timestamps=True)
        broken = text.find(_BROKEN)
        if broken < 0 or whole[at + broken : at + broken + 1] == _BROKEN:
            out.append((text, run))
            run, at = [], at + len(text)
    return out


def _spaced(tokenizer: Any, ids: Sequence[int], parts: list[Word]) -> list[Word]:
    """Stretches joined to words, which begin with a space; punctuation and special tokens stand alone."""
    out: list[Word] = []
    for part in parts:
        text, where = part
        alone = ids[where[0]] >= tokenizer.eos_token_id or text.strip() in string.punctuation
        if not out or alone or text.startswith(" "):
            out.append(part)
        else:
            out[-1] = _one(out[-1], part)
    return out


def joined(runs: Sequence[list[int]], spans: Sequence[list[Span]] = ()) -> tuple[list[int], list[Span]]:
    """The runs of ids of overlapping windows as one run.

    Where the end of one is like the beginning of the next, the first half of that is taken from the one and the
    second from the next.

    Args:
      runs: ids.
      spans: when each was said, if that is known; ids are then alike only if they are said in this order.
    """
    left, times = list(runs[0]), list(spans[0]) if spans else []
    ids, out = [], []
    for n, right in enumerate(runs[1:], 1):
        alike = np.equal.outer(np.array(left, np.int64), np.array(right, np.int64))
        if spans:
            alike &= np.array([[a <= b for b in spans[n]] for a in times], bool).reshape(alike.shape)
        end, start = _overlap(alike)
        ids += left[:end]
        left = list(right[start:])
        if spans:
            out += times[:end]
            times = list(spans[n][start:])
    return ids + left, out + times


def _overlap(alike: np.ndarray) -> tuple[int, int]:
    """Where to leave one run for the other, of which the tokens [L, R] are alike.

    The overlap is that of the most tokens alike for its length; of long ones a few may differ.
    """
    n, m = alike.shape
    best, where = 0.0, 0
    for i in range(1, n + m):
        count = int(alike.trace(offset=i - n))
        score = count / i + i / 10000
        if count > 1 and score > best:
            best, where = score, i
    if not where:
        return n, 0
    return (max(0, n - where) + min(n, n + m - where)) // 2, (max(0, where - n) + min(m, where)) // 2
