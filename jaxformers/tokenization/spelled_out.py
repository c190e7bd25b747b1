"""English with its numbers and titles in words, in small letters of ASCII: what CLVP reads aloud."""

from __future__ import annotations

import re

_SMALL = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_LARGE = "thousand million billion trillion quadrillion"
_TITLES = """
mrs=misess mr=mister dr=doctor st=saint co=company jr=junior maj=major gen=general drs=doctors rev=reverend
lt=lieutenant hon=honorable sgt=sergeant capt=captain esq=esquire ltd=limited col=colonel ft=fort
"""
SMALL, TENS = _SMALL.split(), _TENS.split()
LARGE = [(1000**n, name) for n, name in enumerate(_LARGE.split(), 1)][::-1]
TITLES = dict(entry.split("=") for entry in _TITLES.split())
_TITLE = re.compile(rf"\b({'|'.join(sorted(TITLES, key=len, reverse=True))})\.")
DIGITS = 18  # longer numbers are not read


def number(n: int) -> str:
    """A number that is not negative in words: 1234 -> "one thousand, two hundred thirty-four"."""
    if n >= 10**DIGITS:
        return "number out of range"
    if n < 20:
        return SMALL[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f"-{SMALL[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{SMALL[n // 100]} hundred" + (f" {number(n % 100)}" if n % 100 else "")
    size, name = next(entry for entry in LARGE if n >= entry[0])
    return f"{number(n // size)} {name}" + (f", {number(n % size)}" if n % size else "")


def _value(digits: str) -> int:
    """The number of digits; of too many, one that is not read."""
    digits = digits.lstrip("0")
    return int(digits or 0) if len(digits) <= DIGITS else 10**DIGITS


def _coins(match: re.Match[str]) -> str:
    dollars, _, cents = match[1].replace(",", "").partition(".")
    if "." in cents:
        return f"{match[1]} dollars"
    counts = [(dollars.lstrip("0"), "dollar"), (cents.lstrip("0"), "cent")]
    said = [f"{count} {name}{'' if count == '1' else 's'}" for count, name in counts if count]
    return ", ".join(said) or "zero dollars"


def _ordinal(match: re.Match[str]) -> str:
    n = _value(match[1])
    ends = {1: "st", 2: "nd", 3: "rd"}
    return number(n) + ("th" if 10 <= n % 100 <= 20 else ends.get(n % 10, "th"))


def _year(match: re.Match[str]) -> str:
    n = _value(match[0])
    if 2000 < n < 2010:
        return f"two thousand {SMALL[n % 10]}"
    return f"{number(n // 100)} hundred" if 1000 < n < 3000 and n % 100 == 0 and n != 2000 else number(n)


def spelled_out(text: str) -> str:
    """The text as CLVP's tokenizer reads it; letters that are not of ASCII are dropped."""
    text = text.encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[0-9][0-9,]+[0-9]", lambda m: m[0].replace(",", ""), text)
    text = re.sub(r"\$([0-9.,]*[0-9])", _coins, text)
    text = re.sub(r"[0-9]+\.[0-9]+", lambda m: m[0].replace(".", " point "), text)
    text = re.sub(r"([0-9]+)(?:st|nd|rd|th)", _ordinal, text)
    text = re.sub(r"[0-9]+", _year, text)
    text = _TITLE.sub(lambda m: TITLES[m[1]], text)
    return re.sub(r"\s+", " ", text).replace('"', "")
