"""What segmenters say by queries, each with classes and a mask, made readable: segments of images. NumPy.

`outputs` is what a head returns; `names` are its fields with scores of classes [B, queries, classes + 1] (the last
class is no object) and of masks [B, queries, h, w]. `grid`, (height, width), is a size that masks are resized to
first. With `target_sizes`, the (height, width) of each image, the results are as large.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images.interpolate import bilinear, nearest
from jaxformers.processing.images.post import array_of, sigmoid, sizes_of, softmax

DETR = ("logits", "pred_masks")
MASKFORMER = ("class_queries_logits", "masks_queries_logits")
Size = tuple[int, int]
Segments = list[dict[str, Any]]


def _images(outputs: Any, target_sizes: Any, names: tuple[str, str], grid: Size | None) -> Iterator[tuple]:
    """Of each image the chances [queries, classes + 1], scores of masks [queries, h, w] and size or None."""
    chances, masks = softmax(array_of(outputs, names[0])), array_of(outputs, names[1])
    masks = masks if grid is None else bilinear(masks, grid)
    return zip(chances, masks, sizes_of(target_sizes, len(chances)), strict=True)


def semantic(
    outputs: Any, target_sizes: Any = None, names: tuple[str, str] = MASKFORMER, grid: Size | None = None
) -> list[np.ndarray]:
    """The likeliest class of every pixel, int64 [H, W] an image: masks weighed by their queries' classes."""
    out = []
    for chance, mask, size in _images(outputs, target_sizes, names, grid):
        scores = np.einsum("qc,qhw->chw", chance[:, :-1], sigmoid(mask))
        out.append((scores if size is None else bilinear(scores, size)).argmax(0))
    return out


def segments(
    outputs: Any,
    threshold: float = 0.5,
    mask_threshold: float = 0.5,
    overlap_mask_area_threshold: float = 0.8,
    label_ids_to_fuse: Collection[int] | None = (),
    target_sizes: Any = None,
    names: tuple[str, str] = MASKFORMER,
    grid: Size | None = None,
) -> Segments:
    """Segments of each image that do not overlap.

    A pixel goes to the query whose mask times score is highest, of those surer of a class than `threshold`; a query
    that keeps at most `overlap_mask_area_threshold` of its mask's area falls out. Objects of `label_ids_to_fuse`
    become one segment.

    Returns:
      `segmentation` int32 [H, W], segment ids from 1 on with 0 elsewhere (all -1 if there is no object), and
      `segments_info`: dicts of `id`, `label_id`, `was_fused` and `score`.
    """
    out = []
    for chance, mask, size in _images(outputs, target_sizes, names, grid):
        score, label = chance.max(-1), chance.argmax(-1)
        kept = (label != chance.shape[-1] - 1) & (score > threshold)
        limits = mask_threshold, overlap_mask_area_threshold
        out.append(divided(sigmoid(mask[kept]), score[kept], label[kept], size, limits, label_ids_to_fuse or ()))
    return out


def divided(
    mask: np.ndarray, score: np.ndarray, label: np.ndarray, size: Size | None, limits: tuple, fuse: Collection[int]
) -> dict[str, Any]:
    """One image divided among masks [N, h, w] of known score and label [N]; see `segments`."""
    if not len(mask):
        return {"segmentation": np.full(size or mask.shape[1:], -1, np.int32), "segments_info": []}
    mask = (mask if size is None else bilinear(mask, size)) * score[:, None, None]
    winner, picture = mask.argmax(0), np.zeros(mask.shape[1:], np.int32)
    info, last = [], 0
    fused: dict[int, int] = {}
    for k, kind in enumerate(label.tolist()):
        mine = winner == k
        area = (mask[k] >= limits[0]).sum()
        if not mine.any() or not area or not mine.sum() / area > limits[1]:
            continue
        last = fused[kind] if kind in fused else last + 1
        picture[mine] = last
        together = kind in fuse
        info.append({"id": last, "label_id": kind, "was_fused": together, "score": round(float(score[k]), 6)})
        if together:
            fused[kind] = last
    return {"segmentation": picture, "segments_info": info}


def best_pairs(chance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of chances [queries, classes] as many pairs as there are queries: scores, queries, classes; the surest first."""
    best = np.argsort(-chance, axis=None, kind="stable")[: len(chance)]
    return chance.reshape(-1)[best], best // chance.shape[1], best % chance.shape[1]


def instances(
    outputs: Any, threshold: float = 0.5, target_sizes: Any = None, grid: Size | None = None, maps: bool = False
) -> Segments:
    """Objects of each image, which may cover each other: one that comes later lies on top.

    The score of a pair of query and class is its chance times the mean chance of the mask's pixels.

    Args:
      maps: return the objects' masks [N, H, W], float32, instead of a picture of ids.

    Returns:
      `segmentation` int32 [H, W], ids from 0 on with -1 elsewhere, and `segments_info`; see `segments`.
    """
    out = []
    for chance, mask, size in _images(outputs, target_sizes, MASKFORMER, grid):
        score, query, label = best_pairs(chance[:, :-1])
        mask = mask[query]
        inside = (mask > 0).astype(np.float32)
        score = score * (sigmoid(mask) * inside).sum((1, 2)) / (inside.sum((1, 2)) + np.float32(1e-6))
        inside = inside if size is None else nearest(inside, size)
        kept = [k for k in range(len(score)) if score[k] >= threshold and inside[k].any()]
        picture = np.full(inside.shape[1:], -1, np.int32)
        info = []
        for number, k in enumerate(kept):
            picture[inside[k] > 0] = number
            value = round(float(score[k]), 6)
            info.append({"id": number, "label_id": int(label[k]), "was_fused": False, "score": value})
        out.append({"segmentation": inside[kept] if maps and kept else picture, "segments_info": info})
    return out


def encoded(found: Segments) -> Segments:
    """Segments with `segmentation` as run lengths: for each id of a picture, start (from 1) and length of each run."""
    return [{**one, "segmentation": run_lengths(one["segmentation"])} for one in found]


def run_lengths(picture: np.ndarray) -> list[list[int]]:
    """For each number in a picture [H, W], the smallest first: start, length, start, length, ... of its runs."""
    if picture.ndim != 2:
        raise InputError("run_lengths", [f"must be a picture [H, W], got shape {list(picture.shape)}"])
    out = []
    for number in np.unique(picture):
        edge = np.flatnonzero(np.diff(np.pad((picture == number).reshape(-1), 1).astype(np.int8))) + 1
        edge[1::2] -= edge[::2]
        out.append(edge.tolist())
    return out


def of_things(
    outputs: Any,
    threshold: float | None,
    limits: tuple[float, float],
    target_sizes: Any = None,
    kept: Collection[int] | None = None,
    numbered: list[int] | None = None,
) -> Segments:
    """OneFormer's objects: pairs of query and class, divided by scores of masks that are no chances; as `segments`.

    Args:
      threshold: a pair must be surer; None keeps all.
      limits: `mask_threshold` and `overlap_mask_area_threshold`.
      kept: classes to keep; None keeps all.
      numbered: classes whose place in this list is their `label_id`; None leaves them.
    """
    out = []
    for chance, mask, size in _images(outputs, target_sizes, MASKFORMER, None):
        score, query, label = best_pairs(chance[:, :-1])
        sure = np.ones(len(score), bool) if threshold is None else score > threshold
        if kept is not None:
            sure &= np.isin(label, list(kept))
        score, query, label = score[sure], query[sure], label[sure]
        if numbered is not None and len(label):
            unknown = sorted(set(label.tolist()) - set(numbered))
            if unknown:
                raise InputError("post_process", [f"classes must be things, {numbered}, got {unknown}"])
            label = np.asarray([numbered.index(k) for k in label.tolist()])
        out.append(divided(mask[query], score, label, size, limits, ()))
    return out
