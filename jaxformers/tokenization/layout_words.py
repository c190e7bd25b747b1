"""Words of pages and what is told of each, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxformers.errors import InputError
from jaxformers.tokenization.tensors import plain


class Told(NamedTuple):
    """The words of a call.

    Args:
      many: was a list of pages given?
      words: those of each page.
      questions: about each page, or None.
      told: by name, what is told of each page's words; None of what is not told.
    """

    many: bool
    words: list[list[str]]
    questions: list[str] | None
    told: dict[str, Any]


class Pages(NamedTuple):
    """Pages of a call.

    Args:
      many: was a list of pages given?
      first, second: the words of each page or, of pages with questions, the questions' words and the pages'.
      boxes, labels: those of each page's words.
    """

    many: bool
    first: list[list[str]]
    second: list[list[str]] | None
    boxes: list[list[list[int]]]
    labels: list[list[int]] | None


def told_of(text: Any, pair: Any, told: Mapping[str, Any], word: str = "word") -> Told:
    """The pages of a call, with one entry of everything that is told for each of their words.

    Args:
      text: the words of a page, or a list of pages; with `pair` a question, or a list of them.
      pair: the words of the page that the question is about, or a list of pages.
      told: by name, lists that go with the words; None of what is not told.
      word: what errors call a word.

    Raises:
      InputError: any of it has another form.
    """
    many = isinstance(text, list | tuple) and (pair is not None or isinstance([*text, None][0], list | tuple))
    words = text if pair is None else pair
    told = {name: plain(value) for name, value in told.items()}
    if not many:
        words, told = [words], {name: None if value is None else [value] for name, value in told.items()}
    if not words and many:
        raise InputError("tokenizer", ["text must hold a page at least, got none"])
    name = "text" if pair is None else "text_pair"
    questions = None if pair is None else list(text) if many else [text]
    counted = [(what, value) for what, value in told.items() if value is not None]
    for what, held in [(name, words), *([("text", questions)] if questions is not None else []), *counted]:
        if not isinstance(held, list | tuple) or len(held) != len(words):
            got = len(held) if isinstance(held, list | tuple) else f"{held!r:.60}"
            raise InputError("tokenizer", [f"{what} must be a list for each of {len(words)} pages, got {got}"])
    problems = [f"text must be a question's string, got {q!r:.60}" for q in questions or () if not isinstance(q, str)]
    for i, page in enumerate(words):
        at = f"[{i}]" if many else ""
        if not isinstance(page, list | tuple) or not all(isinstance(word, str) for word in page):
            problems.append(f"{name}{at} must be a list of {word}s, got {page!r:.60}")
            continue
        for what, held in counted:
            if not isinstance(held[i], list | tuple) or len(held[i]) != len(page):
                got = len(held[i]) if isinstance(held[i], list | tuple) else f"{held[i]!r:.60}"
                problems.append(f"{what}{at} must be one for each of {len(page)} {word}s, got {got}")
    if problems:
        raise InputError("tokenizer", problems[:8])
    return Told(many, [list(page) for page in words], questions, told)


def pages_of(text: Any, pair: Any, boxes: Any, labels: Any) -> Pages:
    """The pages of a call.

    Raises:
      InputError: they are not what `Boxed.call_boxes` takes.
    """
    if boxes is None:
        raise InputError("tokenizer", ["boxes must be given, [left, top, right, bottom] for every word"])
    many, read, questions, told = told_of(text, pair, {"boxes": boxes, "word_labels": labels})
    boxes = [[box_of("boxes", box) for box in page] for page in told["boxes"]]
    split = None if questions is None else [question.split() for question in questions]
    return Pages(many, read if split is None else split, None if split is None else read, boxes, told["word_labels"])


def box_of(what: str, box: Any) -> list[int]:
    """A box, if it is one."""
    if not isinstance(box, list | tuple) or len(box) != 4 or not all(isinstance(x, int | float) for x in box):
        raise InputError("tokenizer", [f"{what} must be [left, top, right, bottom], got {box!r:.60}"])
    return list(box)
