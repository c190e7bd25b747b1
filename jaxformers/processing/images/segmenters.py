"""Processors of models that label every pixel or tell its depth: maps of labels are prepared like their images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import post, transforms
from jaxformers.processing.images.processor import BOTH, ImageProcessor


class Segmenter(ImageProcessor):
    """Also takes `segmentation_maps`, which become `labels`."""

    map_steps: tuple[str, ...] = ("resize", "center_crop")  # those of `steps` that maps take
    map_filter: int | None = 0  # of Pillow's, for maps; None: the images' own

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        segmentation_maps: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; and `labels`, int64 [H, W], of maps of classes.

        Args:
          segmentation_maps: a map or a list of them: arrays of whole numbers [H, W] or Pillow images, one an image.
            With `do_reduce_labels` their classes count from 1, and 0, the background, becomes 255.
        """
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        fields = {"pixel_values": [own.out(x, data_format) for x in pixels]}
        if segmentation_maps is not None:
            maps = maps_of(segmentation_maps)
            if len(maps) != len(pixels):
                problem = f"segmentation_maps must be one an image, got {len(maps)} for {len(pixels)} images"
                raise InputError(self.name, [problem])
            fields["labels"] = [own.prepare_map(m) for m in maps]
        return Features(fields, return_tensors)

    def prepare_map(self, labels: np.ndarray) -> np.ndarray:
        """One map [H, W] of classes, as int64."""
        x = transforms.reduce_labels(labels) if self.settings.get("do_reduce_labels") else labels
        own = self if self.map_filter is None else type(self)(**{**self.settings, "resample": self.map_filter})
        x = x[..., None]
        for step in self.steps:
            if step in self.map_steps and self.does(step):
                x = getattr(own, f"do_{step}_to")(x)
        return x[..., 0].astype(np.int64)

    def post_process_semantic_segmentation(self, outputs: Any, target_sizes: Any = None) -> list[np.ndarray]:
        """The class of every pixel; see `post.semantic_segmentation`."""
        return post.semantic_segmentation(outputs, target_sizes)


def maps_of(maps: Any) -> list[np.ndarray]:
    """Maps of classes [H, W] as arrays."""
    many = maps if isinstance(maps, list | tuple) else list(maps) if np.ndim(maps) == 3 else [maps]
    out = [np.asarray(m) for m in many]
    out = [
        x[0] if x.ndim == 3 and x.shape[0] == 1 else x[..., 0] if x.ndim == 3 and x.shape[-1] == 1 else x for x in out
    ]
    wrong = [x for x in out if x.ndim != 2 or x.dtype.kind not in "uib"]
    if wrong:
        problem = f"must be whole numbers [H, W], got {wrong[0].dtype}{list(wrong[0].shape)}"
        raise InputError("segmentation_maps", [problem])
    return out


class Beit(Segmenter):
    """Maps are resized by the images' own filter."""

    map_filter = None


class MobileNetV2(Segmenter):
    square = False


class MobileViT(Segmenter):
    """Rescaled before the crop, and not normalised; blue first."""

    square = False
    steps = ("resize", "rescale", "center_crop", "flip_channel_order")

    def do_flip_channel_order_to(self, x: np.ndarray) -> np.ndarray:
        return x[..., ::-1]


class GLPN(ImageProcessor):
    """Both sides are rounded down to multiples of `size_divisor`; numbers become 0 to 1."""

    steps = ("resize", "rescale")

    def target(self, h: int, w: int) -> tuple[int, int]:
        n = self.size_divisor
        return h // n * n, w // n * n

    def do_rescale_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.rescale(x, 1 / 255)

    def post_process_depth_estimation(self, outputs: Any, target_sizes: Any = None) -> list[dict[str, np.ndarray]]:
        """Depth maps of the images' own size; see `post.depth_estimation`."""
        return post.depth_estimation(outputs, target_sizes)


class DPT(Segmenter):
    """Sides are multiples of `ensure_multiple_of`; `keep_aspect_ratio` scales both by what changes the size least."""

    sides = BOTH
    steps = ("resize", "rescale", "normalize", "pad")
    map_filter = None

    def target(self, h: int, w: int) -> tuple[int, int]:
        scales = [self.size["height"] / h, self.size["width"] / w]
        if self.keep_aspect_ratio:
            scales = [min(scales[::-1], key=lambda s: abs(1 - s))] * 2
        n = self.ensure_multiple_of
        return round(scales[0] * h / n) * n, round(scales[1] * w / n) * n

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        more = [math.ceil(side / self.size_divisor) * self.size_divisor - side for side in x.shape[:2]]
        top, left = more[0] // 2, more[1] // 2
        return transforms.pad(x, more[0] - top, more[1] - left, top, left)

    post_process_depth_estimation = GLPN.post_process_depth_estimation
