"""Texts turned into phonemes by the phonemizer library, https://github.com/bootphon/phonemizer, if it is installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from jaxformers.errors import InputError


@contextlib.contextmanager
def _told(language: str, todo: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, LookupError, RuntimeError) as e:
        problem = f"text must be turned into phonemes of {language!r}, which failed: {e}"
        wanted = 'pip install "jaxformers[phonemes]", and espeak-ng; or'
        raise InputError("tokenizer", [problem], f"{wanted} {todo}") from None


def phonemes(text: str, language: str, engine: str, phone: str, word: str) -> str:
    """The phonemes of a text.

    Args:
      text: in small letters.
      language: such as "en-us".
      engine: the program that the library runs, "espeak".
      phone, word: what stands behind a phoneme, and behind a word.

    Raises:
      InputError: the library is not installed, or does not know the language.
    """
    with _told(language, "pass phonemes and do_phonemize=False"):
        from phonemizer.backend import BACKENDS
        from phonemizer.separator import Separator

        made = BACKENDS[engine](language, language_switch="remove-flags")
        return made.phonemize([text], separator=Separator(phone=phone, word=word, syllable=""))[0].strip()


def aloud(text: str) -> str:
    """The phonemes of English with their stress, punctuation where it is.

    Raises:
      InputError: the library is not installed.
    """
    with _told("en-us", "pass phonemes to a tokenizer that was read with phonemize=False"):
        import phonemizer

        how = {"strip": True, "preserve_punctuation": True, "with_stress": True}
        return phonemizer.phonemize(text, language="en-us", backend="espeak", **how)
