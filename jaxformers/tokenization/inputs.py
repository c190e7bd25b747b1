"""The texts of a call, checked and brought into the form that the backend takes."""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError


def one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError("tokenizer", [f"{name} must be one of {', '.join(known)}, got {value!r}"])


def rows_of(text: Any, pair: Any, many: bool, words: bool) -> list[Any]:
    """The backend's batch: a string (or list of words) a row, or a tuple of two. A batch may hold pairs itself."""
    if type(text) is str and pair is None and not many and not words:  # the usual cases are checked fast
        return [text]
    if not many:
        text, pair = [text], None if pair is None else [pair]
    elif pair is not None and not (isinstance(pair, list | tuple) and len(pair) == len(text)):
        got = f"{len(pair)} texts" if isinstance(pair, list | tuple) else f"{pair!r:.60}"
        raise InputError("tokenizer", [f"text_pair must be a list of {len(text)} texts, as text is, got {got}"])
    if many and pair is None and not words and all(isinstance(t, list | tuple) and len(t) == 2 for t in text):
        text, pair = zip(*text, strict=True) if text else ((), None)
    rule, fits = ("a list of words", _is_words) if words else ("a string", _is_string)
    plain = not words and set(map(type, text)) <= {str} and set(map(type, pair or ())) <= {str}
    problems = (
        []
        if plain
        else [
            f"{name}{f'[{i}]' if many else ''} must be {rule}, got {t!r:.60}"
            for name, held in (("text", text), ("text_pair", pair or ()))
            for i, t in enumerate(held)
            if not fits(t)
        ]
    )
    if problems:
        raise InputError("tokenizer", problems[:8])
    return list(text) if pair is None else list(zip(text, pair, strict=True))


def _is_string(x: Any) -> bool:
    return isinstance(x, str)


def _is_words(x: Any) -> bool:
    return isinstance(x, list | tuple) and all(isinstance(word, str) for word in x)
