"""Processors of classifiers and encoders that do a step of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.processing.images import transforms
from jaxformers.processing.images.processor import BOTH, ImageProcessor


class ConvNext(ImageProcessor):
    """Below 384 the middle `crop_pct` of an image, else all of it squeezed into a square."""

    square = False
    sides = ("shortest_edge",)
    steps = ("resize", "rescale", "normalize")

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        settings = super().upgraded(settings)
        return settings if settings.get("crop_pct", 0) is not None else {**settings, "crop_pct": 224 / 256}

    def do_resize_to(self, x: np.ndarray) -> np.ndarray:
        n = self.size["shortest_edge"]
        if n >= 384:
            return transforms.resize(x, (n, n), self.resample)
        whole = transforms.shortest_edge(x.shape[0], x.shape[1], int(n / self.crop_pct))
        return transforms.center_crop(transforms.resize(x, whole, self.resample), (n, n))


class Perceiver(ImageProcessor):
    """Crops first: of the shorter side the part that `size` is of `crop_size`."""

    sides = BOTH
    steps = ("center_crop", "resize", "rescale", "normalize")

    def do_center_crop_to(self, x: np.ndarray) -> np.ndarray:
        short = min(x.shape[:2])
        part = tuple(self.size[side] / self.crop_size[side] * short for side in ("height", "width"))
        return transforms.center_crop(x, part)  # type: ignore[arg-type]


class Levit(ImageProcessor):
    """The shorter side is made 256 / 224 of `size`, for the crop."""

    square = False

    def target(self, h: int, w: int) -> tuple[int, int]:
        if "shortest_edge" in self.size:
            return transforms.shortest_edge(h, w, int(256 / 224 * self.size["shortest_edge"]))
        return super().target(h, w)


class PoolFormer(ImageProcessor):
    """Resized by `size` over `crop_pct`, for the crop."""

    square = False

    def target(self, h: int, w: int) -> tuple[int, int]:
        size, part = self.size, self.crop_pct
        if part is None:
            return super().target(h, w)
        if "shortest_edge" in size:
            return transforms.shortest_edge(h, w, int(size["shortest_edge"] / part))
        if size["height"] == size["width"]:
            return transforms.shortest_edge(h, w, int(size["height"] / part))
        return int(size["height"] / part), int(size["width"] / part)


class EfficientNet(ImageProcessor):
    """May rescale to -1 to 1 (`rescale_offset`), and divides by `image_std` once more with `include_top`."""

    def do_rescale_to(self, x: np.ndarray) -> np.ndarray:
        y = super().do_rescale_to(x)
        return y - 1 if self.rescale_offset else y

    def prepare(self, x: np.ndarray) -> np.ndarray:
        x = super().prepare(x)
        return transforms.normalize(x, 0.0, self.image_std) if self.include_top else x
