"""Places in an image as tokens of a text, as Fuyu reads and writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError

# What users write around a place, and the token of a tokenizer in its stead; a box has four numbers, a point two.
_TAGS = {"<box>": "<0x00>", "</box>": "<0x01>", "<point>": "<0x02>", "</point>": "<0x03>"}
ANSWER = "<0x04>"
FORMS = {4: ("<box>", "</box>"), 2: ("<point>", "</point>")}
_SPLIT = re.compile(f"({'|'.join(_TAGS.values())})")
_OPENS = ("<0x00>", "<0x02>")


def known(tokenizer: Any, token: str) -> int:
    """The id of a token.

    Raises:
      InputError: the vocabulary lacks it.
    """
    index = tokenizer.backend.token_to_id(token)
    if index is None:
        raise InputError("FuyuProcessor", [f"the tokenizer must hold {token!r}"])
    return index


def read(text: str, scale: float, tokenizer: Any) -> list[int]:
    """The ids of a text, whose places are numbers of pixels of the image before it was resized by `scale`.

    Args:
      text: `<box>top, left, bottom, right</box>` and `<point>x, y</point>` are places.

    Raises:
      InputError: a place is something else, or the vocabulary lacks a number.
    """
    for written, token in _TAGS.items():
        text = text.replace(written, token)
    ids: list[int] = []
    before = ""
    for part in _SPLIT.split(text):
        if part and part not in _TAGS.values():
            ids += _place(part, scale, tokenizer) if before in _OPENS else _plain(part, tokenizer)
        before = part
    return ids


def _plain(text: str, tokenizer: Any) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _place(text: str, scale: float, tokenizer: Any) -> list[int]:
    """The ids of a place: numbers halved, in the resized image."""
    try:
        numbers = [float(one) for one in text.split(",")]
        opens, closes = FORMS[len(numbers)]
        scaled = [int(np.round(n / 2 * scale)) for n in numbers]
    except (ValueError, KeyError, OverflowError):
        rule = "a box must be four numbers with commas between, a point two"
        raise InputError("FuyuProcessor", [f"{rule}, got {text!r:.60}"]) from None
    around = known(tokenizer, _TAGS[opens]), known(tokenizer, _TAGS[closes])
    return [around[0], *(known(tokenizer, str(n)) for n in scaled), around[1]]


def written(ids: np.ndarray, scale: Any, tokenizer: Any, numbers: int) -> np.ndarray:
    """Ids [S] with the places of so many numbers put in words, in pixels of the image before it was resized.

    Tags around anything else stay as they are.
    """
    opens, closes = FORMS[numbers]
    first, last = known(tokenizer, _TAGS[opens]), known(tokenizer, _TAGS[closes])
    out: list[int] = []
    k = 0
    while k < len(ids):
        end = k + numbers + 1
        if ids[k] == first and end < len(ids) and ids[end] == last:
            places = _pixels(tokenizer.convert_ids_to_tokens(ids[k + 1 : end].tolist()), scale)
            if places is not None:
                words = tokenizer.tokenize(f" {opens}{', '.join(map(str, places))}{closes}")[1:]
                out += tokenizer.convert_tokens_to_ids(words)
                k = end + 1
                continue
        out.append(int(ids[k]))
        k += 1
    return np.asarray(out, ids.dtype)


def _pixels(tokens: Sequence[str | None], scale: Any) -> list[int] | None:
    try:
        return [2 * int(np.float32(token) / scale) for token in tokens]
    except (TypeError, ValueError, OverflowError):
        return None
