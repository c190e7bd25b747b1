"""SigLIP 2's processor of images of any form: as many patches as the model takes."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.processor import ImageProcessor

_EXACT = 1e-5  # of the scale that is searched, which is at most _MOST
_MOST = 100.0


class Siglip2(ImageProcessor):
    """An image in its form, as large as `max_num_patches` patches allow."""

    steps = ("rescale", "normalize")
    counts = ("patch_size", "max_num_patches")

    def __call__(  # type: ignore[override]
        self, images: Any, return_tensors: str | None = None, input_data_format: str | None = None, **changes: Any
    ) -> Features:
        """Patches of images.

        Returns:
          `pixel_values`, float32 [max_num_patches, patch_size^2 * C] an image, row by row, with zeros behind;
          `pixel_attention_mask`, int32 [max_num_patches]; and `spatial_shapes`, int64 [2], rows and columns.

        Raises:
          InputError: an image that is not resized has too many patches.
        """
        own = self.changed(changes)
        found = [own.patches(x) for x in own.arrays(images, input_data_format)]
        most = own.max_num_patches
        return Features(
            {
                "pixel_values": [np.pad(x, ((0, most - len(x)), (0, 0))) for x, _ in found],
                "pixel_attention_mask": [np.int32(np.arange(most) < len(x)) for x, _ in found],
                "spatial_shapes": [np.asarray(shape, np.int64) for _, shape in found],
            },
            return_tensors,
        )

    def patches(self, x: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """x [H, W, C] as patches [N, values], and how many rows and columns of them."""
        n, most = self.patch_size, self.max_num_patches
        if self.does("resize"):
            x = transforms.resize(x, fitting(*x.shape[:2], n, most), self.resample)
        rows, columns = (side // n for side in x.shape[:2])
        if rows * columns > most or x.shape[0] % n or x.shape[1] % n:
            problem = f"an image must be of whole patches of {n}, {most} at most, got {x.shape[0]} x {x.shape[1]}"
            raise InputError(self.name, [problem], "pass do_resize=True")
        y = self.prepare(x).reshape(rows, n, columns, n, -1).swapaxes(1, 2)
        return y.reshape(rows * columns, -1), (rows, columns)


@functools.lru_cache(maxsize=256)
def fitting(height: int, width: int, n: int, most: int) -> tuple[int, int]:
    """The largest size of an image's form, in whole patches of n x n, that has at most so many."""

    def sized(scale: float) -> tuple[int, int]:
        high, wide = (max(n, math.ceil(side * scale / n) * n) for side in (height, width))
        return high, wide

    low, high = _EXACT / 10, _MOST
    while high - low >= _EXACT:
        middle = (low + high) / 2
        size = sized(middle)
        if size[0] // n * (size[1] // n) <= most:
            low = middle
        else:
            high = middle
    return sized(low)
