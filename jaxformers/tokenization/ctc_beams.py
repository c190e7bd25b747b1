"""A search for the text of frames: beams of letters, with the help of n-grams and of words that are expected.

The search is that of https://github.com/kensho-technologies/pyctcdecode: prefixes with the sum of all ways to align
them, scored with a language model whenever a word ends (https://arxiv.org/abs/1408.2873).
"""

from __future__ import annotations

import dataclasses
import heapq
import math
import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.language_model import Expected, LanguageModel

NOWHERE = (-1, -1)
BOUND = "▁"  # begins a word, in alphabets of pieces
LEAST = 1e-15  # probability

Span = tuple[int, int]


class Beam(NamedTuple):
    """A prefix: whole words, of which `word` was the last, behind `before`; the letters of the next word; frames."""

    text: str
    before: str
    word: str
    part: str
    last: str | None  # token
    spans: tuple[Span, ...]
    span: Span
    score: float  # of the frames alone

    def ended(self, part: str, last: str | None, span: Span, score: float) -> Beam:
        """The word ends, if there is one, and another may begin."""
        spans = (*self.spans, self.span) if self.part else self.spans
        text = f"{self.text} {self.part}" if self.text and self.part else self.text or self.part
        return Beam(text, self.text, self.part, part, last, spans, span, score)


class Found(NamedTuple):
    """A text: its words with the frames from which and before which they were heard, and its scores.

    `logit_score` is of the frames alone, `lm_score` with all that helped.
    """

    text: str
    words: list[tuple[str, Span]]
    logit_score: float
    lm_score: float


@dataclasses.dataclass
class Search:
    """The search with one language model.

    Args:
      labels: what each column of logits [T, V] stands for: a letter, " " between words, "" the blank.
      pieces: do labels begin with "▁" where a word begins, instead of spaces?
      model: of words, or None.
    """

    labels: list[str]
    pieces: bool = False
    model: LanguageModel | None = None

    def find(
        self,
        logits: Any,
        width: int = 100,
        prune: float = -10.0,
        least: float = -5.0,
        words: Iterable[str] | None = None,
        weight: float = 10.0,
    ) -> list[Found]:
        """The best texts of logits, or of probabilities, [T, V], the best first.

        Args:
          logits: of the tokens in each frame.
          width: beams that are kept.
          prune: how much worse than the best they may be, below 0.
          least: tokens of a lower logarithm are left out, but for the best of a frame.
          words: that are expected.
          weight: of these.

        Raises:
          InputError: there are not as many columns as labels, or a width below 1.
        """
        held = np.asarray(logits, np.float64)
        if held.ndim != 2 or held.shape[1] != len(self.labels):
            rule = f"logits must be of shape [T, {len(self.labels)}], a column for each of the labels"
            raise InputError("decode", [f"{rule}, got {list(held.shape)}"])
        if width < 1:
            raise InputError("decode", [f"beam_width must be at least 1, got {width}"])
        return _Run(self, Expected(words, weight), least).read(_logarithms(held), width, prune)


class _Run:
    """One text's search."""

    def __init__(self, search: Search, expected: Expected, least: float):
        self.labels, self.pieces, self.model = search.labels, search.pieces, search.model
        self.expected, self.least = expected, least
        self.broken = False  # does the next piece begin a word in any case?
        start = None if self.model is None else self.model.start()
        self.known: dict[tuple[str, bool], tuple[float, float, Any]] = {("", False): (0.0, 0.0, start)}
        self.parts: dict[str, float] = {}

    def read(self, rows: np.ndarray, width: int, prune: float) -> list[Found]:
        """The texts of logarithms [T, V]."""
        beams = [Beam("", "", "", "", None, (), NOWHERE, 0.0)]
        for frame, row in enumerate(rows):
            beams = [beam for beam, _ in self._best(self._longer(beams, frame, row), width, prune)]
        ended = [beam.ended("", None, NOWHERE, beam.score) for beam in beams]
        return [
            Found(" ".join(b.text.split()), list(zip(b.text.split(), b.spans, strict=False)), b.score, score)
            for b, score in self._best(ended, width, prune, last=True)
        ]

    def _longer(self, beams: list[Beam], frame: int, row: np.ndarray) -> list[Beam]:
        """Every beam with every likely token of a frame."""
        out = []
        for index in set(np.flatnonzero(row >= self.least).tolist()) | {int(row.argmax())}:
            token, score = self.labels[index], float(row[index])
            out += [self._one(beam, token, frame, score) for beam in beams]
        return out

    def _one(self, beam: Beam, token: str, frame: int, score: float) -> Beam:
        text, before, word, part, last, spans, span, total = beam
        total += score
        if token == "":
            return Beam(text, before, word, part, token, spans, span, total)
        if token == last:
            return Beam(text, before, word, part, token, spans, (span[0], frame + 1), total)
        if self.pieces and (token.startswith(BOUND) or self.broken):
            self.broken = token.endswith(BOUND)
            bare = token.removeprefix(BOUND).removesuffix(BOUND)
            return beam.ended(bare, token, (frame, frame + 1), total)
        if not self.pieces and token == " ":
            return beam.ended("", token, NOWHERE, total)
        first = frame if span[0] < 0 else span[0]
        return Beam(text, before, word, part + token, token, spans, (first, frame + 1), total)

    def _best(self, beams: list[Beam], width: int, prune: float, last: bool = False) -> list[tuple[Beam, float]]:
        """The best of beams with their scores; those that are alike are one, with the sum of their probabilities."""
        alike: dict[tuple[str, str, str | None], Beam] = {}
        for beam in beams:
            key = (beam.text, beam.part, beam.last)
            held = alike.get(key)
            alike[key] = beam if held is None else beam._replace(score=_sum(held.score, beam.score))
        scored = [(beam, beam.score + self._more(beam, last)) for beam in alike.values()]
        edge = max(score for _, score in scored) + prune
        return heapq.nlargest(width, [one for one in scored if one[1] >= edge], key=operator.itemgetter(1))

    def _more(self, beam: Beam, last: bool) -> float:
        """What the words of a beam are worth, and the letters of the next."""
        text, part = beam.text, beam.part
        if part not in self.parts:
            begun = self.expected.begun(part)
            usual = 0.0 if self.model is None or not part else self.model.begun(part)
            self.parts[part] = usual if begun is None else begun
        if (text, last) not in self.known:
            value, state = 0.0, None
            if self.model is not None:
                _, value, state = self.known[beam.before, False]
                more, state = self.model.score(state, beam.word, last)
                value += more
            self.known[text, last] = (value + self.expected.score(text), value, state)
        return self.known[text, last][0] + self.parts[part]


def _sum(a: float, b: float) -> float:
    """The logarithm of a sum."""
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _logarithms(rows: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, of logits or of probabilities themselves."""
    if rows.size and math.isclose(rows.sum(axis=1).mean(), 1):
        return np.log(np.clip(rows, LEAST, 1))
    peak = rows.max(axis=1, keepdims=True) if rows.size else rows[:, :1]
    rows = rows - np.where(np.isfinite(peak), peak, 0)
    with np.errstate(divide="ignore"):
        return np.clip(rows - np.log(np.exp(rows).sum(axis=1, keepdims=True)), math.log(LEAST), 0)
