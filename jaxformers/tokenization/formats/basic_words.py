"""BERT's words in Python: what stands between spaces, cut at punctuation marks, and the word pieces of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

from tokenizers import models

LONGEST = 100  # letters of a word; longer ones are unknown
_CHINESE = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F)),
)


class Basic:
    """Words between spaces, cut at punctuation marks; what does not print is left out.

    Args:
      lower: are letters made small?
      kept: words that are left as they are.
      bare: are accents left out? None: where letters are made small.
      letters: is a Chinese letter a word?
    """

    def __init__(self, lower: bool, kept: Collection[str], bare: bool | None = None, letters: bool = False):
        self.lower, self.kept, self.letters = lower, frozenset(kept), letters
        self.bare = lower if bare is None else bare

    def __call__(self, text: str) -> list[str]:
        text = "".join([" " if _blank(c) else c for c in text if c != "\ufffd" and not _silent(c)])
        if self.letters:
            text = "".join([f" {c} " if _chinese(c) else c for c in text])
        out: list[str] = []
        for word in unicodedata.normalize("NFC", text).split():
            if word in self.kept:
                out.append(word)
                continue
            word = word.lower() if self.lower else word
            if self.bare:
                marked = unicodedata.normalize("NFD", word)
                word = "".join([c for c in marked if unicodedata.category(c) != "Mn"])
            out += [word] if word in self.kept else "".join([f" {c} " if _mark(c) else c for c in word]).split()
        return out


class WordPieces:
    """The longest token of the vocabulary at each place of a word, or one that stands for the word."""

    def __init__(self, vocab: Mapping[str, int], unk: str):
        self.model = models.WordPiece(dict(vocab), unk_token=unk, max_input_chars_per_word=LONGEST)

    def __call__(self, word: str) -> list[str]:
        return [token.value for part in word.split() for token in self.model.tokenize(part)]


def _blank(letter: str) -> bool:
    return letter in "\t\n\r" or unicodedata.category(letter) == "Zs"


def _silent(letter: str) -> bool:
    return letter not in "\t\n\r" and unicodedata.category(letter)[0] == "C"


def _chinese(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _CHINESE)


def _mark(letter: str) -> bool:
    """Is a letter a punctuation mark, or any other sign of ASCII that is neither letter nor digit?"""
    return unicodedata.category(letter)[0] == "P" or letter in "$+<=>^`|~"
