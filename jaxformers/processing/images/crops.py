"""Processors of Gemma 3, which looks at parts of long images too, and of Chameleon, which sees white behind images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images.loading import flat
from jaxformers.processing.images.processor import BOTH, ImageProcessor

LIMITS = ("pan_and_scan_min_crop_size", "pan_and_scan_max_num_crops", "pan_and_scan_min_ratio_to_activate")


class Gemma3(ImageProcessor):
    """With `do_pan_and_scan` also parts of images that are much longer than wide, or wider than long."""

    sides = BOTH
    steps = ("resize", "rescale", "normalize")
    counts = LIMITS[:2]

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [C, H, W] of images, each with its parts behind; `num_crops`, a number an image.

        Raises:
          InputError: `do_pan_and_scan` is on and a limit is missing, or as `ImageProcessor`.
        """
        own = self.changed(changes)
        if own.does("pan_and_scan") and (missing := [k for k in LIMITS if own.settings[k] is None]):
            raise InputError(self.name, [f"{k} must be given, as do_pan_and_scan is on" for k in missing])
        pictures = own.arrays(images, input_data_format)
        found = [own.parts(x) if own.does("pan_and_scan") else [] for x in pictures]
        whole = [one for x, parts in zip(pictures, found, strict=True) for one in (x, *parts)]
        pixels = [own.out(own.prepare(x), data_format) for x in whole]
        return Features({"pixel_values": pixels, "num_crops": [len(parts) for parts in found]}, return_tensors)

    def parts(self, x: np.ndarray) -> list[np.ndarray]:
        """Equal parts of x [H, W, C] along its longer side; none, if it is nearly square or they would be small."""
        least, most, ratio = (self.settings[k] for k in LIMITS)
        axis = 1 if x.shape[1] >= x.shape[0] else 0
        long, short = x.shape[axis], x.shape[1 - axis]
        if long / short < ratio:
            return []
        n = min(most, max(2, min(long // least, math.floor(long / short + 0.5))))
        size = math.ceil(long / n)
        if min(size, short) < least:
            return []
        return [x[:, i * size : (i + 1) * size] if axis else x[i * size : (i + 1) * size] for i in range(n)]


class Chameleon(ImageProcessor):
    """What is transparent becomes white."""

    square = False

    def arrays(self, images: Any, input_data_format: str | None = None) -> list[np.ndarray]:
        return super().arrays([_blended(x) for x in flat(images)], input_data_format)


def _blended(image: Any) -> Any:
    """A Pillow image without what is transparent, as an array [H, W, 3] of bytes rounded down; else as it is."""
    if not hasattr(image, "convert") or image.mode == "RGB":
        return image
    x = np.asarray(image.convert("RGBA"))
    alpha = x[..., 3:] / 255.0
    return ((1 - alpha) * 255 + alpha * x[..., :3]).astype(np.uint8) if (alpha < 1).any() else x[..., :3]
