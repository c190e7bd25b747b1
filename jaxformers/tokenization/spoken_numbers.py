"""English numbers in digits: "twenty twenty" -> "2020", "two point five million dollars" -> "$2500000"."""

from __future__ import annotations

import fractions
import re
from typing import Any

Value = int | str | None  # of a number so far: one to count on with, digits that others are put behind, or none

_UNITS = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen
"""
_DOZENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_POWERS = """
thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion
"""
_IRREGULAR = {"first": (1, "st"), "second": (2, "nd"), "third": (3, "rd"), "fifth": (5, "th"), "twelfth": (12, "th")}

ZEROS = {"o", "oh", "zero"}
ONES = {word: n for n, word in enumerate(_UNITS.split(), 1)}
TENS = {word: 10 * n for n, word in enumerate(_DOZENS.split(), 2)}
TIMES = {"hundred": 100, **{word: 1000**n for n, word in enumerate(_POWERS.split(), 1)}}
# Words that end a number, with what is written behind it. As in Whisper's comparisons "ninth" is not one of them.
ONES_ENDS = {
    "zeroth": (0, "th"),
    **{f"{word}es" if word == "six" else f"{word}s": (n, "s") for word, n in ONES.items()},
    **{word + "th"[word.endswith("t") :]: (n, "th") for word, n in ONES.items() if n > 3 and n not in (5, 12)},
    **_IRREGULAR,
}
TENS_ENDS = {word[:-1] + end: (n, mark) for word, n in TENS.items() for end, mark in (("ies", "s"), ("ieth", "th"))}
TIMES_ENDS = {word + mark: (n, mark) for word, n in TIMES.items() for mark in ("s", "th")}
SIGNS = {"minus": "-", "negative": "-", "plus": "+", "positive": "+"}
COINS = {"pound": "£", "euro": "€", "dollar": "$", "cent": "¢"}
COINS |= {f"{word}s": mark for word, mark in COINS.items()}
LINKS = {"and", "double", "triple", "point"}
WORDS = {*ZEROS, *ONES, *ONES_ENDS, *TENS, *TENS_ENDS, *TIMES, *TIMES_ENDS, *SIGNS, *COINS, *LINKS, "per", "percent"}
DECIMALS = {*ONES, *TENS, *ZEROS}
MARKS = {*SIGNS.values(), *COINS.values()}
_NUMERAL = re.compile(r"^\d+(\.\d+)?$")


class Reader:
    """Reads words one after the other; `out` is what they say, `value` and `mark` belong to a number in the making."""

    def __init__(self, words: list[str]):
        self.words = words
        self.out: list[str] = []
        self.value: Value = None
        self.mark = ""

    def read(self) -> list[str]:
        """All words, numbers in digits."""
        at = 0
        while at < len(self.words):
            at += self._word(at)
        self._end()
        return self.out

    def _say(self, what: Any) -> None:
        """Says what the number in the making is; its mark stands before whatever is said next."""
        self.out.append(f"{self.mark}{what}")
        self.value, self.mark = None, ""

    def _end(self) -> None:
        if self.value is not None:
            self._say(self.value)

    def _apart(self, word: str) -> None:
        """A word that is no part of a number."""
        self._end()
        self._say(word)

    def _word(self, at: int) -> int:
        """Reads the word `at`; returns how many words that were."""
        word, value = self.words[at], self.value
        before = self.words[at - 1] if at else ""
        after = self.words[at + 1] if at + 1 < len(self.words) else ""
        counts = after in WORDS or _NUMERAL.match(after) is not None
        bare = word[1:] if word[0] in MARKS else word
        if _NUMERAL.match(bare):
            self._numeral(word, bare)
        elif word not in WORDS:
            self._apart(word)
        elif word in ZEROS:
            self.value = f"{value or ''}0"
        elif word in ONES or word in TENS:
            self.value = _behind(value, (ONES | TENS)[word], before)
        elif word in ONES_ENDS or word in TENS_ENDS:
            n, end = (ONES_ENDS | TENS_ENDS)[word]
            self._say(f"{_behind(value, n, before)}{end}")
        elif word in TIMES:
            many = _times(value, TIMES[word])
            if many is None:
                self._end()
            self.value = TIMES[word] if many is None else many
        elif word in TIMES_ENDS:
            n, end = TIMES_ENDS[word]
            many = _times(value, n)
            if many is None:
                self._end()
            self._say(f"{n if many is None else many}{end}")
        elif word in SIGNS:
            self._end()
            if counts:
                self.mark = SIGNS[word]
            else:
                self._say(word)
        elif word in COINS:
            if value is not None:
                self.mark = COINS[word]
            self._say(word if value is None else value)
        elif word == "percent" or (word == "per" and after == "cent" and value is not None):
            self._say(word if value is None else f"{value}%")
            return 1 + (word == "per")
        elif word == "per" or not counts:
            self._apart(word)
        else:
            return self._link(word, before, after)
        return 1

    def _numeral(self, word: str, bare: str) -> None:
        if isinstance(self.value, str) and self.value.endswith("."):
            self.value += word
            return
        self._end()
        self.mark = self.mark if bare == word else word[0]
        number = fractions.Fraction(bare)
        self.value = number.numerator if number.denominator == 1 else bare

    def _link(self, word: str, before: str, after: str) -> int:
        """A word that joins numbers, with a number behind it."""
        if word == "point":
            if after in DECIMALS or _NUMERAL.match(after):
                self.value = f"{self.value or ''}."
        elif word == "and":
            if before not in TIMES:
                self._apart(word)
        elif after in ONES or after in ZEROS:
            self.value = f"{self.value or ''}{str(ONES.get(after, 0)) * (2 if word == 'double' else 3)}"
            return 2
        else:
            self._apart(word)
        return 1


def _behind(value: Value, n: int, before: str) -> Value:
    """A number with `n` below a hundred behind it: added where there is room for it, else written behind.

    before: the word before that of `n`.
    """
    if value is None:
        return n
    if n < 20 and before in ONES:
        return f"{value}{n}"
    if isinstance(value, str):
        return f"{value[:-1] if n < 10 and before in TENS else value}{n}"
    return value + n if value % (10 if n < 10 else 100) == 0 else f"{value}{n}"


def _times(value: Value, n: int) -> int | None:
    """A number of thousands, say; None where that is no whole number."""
    if value is None:
        return n
    if isinstance(value, int):
        return value // 1000 * 1000 + value % 1000 * n
    try:
        many = fractions.Fraction(value) * n
    except ValueError:
        return None
    return many.numerator if many.denominator == 1 else None


def in_digits(text: str) -> str:
    """A text of small letters with its numbers in digits, and what is counted, coins or percent, as a mark at them."""
    text = " ".join(Reader(_parted(text).split()).read())
    text = re.sub(r"([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b", lambda m: f"{m[1]}{m[2]}.{int(m[3]):02d}", text)
    text = re.sub(r"[€£$]0.([0-9]{1,2})\b", lambda m: f"¢{int(m[1])}", text)
    return re.sub(r"\b1(s?)\b", r"one\1", text)


def _parted(text: str) -> str:
    """Halves as decimals, and letters apart from digits, but for the ends of ordinals."""
    parts = re.split(r"\band\s+a\s+half\b", text)
    words = []
    for i, part in enumerate(parts):
        if not part.split():
            continue
        words.append(part)
        if i < len(parts) - 1:
            last = part.split()[-1]
            words.append("point five" if last in DECIMALS or last in TIMES else "and a half")
    text = re.sub(r"([a-z])([0-9])", r"\1 \2", " ".join(words))
    text = re.sub(r"([0-9])([a-z])", r"\1 \2", text)
    return re.sub(r"([0-9])\s+(st|nd|rd|th|s)\b", r"\1\2", text)
