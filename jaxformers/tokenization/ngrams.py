"""How likely words follow each other, by the n-grams of a file."""

from __future__ import annotations

import pathlib
from typing import Any, Protocol

import numpy as np

from jaxformers.errors import CheckpointError

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"


class Ngrams(Protocol):
    """A model of words: the logarithm to base 10 of each, and what of the words before is kept."""

    order: int

    def __contains__(self, word: str) -> bool: ...

    def start(self, sentence: bool) -> Any:
        """What is kept before the first word; is that the first of a sentence?"""

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """A word behind what is kept, and what is kept then."""


class Arpa:
    """Reads n-grams in ARPA's format: `log10 probability, words, backoff` a line.

    Raises:
      CheckpointError: the file holds something else.
    """

    def __init__(self, file: pathlib.Path):
        self.entries: dict[tuple[str, ...], tuple[np.float32, np.float32]] = {}
        self.order = 0
        try:
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    self._line(line.split())
        except (OSError, ValueError, IndexError) as e:
            raise CheckpointError(str(file), [f"must hold n-grams in ARPA's format: {e}"]) from None
        if not self.order:
            raise CheckpointError(str(file), ["must hold n-grams in ARPA's format, it has none"])
        self.entries.setdefault((UNKNOWN,), (np.float32(-100), np.float32(0)))

    def _line(self, fields: list[str]) -> None:
        if len(fields) == 1 and fields[0].endswith("-grams:"):
            self.order = int(fields[0][1:-7])
        elif self.order and fields and fields[0] != "\\end\\":
            n = self.order
            backoff = fields[n + 1] if len(fields) > n + 1 else 0
            self.entries[tuple(fields[1 : n + 1])] = np.float32(fields[0]), np.float32(backoff)

    def __contains__(self, word: str) -> bool:
        return word != UNKNOWN and (word,) in self.entries

    def start(self, sentence: bool) -> tuple[str, ...]:
        """The words before the first."""
        return (BEGIN,) if sentence else ()

    def score(self, state: tuple[str, ...], word: str) -> tuple[float, tuple[str, ...]]:
        """The longest n-gram that ends in the word, and for each word before that is not in it a backoff."""
        word = word if word in self else UNKNOWN
        at = next(i for i in range(len(state) + 1) if (*state[i:], word) in self.entries)
        total = self.entries[(*state[at:], word)][0]
        for i in range(at - 1, -1, -1):
            total = total + self.entries.get(state[i:], (0, np.float32(0)))[1]
        return float(total), (*state, word)[1 - self.order :] if self.order > 1 else ()


class Binary:
    """Reads n-grams in the format of the kenlm library, which must be installed."""

    def __init__(self, file: pathlib.Path):
        try:
            import kenlm
        except ImportError:
            problem = "n-grams in kenlm's own format are read by its library only"
            todo = 'pip install "jaxformers[kenlm]", or put the .arpa file in its place'
            raise CheckpointError(str(file), [problem], todo) from None
        try:
            self._library, self._model = kenlm, kenlm.Model(str(file))
        except (OSError, RuntimeError) as e:
            raise CheckpointError(str(file), [f"must hold n-grams in kenlm's format: {e}"]) from None
        self.order = self._model.order

    def __contains__(self, word: str) -> bool:
        return word in self._model

    def start(self, sentence: bool) -> Any:
        """The library's state."""
        state = self._library.State()
        (self._model.BeginSentenceWrite if sentence else self._model.NullContextWrite)(state)
        return state

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """As the library has it."""
        after = self._library.State()
        return self._model.BaseScore(state, word, after), after
