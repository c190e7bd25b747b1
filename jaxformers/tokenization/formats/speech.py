"""Letters of speech: those that are heard, a frame each (Wav2Vec2 and its kin), and those to be spoken (VITS)."""

from __future__ import annotations

import itertools
import pathlib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tokenizers

from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.sounds import aloud


class Heard(Scheme):
    """What connectionist temporal classification gives, a letter a frame: runs are one letter, blanks part them.

    Paper: https://dl.acm.org/doi/10.1145/1143844.1143891.

    Args:
      blank: the token between letters.
      delimiter: the token between words, written as `space`.
      lower: is text made small? The vocabulary's letters are then capitals.
    """

    apart = False

    def __init__(self, vocab: Mapping[str, int], unk: str, blank: str, delimiter: str, space: str, lower: bool):
        super().__init__(vocab, unk)
        self.blank, self.delimiter, self.space, self.lower = blank, delimiter, space, lower

    def prepare(self, text: str, word: bool) -> str:
        return f" {text}" if word else text

    def split(self, text: str) -> list[str]:
        return list((text.upper() if self.lower else text).replace(" ", self.delimiter))

    def join(self, tokens: list[str], group: bool = True, between: str = "") -> str:
        """The text of a token a frame; `between`: what stands between two letters."""
        text = between.join([letter for letter, _, _ in self.letters(tokens, group)]).strip()
        return text.lower() if self.lower else text

    def letters(self, tokens: Sequence[str], group: bool = True) -> list[tuple[str, int, int]]:
        """What was heard, and the frames from which and before which each letter was; `group`: are runs one letter?"""
        found = [frame for frame in runs(tokens, group) if frame[0] != self.blank]
        return [(self.space if token == self.delimiter else token, start, end) for token, start, end in found]

    def speak(self, vocab: Mapping[str, int]) -> None:
        """Goes over to the vocabulary of another language."""
        self.vocab = dict(vocab)
        self.names = {index: token for token, index in self.vocab.items()}


def runs(tokens: Sequence[str], group: bool = True) -> list[tuple[str, int, int]]:
    """The runs of a token with their first frame and the one behind their last; without `group` every token is one."""
    if not group:
        return [(token, i, i + 1) for i, token in enumerate(tokens)]
    found = [(token, len(list(run))) for token, run in itertools.groupby(tokens)]
    ends = itertools.accumulate(length for _, length in found)
    return [(token, end - length, end) for (token, length), end in zip(found, ends, strict=True)]


class Spoken(Scheme):
    """Letters to be spoken, a blank between any two. VITS: https://arxiv.org/abs/2106.06103.

    Args:
      tokens: the added tokens.
      language: of the text; Romanian's letters are unified.
      blanks: are there blanks?
      small: are letters made small, and those dropped that the vocabulary lacks?
      roman: is text of other scripts romanised, if the `uroman` library is installed?
      sounds: are tokens phonemes? The phonemizer library makes them of a text.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        unk: str,
        tokens: Iterable[str],
        language: str,
        blanks: bool,
        small: bool,
        roman: bool,
        sounds: bool,
    ):
        super().__init__(vocab, unk)
        self.language, self.blanks, self.small, self.roman, self.sounds = language, blanks, small, roman, sounds
        known = "|".join(re.escape(token) for token in [*self.vocab, *tokens] if token) or "(?!)"
        self._known = re.compile(f"({known})|(.)", re.DOTALL)

    def prepare(self, text: str, word: bool) -> str:
        if self.small:
            text = self._known.sub(lambda m: m[1] or m[2].lower(), text)
        if self.language == "ron":
            text = text.replace("ț", "ţ")
        if self.roman and not text.isascii():
            text = _romanised(text)
        if self.sounds:
            return re.sub(r"\s+", " ", aloud(text))
        return "".join([letter for letter in text if letter in self.vocab]).strip() if self.small else text

    def split(self, text: str) -> list[str]:
        if not self.blanks:
            return list(text)
        out = [self.name(0) or ""] * (2 * len(text) + 1)
        out[1::2] = text
        return out

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens[1::2] if self.blanks and len(tokens) > 1 else tokens)

    def name(self, index: int) -> str | None:
        return self.names.get(index)


def _romanised(text: str) -> str:
    try:
        import uroman
    except ImportError:
        warnings.warn("the text is not in Latin letters; pip install uroman, or romanise it yourself", stacklevel=6)
        return text
    return uroman.Uroman().romanize_string(text)


# ------------------------------------------------------------------------------------------------------ classes


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.json."""
    return _spoken(directory, settings) if stem == "vits" else _heard(directory, settings)


def _heard(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    file = files.need(directory, "vocab.json")
    vocab = files.vocabulary(file, options.word(settings, "target_lang") or None)
    unk, pad = specials.required(directory, settings, "unk", "pad")
    specials.need(file, vocab, [unk])
    delimiter = specials.text(settings.get("word_delimiter_token", "|")) or ""
    space, lower = options.word(settings, "replace_word_delimiter_char", " "), options.flag(settings, "do_lower_case")
    scheme = Heard(vocab, unk, pad, delimiter, space, lower)
    out = made(scheme, directory, settings, lambda of: Template(), files=[file])
    whole(out, vocab)
    return out


def whole(backend: PythonBackend, vocab: Iterable[str]) -> None:
    """Adds the tokens of several letters, so that they are not cut."""
    flags = dict(lstrip=True, rstrip=True, normalized=False)
    backend.add_tokens([tokenizers.AddedToken(token, **flags) for token in vocab if len(token) > 1])


def _spoken(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    file = files.need(directory, "vocab.json")
    vocab, (unk,) = files.vocabulary(file), specials.required(directory, settings, "unk")
    specials.need(file, vocab, [unk])
    names = ("add_blank", "normalize", "is_uroman", "phonemize")
    flags = [options.flag(settings, key, key != "is_uroman") for key in names]
    tokens = [token.content for token in specials.gather(directory, settings)]
    scheme = Spoken(vocab, unk, tokens, options.word(settings, "language"), *flags)
    return made(scheme, directory, settings, lambda of: Template(), files=[file])
