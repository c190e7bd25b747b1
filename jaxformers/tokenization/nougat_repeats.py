"""What a model that reads pages writes over and over: repeated ends of a page, and references that are not there.

Paper: https://arxiv.org/abs/2308.13418, section 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MISSING = "[MISSING_PAGE_POST]"
_LIKE = 0.9  # two lines whose ratio is above this are the same reference
_LONGEST, _SHORTEST = 200, 3  # letters of lines that are compared: fewer, and more
_FEWEST = 15  # lines of references that are alike; fewer are kept
_AROUND = 5  # lines before and behind them that are looked at


def ratio(a: str, b: str) -> float:
    """How alike two texts are, from 0 to 1: twice their longest common subsequence, by both lengths."""
    if not a or not b:
        return float(a == b)
    places: dict[str, int] = {}
    for i, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << i
    every = (1 << len(a)) - 1
    free = every  # bit i: the subsequence found so far does not grow at letter i of `a`
    for letter in b:
        hits = free & places.get(letter, 0)
        free = ((free + hits) | (free - hits)) & every
    common = len(a) - free.bit_count()
    total = len(a) + len(b)
    return 1.0 - (total - 2 * common) / total


def without_numbers(line: str) -> str:
    """A line without digits, underscores and marks of bold text."""
    return re.sub(r"[\d_]|\*\*", "", line).strip()


def _stop(text: str, start: int) -> int:
    """Where the next sentence or line ends; 0 if none does."""
    found = re.compile(r"[.?!\n]").search(text, start)
    return found.start() if found else 0


def truncate_repetitions(text: str, min_len: int = 30) -> str:
    """A text without what its end repeats, up to the end of the sentence that repeats it first.

    Args:
      text: what a model wrote.
      min_len: letters of a part that counts as repeated, at least.
    """
    lower = text.lower()
    n = len(lower)
    lengths = [r for r in range(min_len, n // 2) if lower[n - 2 * r : n - r] == lower[n - r :]]
    if not lengths:
        return text
    size = lengths[-1]
    kept = n
    while lower[:kept].endswith(lower[-size:]):
        kept -= size
    tail = lower[kept:]
    back = lower[::-1]
    while True:
        end, start = _stop(lower, kept), _stop(back, kept)
        if not end or not start:
            break
        kept = min(end + 1, n)
        if lower[start:end] in tail:
            break
    return text[:kept]


def remove_hallucinated_references(text: str) -> str:
    """A text in which `[MISSING_PAGE_POST]` stands for long lists of references that are all alike."""
    lines = text.split("\n")
    clean = [without_numbers(line) for line in lines]
    for part in reversed([_section(lines, clean, *run) for run in _runs(clean)]):
        if part:
            text = text.replace(part, f"\n\n{MISSING}\n\n")
    return re.sub(r"## References\n+\[MISSING_PAGE_POST(:\d+)?\]", "\n\n[MISSING_PAGE_POST\\1]", text)


def _runs(clean: Sequence[str]) -> list[tuple[int, int]]:
    """First and last line of each run of lines that are like the next one."""
    marked: set[int] = set()
    for i in range(len(clean) - 1):
        j = i + 1
        while not clean[j] and j < len(clean) - 1:
            j += 1
        a, b = clean[i], clean[j]
        fit = all(_SHORTEST < len(line) < _LONGEST for line in (a, b)) and not a.startswith("[MISSING_PAGE")
        if fit and (a == b or ratio(a, b) > _LIKE):
            marked.update(range(i, j))
    runs: list[list[int]] = []
    for i in sorted(marked):
        if runs and i - runs[-1][1] <= 3:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    return [(first, last + 2) for first, last in runs if last + 2 - first > _FEWEST]


def _section(lines: Sequence[str], clean: Sequence[str], first: int, last: int) -> str:
    """The text of a run, with what belongs to it on either side."""
    base, begins, begin, end = clean[first], False, first, last
    for i in range(max(0, first - 1), max(0, first - _AROUND), -1):
        if lines[i] == "## References":
            begin = i
            break
        if lines[i] and ratio(base, without_numbers(lines[i])) < _LIKE:
            before = without_numbers(lines[max(0, i - 1)].partition("* [")[-1])
            other = len(before) >= 0.75 * len(base) and ratio(base, before) < _LIKE
            begin, begins = (i if other else i + 1), True
            break
    for i in range(min(len(lines), last), min(len(lines), last + _AROUND)):
        if ratio(base, without_numbers(lines[i])) < _LIKE:
            end = i
            break
    end = min(end, len(lines) - 1)
    part = "\n".join(lines[begin : end + 1])
    read = _read_alike(lines[end - 1], lines[end])  # what follows in the last line is of the next page
    if begins and "* [" in part:
        part = "* [" + part.partition("* [")[-1]
    rest = 0 if read is None else len(lines[end]) - read - 1
    return (part[:-rest] if rest > 0 else part).strip()


def _read_alike(a: str, b: str) -> int | None:
    """The place in `b` up to which both lines, numbers aside, are read until they differ; None if none is read."""
    read, rest = None, iter(enumerate(b))
    for letter in a:
        if letter.isnumeric():
            continue
        for read, other in rest:  # noqa: B007 - the place of the last letter read is what is asked for
            if not other.isnumeric():
                break
        else:
            return read
        if letter != other:
            return read
    return read
