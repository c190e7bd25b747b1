"""How each token of a vocabulary reads inside a text, whatever the tokenizer: what `stopping.StopStrings` looks at."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import weakref
from typing import Any

import numpy as np

from jaxformers.errors import InputError


@dataclasses.dataclass(frozen=True)
class Texts:
    """How each token of a vocabulary reads inside a text, as UTF-8. Equal if the digests are."""

    digest: str
    data: np.ndarray = dataclasses.field(compare=False, repr=False)  # uint8: all texts, one behind the other
    starts: np.ndarray = dataclasses.field(compare=False, repr=False)  # int64 [V]
    lengths: np.ndarray = dataclasses.field(compare=False, repr=False)  # int64 [V], in bytes


_read: weakref.WeakKeyDictionary[Any, tuple[int, Texts]] = weakref.WeakKeyDictionary()


def token_texts(tokenizer: Any) -> Texts:
    """The texts of a tokenizer's vocabulary, read again if it has got tokens since the last time.

    Only `encode`, `decode` and `get_vocab` are used. A decoder joins words, so a token is read between two others.
    """
    try:
        size, texts = _read.get(tokenizer, (-1, None))
    except TypeError:  # neither hashable nor weakly referenced
        size, texts = -1, None
    if texts is not None and size == _size(tokenizer):
        return texts
    vocab = tokenizer.get_vocab()
    ids = sorted(set(vocab.values()))
    by_id = dict(zip(vocab.values(), vocab, strict=True))
    read = _Reader(tokenizer, vocab).read(ids)
    parts = [b""] * (ids[-1] + 1 if ids else 0)
    for i, text in zip(ids, read, strict=True):
        parts[i] = _bytes(by_id[i], text)
    lengths = np.asarray([len(p) for p in parts], np.int64)
    data = np.frombuffer(b"".join(parts), np.uint8)
    digest = hashlib.blake2b(lengths.tobytes() + data.tobytes(), digest_size=16).hexdigest()
    texts = Texts(digest, data, np.cumsum(lengths) - lengths, lengths)
    with contextlib.suppress(TypeError):
        _read[tokenizer] = _size(tokenizer), texts
    return texts


def _size(tokenizer: Any) -> int:
    return len(tokenizer) if hasattr(tokenizer, "__len__") else len(tokenizer.get_vocab())


class _Reader:
    """Reads tokens between copies of a known text, the anchor, many at a time.

    `before` and `after` are what the anchor reads as at the ends of a text, `between` inside.
    """

    def __init__(self, tokenizer: Any, vocab: dict[str, int]):
        self.tokenizer = tokenizer
        sample = list(vocab.values())[:: max(1, len(vocab) // 64)]
        best = 0
        for anchor in self.anchors(vocab):
            alone, pair = self.decode(anchor), self.decode(anchor * 2)
            # A space between words belongs to the word behind it; in vocabularies with word ends, to the one before.
            for before, after in ((alone, pair[len(alone) :]), (pair[: len(pair) - len(alone)], alone)):
                if not self.settle(anchor, before, after):
                    continue
                fit = sum(self.read_one(i) is not None for i in sample)
                if fit > best:
                    best, chosen = fit, (anchor, before, after)
            if best == len(sample):
                break
        if best:
            self.settle(*chosen)
        else:
            problem = f"tokenizer must decode tokens to a text that is joined from theirs, got {tokenizer!r:.80}"
            raise InputError("StopStrings", [problem])

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def anchors(self, vocab: dict[str, int]):
        """Token ids to try: an unlikely word, or else the longest tokens."""
        spelt = list(self.tokenizer.encode("abcdef", add_special_tokens=False))
        for ids in (spelt, *([vocab[t]] for t in sorted(vocab, key=len, reverse=True)[:8])):
            if ids and self.decode(ids).strip():
                yield ids

    def settle(self, anchor: list[int], before: str, after: str) -> bool:
        """Takes an anchor and the division of its text, if three in a row read that way."""
        triple = self.decode(anchor * 3)
        self.anchor, self.before, self.after = anchor, before, after
        self.between = self.strip(triple) or ""
        return bool(self.between) and before + self.between + after == triple

    def strip(self, text: str) -> str | None:
        """The text without the anchors around it, None if they are not there."""
        end = len(text) - len(self.after)
        fits = end >= len(self.before) and text.startswith(self.before) and text.endswith(self.after)
        return text[len(self.before) : end] if fits else None

    def read_one(self, token: int) -> str | None:
        return self.strip(self.decode([*self.anchor, token, *self.anchor]))

    def read(self, ids: list[int]) -> list[str]:
        """The text of each token; "" for those that change their neighbours'."""
        # An anchor that can not overlap itself is found wherever it is; only tokens may hold it as well.
        overlaps = any(self.between.endswith(self.between[:n]) for n in range(1, len(self.between)))
        size = 1 if overlaps else 512
        return [text for at in range(0, len(ids), size) for text in self.read_some(ids[at : at + size])]

    def read_some(self, ids: list[int]) -> list[str]:
        if len(ids) == 1:
            return [self.read_one(ids[0]) or ""]
        text = self.strip(self.decode([*self.anchor, *(t for i in ids for t in (i, *self.anchor))]))
        texts = [] if text is None else text.split(self.between)
        half = len(ids) // 2
        return texts if len(texts) == len(ids) else self.read_some(ids[:half]) + self.read_some(ids[half:])


# How byte-level vocabularies spell bytes: printable ones of Latin-1 as themselves, the others from U+0100 on.
_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_SPELT = {chr(b): b for b in _PRINTABLE}
_SPELT |= {chr(0x100 + i): b for i, b in enumerate(b for b in range(256) if b not in set(_PRINTABLE))}


def _bytes(token: str, text: str) -> bytes:
    """UTF-8 of a token's text. Where the text shows that the token is a part of a character, its bytes by name."""
    if "\ufffd" in text:
        spelt = [bytes(_SPELT[c] for c in token)] if all(c in _SPELT for c in token) else []
        if named := re.fullmatch("<0x([0-9A-Fa-f]{2})>", token):
            spelt.append(bytes.fromhex(named[1]))
        for data in spelt:
            if data.decode("utf-8", "replace") == text:
                return data
    return text.encode("utf-8")
