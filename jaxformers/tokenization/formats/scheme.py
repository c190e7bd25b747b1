"""`Scheme`: how a class of tokenizers in Python cuts text into tokens, and joins them."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping


class Scheme(abc.ABC):
    """How a class cuts text into tokens of a vocabulary, and joins them.

    Args:
      vocab: `{token: id}`.
      unk: the token of those that it lacks.
    """

    lower = False  # are letters made small before anything else?
    apart = True  # do added tokens stand for themselves in decoded text, with spaces around them?

    def __init__(self, vocab: Mapping[str, int], unk: str | None = None):
        self.vocab, self.unk = dict(vocab), unk
        self.names = {index: token for token, index in self.vocab.items()}

    def prepare(self, text: str, word: bool) -> str:
        """The text that is cut; `word`: is it one of several words that were parted before?"""
        return text

    @abc.abstractmethod
    def split(self, text: str) -> list[str]:
        """The tokens of a text that holds no added token."""

    def whole(self, tokens: list[str]) -> list[str]:
        """The tokens of a whole text, added ones among them."""
        return tokens

    def join(self, tokens: list[str]) -> str:
        """The text of tokens."""
        return " ".join(tokens)

    def cuts(self) -> Iterable[str]:
        """Tokens at which text is cut before it is split, beside the added ones."""
        return ()

    def find(self, token: str) -> int | None:
        """The id of a token, or None."""
        return self.vocab.get(token)

    def name(self, index: int) -> str | None:
        """The token of an id."""
        return self.names.get(index, self.unk)

    def size(self) -> int:
        """How many tokens there are."""
        return len(self.vocab)

    def all(self) -> dict[str, int]:
        """`{token: id}`."""
        return dict(self.vocab)
