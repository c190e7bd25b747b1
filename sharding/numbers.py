"""Numbers of devices and processes, for people."""

from __future__ import annotations

from collections.abc import Iterable


def ranges(numbers: Iterable[int], between: str = ", ") -> str:
    """[1, 2, 3, 7] as "1-3, 7"."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and runs[-1][-1] == n - 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return between.join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
