"""Processors of detectors that look for what texts or images show: OWL-ViT and OWLv2."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images import post_boxes, transforms
from jaxformers.processing.images.processor import BOTH, ImageProcessor


class OwlViT(ImageProcessor):
    """Also reads boxes and scores of queries."""

    boxes_of_square = False

    def post_process_object_detection(self, outputs: Any, threshold: float = 0.1, target_sizes: Any = None):
        """Boxes, texts and scores; see `post_boxes.of_texts`."""
        return post_boxes.of_texts(outputs, threshold, target_sizes, self.boxes_of_square)

    def post_process_grounded_object_detection(
        self, outputs: Any, threshold: float = 0.1, target_sizes: Any = None, text_labels: Any = None
    ):
        """As `post_process_object_detection`; `text_labels` are the texts found, of each image's list of texts."""
        found = self.post_process_object_detection(outputs, threshold, target_sizes)
        if text_labels is not None and len(text_labels) != len(found):
            problem = f"text_labels must be one list an image, got {len(text_labels)} for {len(found)} images"
            raise InputError(self.name, [problem])
        for one, texts in zip(found, text_labels or [None] * len(found), strict=True):
            one["text_labels"] = None if texts is None else [texts[k] for k in one["labels"].tolist()]
        return found

    def post_process_image_guided_detection(
        self, outputs: Any, threshold: float = 0.0, nms_threshold: float = 0.3, target_sizes: Any = None
    ):
        """Boxes and scores of what looks like the query image; see `post_boxes.of_image`."""
        return post_boxes.of_image(outputs, threshold, nms_threshold, target_sizes, self.boxes_of_square)


class Owlv2(OwlViT):
    """Squares with a gray border below and to the right, blurred and resized; boxes are parts of the squares."""

    sides = BOTH
    steps = ("rescale", "pad", "resize", "normalize")
    boxes_of_square = True

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        side = max(x.shape[:2])
        return transforms.pad_to(x, (side, side), value=0.5)

    def do_resize_to(self, x: np.ndarray) -> np.ndarray:
        return blurred_resize(x, self.target(*x.shape[:2]))


def blurred_resize(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x [H, W, C] of `size` (height, width): blurred as far as it shrinks, then straight between the nearest pixels.

    As scikit-image's `resize` with `anti_aliasing`.
    """
    from scipy import ndimage

    transforms.bounded("resize", size)
    shape = (*size, x.shape[-1])
    factors = np.divide(x.shape, shape)
    smooth = ndimage.gaussian_filter(x, np.maximum(0, (factors - 1) / 2), cval=0, mode="mirror")
    y = ndimage.zoom(smooth, [1 / f for f in factors], order=1, mode="mirror", cval=0, grid_mode=True)
    return y.clip(x.min(), x.max())
