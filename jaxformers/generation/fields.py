"""What the value of a `GenerationConfig`'s field must be: fields with their rules, for every kind of value."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Callable, Mapping
from typing import Any


def rule(default: Any, text: str, holds: Callable[[Any], bool]) -> Any:
    """A field with its rule; None is always offered: "not set", or the default where that is not None."""
    return dataclasses.field(default=default, metadata={"rule": (text, holds)})


def is_int(x: Any) -> bool:
    return isinstance(x, int) and not isinstance(x, bool)


def is_id(x: Any) -> bool:
    return is_int(x) and x >= 0


def are_ids(x: Any) -> bool:
    return isinstance(x, tuple) and all(map(is_id, x))


def is_some(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) > 0


def are_phrases(x: Any) -> bool:
    """A list of token sequences, none of them empty."""
    return is_some(x) and all(are_ids(p) and p for p in x)


def are_forced(x: Any) -> bool:
    """A list of phrases, or of lists of alternative phrases."""
    return is_some(x) and all((are_ids(p) and p) or are_phrases(p) for p in x)


def are_biases(x: Any) -> bool:
    """A list of pairs of a phrase and a number."""
    return is_some(x) and all(
        is_some(pair) and len(pair) == 2 and are_phrases(pair[:1]) and is_real(pair[1]) for pair in x
    )


def are_ends(x: Any) -> bool:
    return is_int(x) or (isinstance(x, tuple) and all(map(is_int, x)))


def are_layers(x: Any) -> bool:
    return x in ("low", "high") or (are_ids(x) and len(x) > 0)


def is_object(x: Any) -> bool:
    return isinstance(x, Mapping)


def is_real(x: Any) -> bool:
    return isinstance(x, numbers.Real) and not isinstance(x, bool) and x == x


def is_decay(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and is_id(x[0]) and is_real(x[1]) and x[1] > 0


def are_texts(x: Any) -> bool:
    listed = (x,) if isinstance(x, str) else x
    return isinstance(listed, tuple) and len(listed) > 0 and all(isinstance(s, str) and s for s in listed)


def flag(default: bool | None = False) -> Any:
    return rule(default, "be True or False", lambda x: isinstance(x, bool))


def count(default: int | None, least: int) -> Any:
    return rule(default, f"be a whole number of at least {least}", lambda x: is_int(x) and x >= least)


def number(default: float | None, interval: str) -> Any:
    """A real number in an interval written as in mathematics: "(0, 1]"."""
    low, high = map(float, interval[1:-1].split(","))

    def holds(x):
        if not is_real(x):
            return False
        return (low < x if interval[0] == "(" else low <= x) and (x < high if interval[-1] == ")" else x <= high)

    return rule(default, f"lie in {interval}", holds)


def choice(default: Any, *values: Any) -> Any:
    text = "be one of " + ", ".join(map(repr, values))
    return rule(default, text, lambda x: any(x is v or (isinstance(x, str) and x == v) for v in values))


def ids() -> Any:
    return rule(None, "be a token id or a list of them", lambda x: is_id(x) or (are_ids(x) and len(x) > 0))
