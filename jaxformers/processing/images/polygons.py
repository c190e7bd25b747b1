"""Polygons of COCO's annotations as masks, to the pixel as COCO's own tools fill them.

The outline is walked in steps of a fifth of a pixel; wherever it changes column, the pixels of that column below the
crossing are flipped. See https://github.com/cocodataset/cocoapi (common/maskApi.c).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxformers.errors import InputError

FINE = 5  # steps a pixel
FAR = 1e6  # pixels; a corner further away is taken for a mistake


def fill(polygons: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    """bool [height, width]: True inside any of `polygons`, each x0, y0, x1, y1, ... in pixels.

    Raises:
      InputError: something is not a polygon of at least three points, or lies more than FAR away.
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        try:
            points = np.asarray(polygon, np.float64).reshape(-1, 2)
        except (TypeError, ValueError):
            points = np.zeros((0, 2))
        if len(points) < 3 or not np.abs(points).max() <= FAR:
            problem = f"segmentation must be polygons of three or more points x0, y0, x1, y1, ..., got {polygon!r:.80}"
            raise InputError("annotations", [problem])
        mask |= _filled(points, height, width)
    return mask


def _filled(points: np.ndarray, height: int, width: int) -> np.ndarray:
    corners = (FINE * points + 0.5).astype(np.int64)
    edges = zip(corners, np.roll(corners, -1, 0), strict=True)
    x, y = np.concatenate([_walk(*start, *end) for start, end in edges]).T
    crossed = x[1:] != x[:-1]
    columns = (np.where(x[1:] < x[:-1], x[1:], x[1:] - 1)[crossed] + 0.5) / FINE - 0.5
    rows = (np.minimum(y[1:], y[:-1])[crossed] + 0.5) / FINE - 0.5
    inside = (np.floor(columns) == columns) & (columns >= 0) & (columns <= width - 1)
    rows = np.ceil(rows[inside].clip(0, height)).astype(np.int64)
    flips = np.bincount(columns[inside].astype(np.int64) * height + rows, minlength=height * width + 1)
    return (flips[: height * width].cumsum() % 2).astype(bool).reshape(width, height).T


def _walk(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """The points [N, 2] of a straight line, one a step of its longer side."""
    dx, dy = abs(x1 - x0), abs(y1 - y0)
    flat = dx >= dy
    turned = x0 > x1 if flat else y0 > y1
    (ax, ay), (bx, by) = ((x1, y1), (x0, y0)) if turned else ((x0, y0), (x1, y1))
    steps = np.arange(max(dx, dy) + 1)
    if flat:
        slope = (by - ay) / dx if dx else 0.0
        line = np.stack([ax + steps, (ay + slope * steps + 0.5).astype(np.int64)], 1)
    else:
        line = np.stack([(ax + (bx - ax) / dy * steps + 0.5).astype(np.int64), ay + steps], 1)
    return line[::-1] if turned else line
