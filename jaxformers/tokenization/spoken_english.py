"""English as it is spoken: short forms in full, numbers in digits, one spelling; for comparing transcripts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jaxformers.tokenization.spoken_numbers import in_digits
from jaxformers.tokenization.spoken_text import SPACES, without_asides, without_marks

_WORDS = """
won't=will not, can't=can not, let's=let us, ain't=aint, y'all=you all, wanna=want to, gotta=got to,
gonna=going to, i'ma=i am going to, imma=i am going to, woulda=would have, coulda=could have, shoulda=should have,
ma'am=madam
"""
_TITLES = """
mr=mister, mrs=missus, st=saint, dr=doctor, prof=professor, capt=captain, gov=governor, ald=alderman, gen=general,
sen=senator, rep=representative, pres=president, rev=reverend, hon=honorable, asst=assistant, assoc=associate,
lt=lieutenant, col=colonel, jr=junior, sr=senior, esq=esquire
"""
_ENDINGS = """
'd been=had been, 's been=has been, 'd gone=had gone, 's gone=has gone, 'd done=had done, 's got=has got, n't=not,
're=are, 's=is, 'd=would, 'll=will, 't=not, 've=have, 'm=am
"""


def _pairs(table: str) -> list[tuple[str, str]]:
    entries = [entry.strip().split("=") for entry in table.split(",")]
    return [(short, full) for short, full in entries]


_FULL = [  # in this order: endings that several have are last
    *((re.compile(rf"\b{short}\b"), full) for short, full in _pairs(_WORDS)),
    *((re.compile(rf"\b{short}\b"), f"{full} ") for short, full in _pairs(_TITLES)),
    *((re.compile(rf"{short}\b"), f" {full}") for short, full in _pairs(_ENDINGS)),
]
_HESITATIONS = re.compile(r"\b(hmm|mm|mhm|mmm|uh|um)\b")
_KEPT = ".%$¢€£"  # marks of numbers


def spoken_english(text: str, spelling: Mapping[str, str]) -> str:
    """Small letters, digits and single spaces.

    Args:
      text: English.
      spelling: the words that are spelt in another way, British ones as a rule.
    """
    text = _HESITATIONS.sub("", without_asides(text.lower()))
    text = re.sub(r"\s+'", "'", text)
    for short, full in _FULL:
        text = short.sub(full, text)
    text = re.sub(r"(\d),(\d)", r"\1\2", text)
    text = re.sub(r"\.([^0-9]|$)", r" \1", text)
    text = in_digits(without_marks(text, _KEPT))
    text = " ".join([spelling.get(word, word) for word in text.split()])
    text = re.sub(r"[.$¢€£]([^0-9])", r" \1", text)  # marks of numbers that are at none
    text = re.sub(r"([^0-9])%", r"\1 ", text)
    return SPACES.sub(" ", text)
