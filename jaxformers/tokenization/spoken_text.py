"""What of a text is spoken: small letters and digits, without marks; for comparing transcripts of any language.

This is how Whisper's paper compares them: https://arxiv.org/abs/2212.04356, appendix C.
"""

from __future__ import annotations

import re
import unicodedata

# Letters that Unicode does not take apart.
_PLAIN = "oe OE o O ae AE ss SS d D d D th th l L"
_LETTERS = dict(zip("œŒøØæÆßẞđĐðÐþÞłŁ", _PLAIN.split(), strict=True))
ASIDES = (re.compile(r"[<\[][^>\]]*[>\]]"), re.compile(r"\(([^)]+?)\)"))
SPACES = re.compile(r"\s+")


def without_asides(text: str) -> str:
    """The text without what stands in brackets."""
    for aside in ASIDES:
        text = aside.sub("", text)
    return text


def without_marks(text: str, keep: str = "") -> str:
    """The text with spaces for symbols and punctuation, and without accents; `keep`: marks that stay."""
    return "".join([letter if letter in keep else _plain(letter) for letter in unicodedata.normalize("NFKD", text)])


def _plain(letter: str) -> str:
    kind = unicodedata.category(letter)
    return "" if kind == "Mn" else " " if kind[0] in "MSP" else _LETTERS.get(letter, letter)


def spoken(text: str, remove_diacritics: bool = False) -> str:
    """Small letters, digits and single spaces; what stands in brackets is dropped.

    Args:
      text: in any language.
      remove_diacritics: also drop accents? Else marks that are letters' own become spaces where Unicode has no letter
        that includes them.
    """
    text = without_asides(text.lower())
    if remove_diacritics:
        text = without_marks(text)
    else:
        whole = unicodedata.normalize("NFKC", text)
        text = "".join([" " if unicodedata.category(letter)[0] in "MSP" else letter for letter in whole])
    return SPACES.sub(" ", text.lower())
