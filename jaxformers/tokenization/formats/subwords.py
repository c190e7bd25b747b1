"""BPE over the letters of words, in Python: tokens that continue in the next one are marked, or those that end a word.

Paper: https://arxiv.org/abs/1508.07909.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from jaxformers.errors import InputError
from jaxformers.tokenization.formats.scheme import Scheme

END = "</w>"
KEPT = 1 << 16  # words whose tokens are kept


class Merger:
    """Joins the symbols of a word: the pair that is earliest in the merges, everywhere, until none is left.

    end: the mark that the last letter of a word carries.
    """

    def __init__(self, merges: Sequence[tuple[str, str]], end: str = END):
        self.end = end
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.kept: dict[str, list[str]] = {}

    def __call__(self, word: str) -> list[str]:
        """The symbols of a word."""
        if word not in self.kept:
            if len(self.kept) >= KEPT:
                self.kept.clear()
            self.kept[word] = self._joined([*word[:-1], word[-1] + self.end])
        return self.kept[word]

    def _joined(self, symbols: list[str]) -> list[str]:
        while len(symbols) > 1:
            best = min(itertools.pairwise(symbols), key=lambda pair: self.rank.get(pair, len(self.rank)))
            if best not in self.rank:
                break
            out: list[str] = []
            i = 0
            while i < len(symbols):
                pair = tuple(symbols[i : i + 2]) == best
                out.append(best[0] + best[1] if pair else symbols[i])
                i += 2 if pair else 1
            symbols = out
        return symbols

    def __getstate__(self) -> dict[str, object]:
        return {"rank": self.rank, "end": self.end, "kept": {}}


class Continued(Scheme):
    """Words parted by white space; `@@` marks a token that goes on. CTRL, PhoBERT, BERTweet."""

    def __init__(self, vocab: Mapping[str, int], unk: str, merges: Sequence[tuple[str, str]]):
        super().__init__(vocab, unk)
        self.merge = Merger(merges)

    def split(self, text: str) -> list[str]:
        return [token for word in re.findall(r"\S+\n?", text) for token in self.word(word)]

    def word(self, word: str) -> list[str]:
        """The tokens of a word."""
        if len(word) == 1:
            return [word]
        *first, last = self.merge(word)
        return [*(symbol + "@@" for symbol in first), last.removesuffix(END)]

    def join(self, tokens: list[str]) -> str:
        return " ".join(tokens).replace("@@ ", "").strip()


class Chatted(Continued):
    """Blenderbot's small models: letters are made small, and the commonest punctuation marks are words."""

    def word(self, word: str) -> list[str]:
        word = re.sub(r"([.,!?()])", r" \1", word)
        word = re.sub(r"\s{2,}", " ", word.replace("'", " ' ")).replace("\n", " __newln__")
        return [token for part in word.split(" ") if part for token in super(Chatted, self).word(part.lower())]

    def find(self, token: str) -> int | None:
        return self.vocab.get(token.lower())


class Translated(Continued):
    """Words between white space, of a decoder that writes a translation of speech; without merges it only decodes."""

    def split(self, text: str) -> list[str]:
        if not self.merge.rank:
            problem = "text must not be given to a tokenizer without merges.txt, which only decodes"
            raise InputError("tokenizer", [problem], "add the file to the checkpoint")
        return [token for word in text.split() for token in self.word(word)]

    def join(self, tokens: list[str]) -> str:
        return " ".join(tokens).replace("@@ ", "")
