"""Boxes as tokens of a text, as KOSMOS-2 writes them, and the things in a text that have boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

Box = tuple[float, float, float, float]
Entity = tuple[str, tuple[int, int], list[Box]]

BETWEEN = "</delimiter_of_multi_objects/>"
TAGS = (
    *("</doc>", "<image>", "</image>", "</chunk>", "</line>", "<phrase>", "</phrase>", "<object>", "</object>"),
    *(BETWEEN, "<grounding>"),
)
PHRASE = re.compile("<phrase>.+?</phrase>")
_PLACE = re.compile(r"<patch_index_(\d+)>")
_PAIR = r"<patch_index_\d+><patch_index_\d+>"
_FOUND = re.compile(f"(?:<phrase>([^<]+)</phrase>)?<object>({_PAIR}(?:{BETWEEN}{_PAIR})*)</object>")
_TAG = re.compile("<.*?>")


def place(number: int) -> str:
    """The token of a patch."""
    return f"<patch_index_{number:04d}>"


def tokens_of(boxes: Sequence[Sequence[Any]], side: int) -> str:
    """What stands behind a phrase for its boxes.

    Args:
      boxes: (left, top, right, bottom) as parts of the image, or (first, last) patch; one at least.
      side: patches in a row.
    """
    pairs = [box if len(box) == 2 else patches_of(box, side) for box in boxes]
    return "<object> " + f" {BETWEEN} ".join(f"{place(a)} {place(b)}" for a, b in pairs) + " </object>"


def patches_of(box: Sequence[float], side: int) -> tuple[int, int]:
    """The patches that hold the upper left and the lower right corner of a box."""
    left, top = (math.floor(edge * side) for edge in box[:2])
    right, bottom = (math.ceil(edge * side - 1) for edge in box[2:])
    return top * side + left, bottom * side + right


def box_of(first: int, last: int, side: int) -> Box:
    """The box between two patches: from center to center, or the whole patches if they share a row or a column."""
    cell = 1.0 / side
    (top, left), (bottom, right) = divmod(first, side), divmod(last, side)
    one_line = left == right or top == bottom
    before, behind = (0.0, cell) if one_line else (cell / 2, cell / 2)
    return left * cell + before, top * cell + before, right * cell + behind, bottom * cell + behind


def read(text: str, side: int) -> tuple[str, list[Entity]]:
    """A text without tags, and its things: what they are called, where they stand in it, and their boxes.

    A box that no phrase names is a thing of its own, called by its tokens.
    """
    clean = _TAG.sub("", text)
    behind = len(clean) - len(clean.lstrip())
    found: list[Entity] = []
    for one in _FOUND.finditer(text):
        numbers = [int(n) for n in _PLACE.findall(one[2])]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        boxes = [box_of(*pair, side) for pair in pairs]
        if one[1]:
            name = one[1]
            start, end = (len(_TAG.sub("", text[:at])) - behind for at in one.span(1))
            start += len(name) - len(name.lstrip())
            end -= len(name) - len(name.rstrip())
            found.append((name.strip(), (start, end), boxes))
        else:
            at = len(_TAG.sub("", text[: one.start()])) - behind
            called = [f"<patch_index_{a}><patch_index_{b}>" for a, b in pairs]
            found += [(name, (at, at), [box]) for name, box in zip(called, boxes, strict=True)]
    return clean.strip(), found
