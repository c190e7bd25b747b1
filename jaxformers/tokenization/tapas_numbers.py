"""Numbers and dates that a text speaks of, as TAPAS reads them.

Paper: https://arxiv.org/abs/2004.02349, section 2 and appendix C.
"""

from __future__ import annotations

import datetime
import math
import re

Date = tuple[float | None, float | None, float | None]  # year, month, day
Value = float | Date

_NUMBER = re.compile(r"(?:(?:^|\s)[+-])?(?:\.\d+|\d+(?:,\d{3})*(?:\.\d*)?)")
_CARDINALS = "zero one two three four five six seven eight nine ten eleven twelve"
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_WORDS = {word: float(i) for words in (_CARDINALS, _ORDINALS) for i, word in enumerate(words.split())}

_NAMES = "january february march april may june july august september october november december"
_MONTHS = _NAMES.split()
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_PARTS = {
    "month": "|".join([*_MONTHS, *(name[:3] for name in _MONTHS)]),
    "whole": "|".join(_MONTHS),
    "weekday": _DAYS,
    "year": r"\d{4}",
    "day": r"3[01]|[12]\d|0?[1-9]",
    "number": r"1[0-2]|0?[1-9]",  # a month's
}
_FORMS = (
    *("{whole}", "{year}", "{year}s", "{month} {year}", "{month} {day}", "{day} {month}", "{weekday}, {month} {day}"),
    *("{month} {day}, {year}", "{day} {month} {year}", "{number}-{day}-{year}", "{year}-{number}-{day}"),
    *("{year}-{number}", "{day}[.]{number}[.]{year}"),
)
_DATES = [re.compile(form.format(**{name: f"(?P<{name}>{part})" for name, part in _PARTS.items()})) for form in _FORMS]
_YEARS = (1700, 2016)
_LONGEST = 5  # words of a date


def values_in(text: str) -> list[Value]:
    """Numbers and dates in a text, from left to right; of those within others only the longest."""
    text = " ".join(text.lower().split())
    words = [match.span() for match in re.finditer(r"[^\W_]+", text)]
    found: dict[tuple[int, int], list[Value]] = {}
    for match in _NUMBER.finditer(text):
        if (number := _number(match[0])) is not None:
            found[match.span()] = [number]
    for start, end in words:
        word = text[start:end]
        number = _number(word) if word not in _WORDS else _WORDS[word]
        if (start, end) not in found and number is not None:
            found[start, end] = [number]
    for last, (_, end) in enumerate(words):
        for start, _ in words[max(0, last - _LONGEST + 1) : last + 1]:
            if (date := _date(text[start:end])) is not None:
                found.setdefault((start, end), []).append(date)
    chosen: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0] - span[1], span[0])):
        if not any(a <= start and end <= b for a, b in chosen):
            chosen.append((start, end))
    return [value for span in sorted(chosen) for value in found[span]]


def _number(text: str) -> float | None:
    for ending in ("st", "nd", "rd", "th"):
        if text.endswith(ending):
            text = text[:-2]
            break
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return None if math.isnan(value) or value == math.inf else value


def _date(text: str) -> Date | None:
    for form in _DATES:
        if match := form.fullmatch(text):
            part = match.groupdict()
            name = part.get("month") or part.get("whole")
            month = [m[:3] for m in _MONTHS].index(name[:3]) + 1 if name else part.get("number")
            year, day = part.get("year"), part.get("day")
            try:
                date = datetime.date(int(year or 1900), int(month or 1), int(day or 1))
            except ValueError:
                continue
            if _YEARS[0] <= date.year <= _YEARS[1]:
                whole = zip((date.year, date.month, date.day), (year, month, day), strict=True)
                y, m, d = (None if given is None else float(value) for value, given in whole)
                return y, m, d
    return None
