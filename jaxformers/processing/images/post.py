"""What models say about the pixels of images, made readable: classes, depths and masks. NumPy.

`outputs` is what a head returns; sizes are (height, width) of each image as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images.interpolate import bicubic, bilinear


def semantic_segmentation(outputs: Any, target_sizes: Any = None) -> list[np.ndarray]:
    """The likeliest class of every pixel, int64 [H, W] an image, of `outputs.logits` [B, classes, h, w].

    Args:
      target_sizes: the sizes to resize the scores to first, one an image; None leaves them as they are.
    """
    logits = array_of(outputs, "logits")
    sizes = sizes_of(target_sizes, len(logits))
    return [(x if s is None else bilinear(x, s)).argmax(0) for x, s in zip(logits, sizes, strict=True)]


def depth_estimation(outputs: Any, target_sizes: Any = None) -> list[dict[str, np.ndarray]]:
    """`predicted_depth` [H, W] an image, of `outputs.predicted_depth` [B, h, w], resized to `target_sizes`."""
    depths = array_of(outputs, "predicted_depth")
    sizes = sizes_of(target_sizes, len(depths))
    return [{"predicted_depth": x if s is None else bicubic(x, s)} for x, s in zip(depths, sizes, strict=True)]


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


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1)


def array_of(outputs: Any, name: str) -> np.ndarray:
    """A field of what a head returned, float32.

    Raises:
      InputError: there is no such field.
    """
    value = outputs[name] if isinstance(outputs, dict) and name in outputs else getattr(outputs, name, None)
    if value is None:
        raise InputError("post_process", [f"outputs must hold {name}"])
    return np.asarray(value, np.float32)


def _pairs(sizes: Any) -> list[tuple[int, int]]:
    pairs = np.asarray(sizes)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise InputError("post_process", [f"sizes must be (height, width) an image, got shape {list(pairs.shape)}"])
    return [(int(h), int(w)) for h, w in pairs.tolist()]


def sizes_of(sizes: Any, n: int) -> list:
    """One size (height, width) or None for each of `n` images.

    Raises:
      InputError: there are more or fewer.
    """
    if sizes is None:
        return [None] * n
    if len(sizes) != n:
        raise InputError("post_process", [f"target_sizes must be one an image, got {len(sizes)} for {n} images"])
    return _pairs(sizes)
