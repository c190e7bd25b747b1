"""The library's errors: each says where, what the rule is, what it got and what to do; all offenders at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class JaxformersError(ValueError):
    """Base of the errors below: `except jf.JaxformersError` catches every refusal of this library."""

    def __init__(self, where: str, problems: Sequence[str], todo: str = ""):
        lines = list(problems)
        text = f"{where}: {lines[0]}" if len(lines) == 1 else f"{where}:\n" + "\n".join(f"  - {x}" for x in lines)
        super().__init__(f"{text}{'; ' if len(lines) == 1 else chr(10)}{todo}" if todo else text)
        self.problems = tuple(lines)


class ConfigError(JaxformersError):
    """A config that can not be read, or holds values that this library does not compute."""


class CheckpointError(JaxformersError):
    """A checkpoint file that is missing, damaged or does not fit the model."""


class InputError(JaxformersError):
    """Arguments of a call that do not fit the head."""


def nearest(name: str, known: Iterable[str], n: int = 5) -> list[str]:
    """The `n` entries of `known` most like `name`."""
    known = sorted(known)
    lowered = {k.lower(): k for k in known}
    close = [lowered[k] for k in difflib.get_close_matches(name.lower(), list(lowered), n=n, cutoff=0.3)]
    return close or known[:n]
