"""What models say about images, made readable: classes of pixels, depths, boxes, segments and masks. NumPy.

`outputs` is what a head returns; sizes are (height, width) of each image as it was.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images import transforms
from jaxformers.processing.images.interpolate import bicubic, bilinear


def semantic_segmentation(outputs: Any, target_sizes: Any = None) -> list[np.ndarray]:
    """The likeliest class of every pixel, int64 [H, W] an image, of `outputs.logits` [B, classes, h, w].

    Args:
      target_sizes: the sizes to resize the scores to first, one an image; None leaves them as they are.
    """
    logits = _array(outputs, "logits")
    sizes = _sizes(target_sizes, len(logits))
    return [(x if s is None else bilinear(x, s)).argmax(0) for x, s in zip(logits, sizes, strict=True)]


def depth_estimation(outputs: Any, target_sizes: Any = None) -> list[dict[str, np.ndarray]]:
    """`predicted_depth` [H, W] an image, of `outputs.predicted_depth` [B, h, w], resized to `target_sizes`."""
    depths = _array(outputs, "predicted_depth")
    sizes = _sizes(target_sizes, len(depths))
    return [{"predicted_depth": x if s is None else bicubic(x, s)} for x, s in zip(depths, sizes, strict=True)]


def object_detection(outputs: Any, threshold: float = 0.5, target_sizes: Any = None) -> list[dict[str, np.ndarray]]:
    """Of each image the objects that are surer than `threshold`.

    Of `outputs.logits` [B, queries, classes + 1] (the last class is no object) and `outputs.pred_boxes` (center x,
    center y, width, height, as parts of the image).

    Returns:
      `scores` [N], `labels` int64 [N] and `boxes` [N, 4] (left, top, right, bottom), in pixels with `target_sizes`.
    """
    chances = softmax(_array(outputs, "logits"))[..., :-1]
    boxes = transforms.center_to_corners(_array(outputs, "pred_boxes"))
    out = []
    for chance, box, size in zip(chances, boxes, _sizes(target_sizes, len(chances)), strict=True):
        score, label = chance.max(-1), chance.argmax(-1)
        if size is not None:
            box = box * np.asarray([size[1], size[0], size[1], size[0]], box.dtype)
        sure = score > threshold
        out.append({"scores": score[sure], "labels": label[sure], "boxes": box[sure]})
    return out


def segments_of_queries(
    outputs: Any,
    threshold: float = 0.5,
    mask_threshold: float = 0.5,
    overlap_mask_area_threshold: float = 0.8,
    label_ids_to_fuse: Collection[int] = (),
    target_sizes: Any = None,
) -> list[dict[str, Any]]:
    """Segments of each image.

    Of `outputs.logits` [B, queries, classes + 1] and `outputs.pred_masks` [B, queries, h, w]. A pixel goes to the
    query whose mask times score is highest; a query that keeps at most `overlap_mask_area_threshold` of its mask's
    area falls out. Objects of `label_ids_to_fuse` become one segment.

    Returns:
      `segmentation` int32 [H, W], segment ids from 1 on with 0 elsewhere (all -1 if there is no object), and
      `segments_info`: dicts of `id`, `label_id`, `was_fused` and `score`.
    """
    chances, masks = softmax(_array(outputs, "logits")), _sigmoid(_array(outputs, "pred_masks"))
    nothing = chances.shape[-1] - 1
    out = []
    for chance, mask, size in zip(chances, masks, _sizes(target_sizes, len(chances)), strict=True):
        score, label = chance.max(-1), chance.argmax(-1)
        kept = (label != nothing) & (score > threshold)
        mask, score, label = mask[kept], score[kept], label[kept]
        if not len(mask):
            empty = np.full(size or chance.shape[:0] + mask.shape[1:], -1, np.int32)
            out.append({"segmentation": empty, "segments_info": []})
            continue
        mask = (mask if size is None else bilinear(mask, size)) * score[:, None, None]
        limits = mask_threshold, overlap_mask_area_threshold
        picture, info = _segments(mask, score, label, limits, label_ids_to_fuse)
        out.append({"segmentation": picture, "segments_info": info})
    return out


def _segments(mask, score, label, limits, fuse):
    winner, picture, info, fused = mask.argmax(0), np.zeros(mask.shape[1:], np.int32), [], {}
    last = 0
    for k, kind in enumerate(label.tolist()):
        mine = winner == k
        area = (mask[k] >= limits[0]).sum()
        if not mine.any() or not area or not mine.sum() / area > limits[1]:
            continue
        if kind in fused:
            last = fused[kind]
        else:
            last += 1
        picture[mine] = last
        together = kind in fuse
        info.append({"id": last, "label_id": kind, "was_fused": together, "score": round(float(score[k]), 6)})
        if together:
            fused[kind] = last
    return picture, info


def masks_at_size(
    masks: Any, original_sizes: Any, resized: Any, padded: tuple[int, int], threshold: float | None = 0.0
) -> list[np.ndarray]:
    """A prompted segmenter's masks [..., h, w] at the images' own sizes: bool, or scores without a `threshold`.

    Args:
      original_sizes, resized: sizes of the images, and those they were resized to.
      padded: the size that resized images were padded to.
    """
    out = []
    for mask, size, inner in zip(masks, _pairs(original_sizes), _pairs(resized), strict=True):
        x = bilinear(bilinear(mask, padded)[..., : inner[0], : inner[1]], size)
        out.append(x if threshold is None else x > threshold)
    return out


# ------------------------------------------------------------------------------------------------------ parts


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (np.tanh(0.5 * x) + 1)


def _array(outputs: Any, name: str) -> np.ndarray:
    value = outputs[name] if isinstance(outputs, dict) and name in outputs else getattr(outputs, name, None)
    if value is None:
        raise InputError("post_process", [f"outputs must hold {name}"])
    return np.asarray(value, np.float32)


def _pairs(sizes: Any) -> list[tuple[int, int]]:
    return [(int(h), int(w)) for h, w in np.asarray(sizes).tolist()]


def _sizes(sizes: Any, n: int) -> list:
    """One size or None an image."""
    if sizes is None:
        return [None] * n
    if len(sizes) != n:
        raise InputError("post_process", [f"target_sizes must be one an image, got {len(sizes)} for {n} images"])
    return _pairs(sizes)
