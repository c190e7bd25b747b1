"""Processors that pad images to one size, and tell where the image is: ViLT, BridgeTower."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.processor import ImageProcessor


def largest(pixels: list[np.ndarray]) -> tuple[int, int]:
    """The height and width within which all images are."""
    return max(x.shape[0] for x in pixels), max(x.shape[1] for x in pixels)


class Padder(ImageProcessor):
    """With `do_pad` images get zeros below and to the right, up to the largest; `pixel_mask` is 1 where they are."""

    square = False
    steps: ClassVar[tuple[str, ...]] = ("resize", "rescale", "normalize")

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; and `pixel_mask`, int64 [H, W] an image."""
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        return Features(own.padded(pixels, data_format), return_tensors)

    def padded(self, pixels: list[np.ndarray], data_format: str) -> dict[str, list[np.ndarray]]:
        """Fields of images [H, W, C]."""
        if not self.do_pad:
            return {"pixel_values": [self.out(x, data_format) for x in pixels]}
        h, w = self.padded_size(pixels)
        values, masks = [], []
        for x in pixels:
            values.append(self.out(transforms.pad_to(x, (h, w)), data_format))
            mask = np.zeros((h, w), np.int64)
            mask[: x.shape[0], : x.shape[1]] = 1
            masks.append(mask)
        return {"pixel_values": values, "pixel_mask": masks}

    def padded_size(self, pixels: list[np.ndarray]) -> tuple[int, int]:
        """The size that images are padded to."""
        if (given := self.settings.get("pad_size")) is not None:
            return given["height"], given["width"]
        return largest(pixels)


class Vilt(Padder):
    """The longer side stays within 1333 / 800 of the shorter; both are multiples of `size_divisor`."""

    sides = ("shortest_edge",)
    renamed = {"pad_and_return_pixel_mask": "do_pad"}

    def target(self, h: int, w: int) -> tuple[int, int]:
        short = self.size["shortest_edge"]
        long = int(1333 / 800 * short)
        scale = short / min(h, w)
        sides = [float(short), scale * w] if h < w else [scale * h, float(short)]
        if max(sides) > long:
            scale = long / max(sides)
            sides = [scale * n for n in sides]
        rows, columns = (int(n + 0.5) // self.size_divisor * self.size_divisor for n in sides)
        return rows, columns


class BridgeTower(Vilt):
    """As ViLT, with a crop whose side is `size` unless `crop_size` says otherwise."""

    steps: ClassVar[tuple[str, ...]] = ("resize", "center_crop", "rescale", "normalize")
    may_lack = ("crop_size",)

    def do_center_crop_to(self, x: np.ndarray) -> np.ndarray:
        crop = self.crop_size or self.size
        both = crop.get("shortest_edge")
        return transforms.center_crop(x, (crop["height"], crop["width"]) if both is None else (both, both))
