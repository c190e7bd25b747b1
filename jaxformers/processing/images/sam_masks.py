"""Crops, points and masks of SAM's search for everything in an image. NumPy."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images.post_boxes import overlap

NEAR = 20.0  # pixels from a crop's edge within which a box is taken to be cut off


def crops(height: int, width: int, layers: int, ratio: float) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) of crops, layer by layer; the first is the whole image."""
    boxes = [(0, 0, width, height)]
    for layer in range(1, layers + 1):
        n = 2**layer
        common = int(ratio * min(height, width) * (2 / n))
        w, h = (math.ceil((common * (n - 1) + side) / n) for side in (width, height))
        for i, j in itertools.product(range(n), range(n)):
            left, top = (w - common) * i, (h - common) * j
            boxes.append((left, top, min(left + w, width), min(top + h, height)))
    return boxes


def grid(n: int) -> np.ndarray:
    """The middles [n * n, 2] (x, y) of n x n fields of the unit square, row by row."""
    y, x = np.meshgrid(*[np.linspace(1 / (2 * n), 1 - 1 / (2 * n), n)] * 2, indexing="ij")
    return np.stack([x, y], -1).reshape(-1, 2)


def scale(height: int, width: int, longest: int) -> np.ndarray:
    """By how much [2] (x, y) an image grows when its longer side becomes `longest`, with whole sides."""
    by = longest / max(height, width)
    return np.array([int(width * by + 0.5) / width, int(height * by + 0.5) / height])


def good(
    masks: Any,
    scores: Any,
    size: Any,
    crop: Any,
    least_score: float,
    least_stability: float,
    threshold: float,
    offset: float,
) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
    """The masks of a crop that are sure, stable and not cut off by the crop's edge.

    Args:
      masks: scores of pixels [P, M, h, w]; scores: of masks [P, M].
      size: (height, width) of the image; crop: (left, top, right, bottom) in it.
      least_score, least_stability: a mask must have more; 0 lets all pass. Stability is the part of its pixels that
        stays when `threshold` goes from `offset` less to `offset` more.

    Returns:
      the masks in the image as run lengths, see `encoded`; their scores; boxes int64 [N, 4] in the crop.

    Raises:
      InputError: there are not as many masks as scores.
    """
    x, score = np.asarray(masks), np.asarray(scores).reshape(-1)
    x = x.reshape(-1, *x.shape[-2:])
    if len(x) != len(score):
        raise InputError("filter_masks", [f"masks must have one of iou_scores each, got {len(x)} and {len(score)}"])
    kept = score > least_score if least_score > 0 else np.ones(len(x), bool)
    if least_stability > 0:
        inner, outer = ((x > threshold + by).sum((1, 2)) for by in (offset, -offset))
        with np.errstate(invalid="ignore", divide="ignore"):
            kept &= inner / outer > least_stability
    x, score = x[kept] > threshold, score[kept]
    boxes = np.array([_around(m) for m in x], np.int64).reshape(-1, 4)
    inside = ~_cut_off(boxes, np.asarray(crop, np.float32), (0, 0, int(size[1]), int(size[0])))
    left, top, right, bottom = (int(n) for n in crop)
    wide = ((0, 0), (top, int(size[0]) - bottom), (left, int(size[1]) - right))
    return [encoded(m) for m in np.pad(x[inside], wide)], score[inside], boxes[inside]


def _around(mask: np.ndarray) -> tuple[int, int, int, int]:
    y, x = np.nonzero(mask)
    return (x.min(), y.min(), x.max(), y.max()) if len(x) else (0, 0, 0, 0)


def _cut_off(boxes: np.ndarray, crop: np.ndarray, image: tuple[int, int, int, int]) -> np.ndarray:
    """Which boxes [N, 4] of a crop come near its edge, where that is not the image's too?"""
    edges = boxes + np.tile(crop[:2], 2)
    near, outer = (np.abs(edges - np.asarray(frame, np.float32)) <= NEAR for frame in (crop, image))
    return (near & ~outer).any(1)


def encoded(mask: np.ndarray) -> dict[str, Any]:
    """A mask [H, W] in COCO's run lengths: `counts` of pixels that are off, on, off, ..., column by column."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}


def decoded(lengths: dict[str, Any]) -> np.ndarray:
    """The mask [H, W] of run lengths; see `encoded`."""
    height, width = lengths["size"]
    counts = np.asarray(lengths["counts"])
    if counts.sum() != height * width:
        raise InputError("run lengths", [f"counts must sum to {height} x {width}, got {counts.sum()}"])
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(width, height).T


def apart(boxes: np.ndarray, scores: np.ndarray, most: float) -> list[int]:
    """The numbers of the boxes [N, 4] that do not overlap a better one by more than `most`, the best first."""
    boxes, order = boxes.astype(np.float32), np.argsort(-scores, kind="stable").tolist()
    kept: list[int] = []
    while order:
        best = order.pop(0)
        kept.append(best)
        near = overlap(boxes[best], boxes[order]) > most
        order = [k for k, close in zip(order, near.tolist(), strict=True) if not close]
    return kept
