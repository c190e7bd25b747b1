"""Processors that give each image a border of its own: LLaVA, Swin2SR, ViTMatte."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.loading import flat
from jaxformers.processing.images.processor import ImageProcessor


class Llava(ImageProcessor):
    """With `do_pad` images become squares first, the border as bright as `image_mean`."""

    square = False
    steps = ("pad", "resize", "center_crop", "rescale", "normalize")

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        return squared(x, self.image_mean, self.name)


def squared(x: np.ndarray, mean: Any, name: str) -> np.ndarray:
    """x [H, W, C] in the middle of a square as bright as `mean`, parts of 255 for each channel.

    name: of the processor, for errors.
    """
    side = max(x.shape[:2])
    if x.shape[:2] == (side, side):
        return x
    color = np.asarray([int(255 * m) for m in np.ravel(mean)])
    if len(color) not in (1, x.shape[-1]) or color.min() < 0 or color.max() > 255:
        problem = f"image_mean must be from 0 to 1 for each of {x.shape[-1]} channels, got {mean}"
        raise InputError(name, [problem])
    top, left = ((side - n) // 2 for n in x.shape[:2])
    y = np.broadcast_to(color.astype(x.dtype), (side, side, x.shape[-1])).copy()
    y[top : top + x.shape[0], left : left + x.shape[1]] = x
    return y


class Swin2SR(ImageProcessor):
    """Both sides grow, mirrored, to the next multiple of `size_divisor`; a multiple grows too."""

    steps = ("rescale", "pad")

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        n = self.size_divisor
        h, w = ((side // n + 1) * n for side in x.shape[:2])
        return transforms.pad_to(x, (h, w), "symmetric")


class VitMatte(ImageProcessor):
    """An image and its trimap (what is in front, behind, unknown) as four channels."""

    steps = ("rescale", "normalize")
    renamed = {"size_divisibility": "size_divisor"}

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        trimaps: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`, with the trimap as the last channel, and zeros up to multiples of `size_divisor`.

        Args:
          trimaps: of each image an array [H, W] or a Pillow image in gray.
        """
        own = self.changed(changes)
        pictures = own.arrays(images, input_data_format)
        maps = list(trimaps) if np.ndim(trimaps) == 3 and not isinstance(trimaps, list) else flat(trimaps)
        maps = [np.asarray(m) for m in maps]
        if [m.shape for m in maps] != [x.shape[:2] for x in pictures]:
            shapes = f"{[list(m.shape) for m in maps]} for images {[list(x.shape[:2]) for x in pictures]}"
            raise InputError(self.name, [f"trimaps must be [H, W], one for each image and as large, got {shapes}"])
        out = []
        for x, m in zip(pictures, maps, strict=True):
            m = own.do_rescale_to(m) if own.does("rescale") else m
            x = np.concatenate([own.prepare(x), m[..., None]], -1)
            if own.does("pad"):
                h, w = (-(-side // own.size_divisor) * own.size_divisor for side in x.shape[:2])
                x = transforms.pad_to(x, (h, w))
            out.append(own.out(x, data_format))
        return Features({"pixel_values": out}, return_tensors)
