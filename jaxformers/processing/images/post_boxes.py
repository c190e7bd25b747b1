"""What detectors say about images, made readable: boxes (left, top, right, bottom), classes and scores. NumPy.

`outputs` is what a head returns: `logits` [B, queries, classes] and `pred_boxes` [B, queries, 4], (center x, center y,
width, height) as parts of the image. With `target_sizes`, the (height, width) of each image, boxes are in pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.processing.images import transforms
from jaxformers.processing.images.post import array_of, sigmoid, sizes_of, softmax

Found = list[dict[str, Any]]
CANDIDATES, KEPT = 10_000, 100  # of an image, before and after boxes that overlap are left out


def corners_of(outputs: Any, target_sizes: Any, name: str = "pred_boxes", square: bool = False) -> list[np.ndarray]:
    """Corners [queries, 4] of each image. square: were images padded to squares, of which boxes are parts?"""
    corners = transforms.center_to_corners(array_of(outputs, name))
    out = []
    for box, size in zip(corners, sizes_of(target_sizes, len(corners)), strict=True):
        if size is not None:
            h, w = (max(size), max(size)) if square else size
            box = box * np.asarray([w, h, w, h], box.dtype)
        out.append(box)
    return out


def _surer(score: np.ndarray, label: np.ndarray, box: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
    sure = score > threshold
    return {"scores": score[sure], "labels": label[sure], "boxes": box[sure]}


def surest_class(outputs: Any, threshold: float = 0.5, target_sizes: Any = None) -> Found:
    """Of each image the queries that are surer than `threshold` of a class; the last class is no object.

    Returns:
      `scores` [N], `labels` int64 [N] and `boxes` [N, 4] of each image.
    """
    chances = softmax(array_of(outputs, "logits"))[..., :-1]
    boxes = corners_of(outputs, target_sizes)
    return [_surer(c.max(-1), c.argmax(-1), b, threshold) for c, b in zip(chances, boxes, strict=True)]


def surest_pairs(outputs: Any, threshold: float = 0.5, target_sizes: Any = None, top_k: int = 100) -> Found:
    """As `surest_class`, for classes that do not exclude each other: the `top_k` pairs of query and class."""
    chances = sigmoid(array_of(outputs, "logits"))
    out = []
    for chance, box in zip(chances, corners_of(outputs, target_sizes), strict=True):
        score, query, label = _pairs(chance, top_k)
        out.append(_surer(score, label, box[query], threshold))
    return out


def _pairs(chance: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `n` highest of chance [queries, classes]: scores, queries, classes; the highest first."""
    best = np.argsort(-chance, axis=None, kind="stable")[:n]
    return chance.reshape(-1)[best], best // chance.shape[1], best % chance.shape[1]


def apart(outputs: Any, threshold: float = 0.5, target_sizes: Any = None, nms_threshold: float = 0.7) -> Found:
    """As `surest_pairs`; of boxes of one class that overlap by more than `nms_threshold`, the surest."""
    chances = sigmoid(array_of(outputs, "logits"))
    out = []
    for chance, box in zip(chances, corners_of(outputs, target_sizes), strict=True):
        score, query, label = _pairs(chance, CANDIDATES)
        box, left = box[query], np.ones(len(score), bool)
        kept: list[int] = []
        while left.any() and len(kept) < KEPT:
            k = int(left.argmax())
            kept.append(k)
            left &= ~((label == label[k]) & (overlap(box[k], box) > nms_threshold))
            left[k] = False
        out.append(_surer(score[kept], label[kept], box[kept], threshold))
    return out


def overlap(one: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """What a box [4] and boxes [N, 4] have in common, as parts [N] of what they cover together; NaN if nothing."""
    sides = (np.minimum(one[2:], boxes[:, 2:]) - np.maximum(one[:2], boxes[:, :2])).clip(0)
    common, own = sides.prod(-1), (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return common / ((one[2:] - one[:2]).prod() + own - common)


# ------------------------------------------------------------------------------------------------------ OWL-ViT


def of_texts(outputs: Any, threshold: float = 0.1, target_sizes: Any = None, square: bool = False) -> Found:
    """Of each image the queries that are surer than `threshold` of one of the texts; as `surest_class` else."""
    logits = array_of(outputs, "logits")
    boxes = corners_of(outputs, target_sizes, square=square)
    return [_surer(sigmoid(x.max(-1)), x.argmax(-1), b, threshold) for x, b in zip(logits, boxes, strict=True)]


def of_image(
    outputs: Any, threshold: float = 0.0, nms_threshold: float = 0.3, target_sizes: Any = None, square: bool = False
) -> Found:
    """Of each image what looks like the query image.

    Of `outputs.logits` and `outputs.target_pred_boxes`. Of boxes that overlap by more than `nms_threshold` the surest
    is left; scores go from 0 at a tenth of an image's best to 1 at its best. `labels` is None.

    Images in which nothing scores at all are left out.
    """
    scores = sigmoid(array_of(outputs, "logits").max(-1))
    corners = transforms.center_to_corners(array_of(outputs, "target_pred_boxes"))
    out: Found = []
    for score, corner, box in zip(
        scores, corners, corners_of(outputs, target_sizes, "target_pred_boxes", square), strict=True
    ):
        for k in np.argsort(-score, kind="stable") if nms_threshold < 1 else ():
            if score[k]:
                covered = overlap(corner[k], corner) > nms_threshold
                covered[k] = False
                score[covered] = 0
        if not score.any():
            continue
        score = np.where(score < threshold, 0, score).astype(np.float32)
        best = score.max() + np.float32(1e-6)
        alpha = ((score - best * np.float32(0.1)) / (best * np.float32(0.9))).clip(0, 1)
        out.append({"scores": alpha[alpha > 0], "labels": None, "boxes": box[alpha > 0]})
    return out
