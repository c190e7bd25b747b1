"""Phonemes of speech, a frame each, with spaces between them in texts. Paper: https://arxiv.org/abs/2109.11680."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.sounds import phonemes
from jaxformers.tokenization.formats.speech import runs


class Phonemes(Scheme):
    """What connectionist temporal classification gives, a phoneme a frame.

    Args:
      blank: the token between phonemes.
      word: the token behind a word, or None.
      phone: what the phonemizer puts behind a phoneme.
      phonemize: are texts words, to be turned into phonemes? Else they are phonemes.
      language, engine: of the phonemizer.
    """

    apart = False

    def __init__(
        self,
        vocab: Mapping[str, int],
        unk: str,
        blank: str,
        word: str | None,
        phone: str,
        phonemize: bool,
        language: str,
        engine: str,
    ):
        super().__init__(vocab, unk)
        self.blank, self.word, self.phone = blank, word, phone
        self.phonemize, self.language, self.engine = phonemize, language, engine

    def split(self, text: str) -> list[str]:
        text = text.strip()
        if self.phonemize:
            text = self.spoken(text.lower())
        return [phoneme for phoneme in text.split(" ") if phoneme.strip()]

    def join(self, tokens: list[str], group: bool = True, drop: bool = True) -> str:
        """The phonemes of a token a frame."""
        return " ".join([phoneme for phoneme, _, _ in self.phonemes(tokens, group, drop)]).strip()

    def phonemes(self, tokens: Sequence[str], group: bool = True, drop: bool = True) -> list[tuple[str, int, int]]:
        """What was heard, and the frames from which and before which; `drop`: leave out what stands behind words."""
        left_out = {self.blank, self.word} if drop else {self.blank}
        return [frame for frame in runs(tokens, group) if frame[0] not in left_out]

    def spoken(self, text: str, language: str | None = None) -> str:
        """The phonemes of a text.

        Raises:
          InputError: the phonemizer is not installed, or does not know the language.
        """
        word = "" if self.word is None else f"{self.word} "
        return phonemes(text, language or self.language, self.engine, self.phone, word)


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.json."""
    file = files.need(directory, "vocab.json")
    vocab = files.vocabulary(file)
    unk, pad = specials.required(directory, settings, "unk", "pad")
    specials.need(file, vocab, [unk])
    scheme = Phonemes(
        vocab,
        unk,
        pad,
        specials.text(settings.get("word_delimiter_token")),
        specials.text(settings.get("phone_delimiter_token", " ")) or "",
        options.flag(settings, "do_phonemize", True),
        options.word(settings, "phonemizer_lang", "en-us"),
        options.word(settings, "phonemizer_backend", "espeak"),
    )
    return made(scheme, directory, settings, lambda of: Template(), files=[file])
