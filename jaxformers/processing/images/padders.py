"""Processors that pad images to one size, and tell where the image is: ViLT, BridgeTower, SAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from jaxformers.processing.features import Features
from jaxformers.processing.images import post, transforms
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.images.segmenters import maps_of


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
            mask = np.zeros((h, w), np.int64)
            mask[: x.shape[0], : x.shape[1]] = 1
            values.append(self.out(transforms.pad(x, h - x.shape[0], w - x.shape[1]), data_format))
            masks.append(mask)
        return {"pixel_values": values, "pixel_mask": masks}

    def padded_size(self, pixels: list[np.ndarray]) -> tuple[int, int]:
        """The size that images are padded to."""
        if (given := self.settings.get("pad_size")) is not None:
            return given["height"], given["width"]
        return largest(pixels)


class Vilt(Padder):
    """The longer side stays within 1333 / 800 of the shorter; both are multiples of `size_divisor`."""

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


class Sam(ImageProcessor):
    """Pads to a square, and tells the sizes before and after: `original_sizes`, `reshaped_input_sizes`."""

    steps: ClassVar[tuple[str, ...]] = ("resize", "rescale", "normalize", "pad")

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        segmentation_maps: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; and int64 [2] an image, (height, width) as it came and as resized; `labels` of maps.

        segmentation_maps: arrays of whole numbers [H, W], one an image; resized to `mask_size`, padded to
        `mask_pad_size`.
        """
        own = self.changed(changes)
        before = own.arrays(images, input_data_format)
        resized = [own.target(*x.shape[:2]) if own.do_resize else x.shape[:2] for x in before]
        fields = {
            "pixel_values": [own.out(own.prepare(x), data_format) for x in before],
            "original_sizes": [np.asarray(x.shape[:2], np.int64) for x in before],
            "reshaped_input_sizes": [np.asarray(size, np.int64) for size in resized],
        }
        if segmentation_maps is not None:
            fields["labels"] = [own.prepare_map(m) for m in maps_of(segmentation_maps)]
        return Features(fields, return_tensors)

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.pad(x, self.pad_size["height"] - x.shape[0], self.pad_size["width"] - x.shape[1])

    def prepare_map(self, labels: np.ndarray) -> np.ndarray:
        """One map [H, W] of classes, as int64."""
        own = type(self)(**{**self.settings, "size": self.mask_size, "pad_size": self.mask_pad_size, "resample": 0})
        x = own.do_resize_to(labels[..., None]) if self.do_resize else labels[..., None]
        return (own.do_pad_to(x) if self.do_pad else x)[..., 0].astype(np.int64)

    def post_process_masks(
        self,
        masks: Any,
        original_sizes: Any,
        reshaped_input_sizes: Any,
        mask_threshold: float = 0.0,
        binarize: bool = True,
        pad_size: Mapping[str, int] | None = None,
    ) -> list[np.ndarray]:
        """Masks at the images' own sizes; see `post.masks_at_size`."""
        padded = self.pad_size if pad_size is None else pad_size
        size = padded["height"], padded["width"]
        return post.masks_at_size(
            masks, original_sizes, reshaped_input_sizes, size, mask_threshold if binarize else None
        )
