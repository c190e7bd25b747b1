"""What is done to an image [H, W, C] before a model sees it. Resizing is Pillow's, so that it equals training's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images.loading import PIXELS, pillow

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}  # Pillow's numbers


def bounded(what: str, size: Sequence[float]) -> None:
    """Raises InputError unless an image of `size` (height, width) is one that can be made."""
    if min(size) < 1 or size[0] * size[1] > PIXELS:
        got = f"{size[0]} x {size[1]} (height x width)"
        raise InputError(what, [f"size must be at least 1 x 1 and at most {PIXELS} pixels, got {got}"])


def resize(x: np.ndarray, size: tuple[int, int], resample: int = 2, gap: float | None = None) -> np.ndarray:
    """x [H, W, C] of `size` (height, width), by the Pillow filter `resample`.

    `gap`, Pillow's `reducing_gap`, makes large images smaller by whole factors first, which is faster and less exact.
    Pillow works on bytes: numbers of 0 to 1 that are not whole are taken times 255 there, and come back as float32.

    Raises:
      InputError: the size is not positive, or the numbers are neither whole in 0 to 255 nor within 0 to 1.
    """
    bounded("resize", size)
    scaled = needs_scaling(x)
    image = to_pillow(x, scaled).resize((int(size[1]), int(size[0])), resample=resample, reducing_gap=gap)
    y = np.array(image)
    y = y[..., None] if y.ndim == 2 else y
    return rescale(y, 1 / 255) if scaled else y


def needs_scaling(x: np.ndarray) -> bool:
    """Are the numbers within 0 to 1, rather than bytes?

    Raises:
      InputError: they are neither whole numbers of 0 to 255 nor within 0 to 1.
    """
    if x.dtype == np.uint8:
        return False
    whole = bool(np.allclose(x, x.astype(int)))
    low, high = x.min(), x.max()
    if low < 0 or high > (255 if whole else 1):
        rule = "whole numbers must be from 0 to 255" if whole else "numbers that are not whole must be from 0 to 1"
        raise InputError("image", [f"{rule} to be made a picture, got {low} to {high}"])
    return not whole


def to_pillow(x: np.ndarray, scaled: bool | None = None):
    """x [H, W, C] as a Pillow image; `scaled`: are the numbers within 0 to 1? None: as `needs_scaling` finds."""
    x = x.squeeze(-1) if x.shape[-1] == 1 else x
    scaled = needs_scaling(x) if scaled is None else scaled
    return pillow().fromarray((rescale(x, 255) if scaled else x).astype(np.uint8))


def rescale(x: np.ndarray, factor: float) -> np.ndarray:
    """x times `factor`, computed in float64, as float32."""
    return (x.astype(np.float64) * factor).astype(np.float32)


def normalize(x: np.ndarray, mean: float | Sequence[float], std: float | Sequence[float]) -> np.ndarray:
    """(x - mean) / std by channel, in the dtype of x (float32 for whole numbers)."""
    x = x if x.dtype.kind == "f" else x.astype(np.float32)
    moments = []
    for name, given in (("image_mean", mean), ("image_std", std)):
        values = np.asarray(given, x.dtype)
        if values.ndim and len(values) != x.shape[-1]:
            raise InputError(
                "normalize", [f"{name} must have {x.shape[-1]} entries, one a channel, got {len(values)}"]
            )
        moments.append(values)
    return (x - moments[0]) / moments[1]


def center_crop(x: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The middle of x [H, W, C], `size` (height, width) large; zeros are added where x is smaller."""
    bounded("center_crop", [max(pair) for pair in zip(size, x.shape, strict=False)])
    for axis, n in enumerate(map(int, size)):
        have = x.shape[axis]
        start = (have - n) // 2
        if start < 0:  # the half pixel goes to the side that a crop of the padded image leaves it on
            before = math.ceil((n - have) / 2)
            x = _put(x, axis, before, n - have - before)
            start += before
        x = np.take(x, range(max(0, start), max(0, start) + n), axis)
    return x


def _put(x: np.ndarray, axis: int, before: int, behind: int, **how) -> np.ndarray:
    wide = [(0, 0)] * x.ndim
    wide[axis] = (before, behind)
    return np.pad(x, wide, **how)


PADDINGS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "symmetric": "symmetric"}


def pad(
    x: np.ndarray, bottom: int, right: int, top: int = 0, left: int = 0, mode: str = "constant", value: float = 0
) -> np.ndarray:
    """x [H, W, C] with rows and columns added: of `value`, or for another mode of PADDINGS of what x holds.

    Raises:
      InputError: x is larger than it is to become, or there is no such mode.
    """
    if min(bottom, right, top, left) < 0:
        raise InputError("pad", [f"must not cut, got {top}, {bottom} rows and {left}, {right} columns to add"])
    bounded("pad", (x.shape[0] + bottom + top, x.shape[1] + right + left))
    if mode not in PADDINGS:
        raise InputError("pad", [f"mode must be one of {', '.join(PADDINGS)}, got {mode!r}"])
    how: dict[str, Any] = {"constant_values": value} if mode == "constant" else {}
    return np.pad(x, ((top, bottom), (left, right), (0, 0)), PADDINGS[mode], **how)  # type: ignore[call-overload]


def pad_to(x: np.ndarray, size: tuple[int, int], mode: str = "constant", value: float = 0) -> np.ndarray:
    """x [H, W, C] with rows below and columns to the right, up to `size` (height, width)."""
    return pad(x, size[0] - x.shape[0], size[1] - x.shape[1], mode=mode, value=value)


def pad_around(x: np.ndarray, size: tuple[int, int], value: float = 0) -> np.ndarray:
    """x [H, W, C] in the middle of `size` (height, width)."""
    rows, columns = size[0] - x.shape[0], size[1] - x.shape[1]
    return pad(x, rows - rows // 2, columns - columns // 2, rows // 2, columns // 2, value=value)


# ------------------------------------------------------------------------------------------------------ sizes


def shortest_edge(h: int, w: int, size: int) -> tuple[int, int]:
    """The size (height, width) in which the shorter side is `size` long and the form stays."""
    short, long = min(h, w), max(h, w)
    long = int(size * long / short)
    return (long, size) if w <= h else (size, long)


def between_edges(h: int, w: int, shortest: int, longest: int | None) -> tuple[int, int]:
    """As `shortest_edge`, but the longer side stays within `longest`."""
    size: float = shortest
    if longest is not None and max(h, w) / min(h, w) * size > longest:
        size = longest * min(h, w) / max(h, w)
    short = round(size)
    if (h <= w and h == short) or (w <= h and w == short):
        return h, w
    return (int(size * h / w), short) if w < h else (short, int(size * w / h))


def short_within(h: int, w: int, shortest: int, longest: int) -> tuple[int, int]:
    """As `shortest_edge`, but the longer side stays within `longest`; both sides are rounded down.

    Raises:
      InputError: `longest` is not larger than `shortest`.
    """
    if longest <= shortest:
        raise InputError("size", [f"longest_edge must be larger than shortest_edge, got {longest} and {shortest}"])
    size = shortest_edge(h, w, shortest)
    if max(size) <= longest:
        return size
    short = int(longest * shortest / max(size))
    return (longest, short) if w <= h else (short, longest)


def within(h: int, w: int, max_height: int, max_width: int) -> tuple[int, int]:
    """The largest size of that form within both limits."""
    scale = min(max_height / h, max_width / w)
    return int(h * scale), int(w * scale)


def longest_edge(h: int, w: int, size: int) -> tuple[int, int]:
    """The size in which the longer side is `size` long, rounded half up."""
    scale = size / max(h, w)
    return int(h * scale + 0.5), int(w * scale + 0.5)


# ------------------------------------------------------------------------------------------------------ boxes, labels


def center_to_corners(boxes: np.ndarray) -> np.ndarray:
    """Boxes [..., 4] (center x, center y, width, height) -> (left, top, right, bottom)."""
    x, y, w, h = np.moveaxis(np.asarray(boxes), -1, 0)
    return np.stack([x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h], -1)


def corners_to_center(boxes: np.ndarray) -> np.ndarray:
    """Boxes [..., 4] (left, top, right, bottom) -> (center x, center y, width, height)."""
    left, top, right, bottom = np.moveaxis(np.asarray(boxes), -1, 0)
    return np.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], -1)


def reduce_labels(labels: np.ndarray) -> np.ndarray:
    """Classes counted from 1 counted from 0; 0, the background, becomes 255, which losses ignore."""
    return np.where((labels == 0) | (labels == 255), 255, labels - 1).astype(labels.dtype)


def rgb_to_id(color: np.ndarray) -> np.ndarray:
    """Colors [..., 3] of a panoptic picture -> segment ids, red + 256 green + 256^2 blue."""
    r, g, b = np.moveaxis(np.asarray(color).astype(np.int64), -1, 0)
    return r + 256 * g + 256 * 256 * b


def id_to_rgb(ids: np.ndarray) -> np.ndarray:
    """Segment ids -> colors [..., 3] of a panoptic picture, uint8."""
    ids = np.asarray(ids)
    return np.stack([ids % 256, ids // 256 % 256, ids // 65536 % 256], -1).astype(np.uint8)
