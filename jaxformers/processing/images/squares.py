"""GOT-OCR2's processor, which InternVL and Aya Vision take too: an image, or squares of it with the whole behind."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.processor import BOTH, ImageProcessor
from jaxformers.processing.images.usual import BICUBIC


class GotOcr2(ImageProcessor):
    """With `crop_to_patches` an image is cut into `min_patches` to `max_patches` parts of `size`, in its form."""

    sides = BOTH
    steps = ("resize", "rescale", "normalize")
    counts = ("min_patches", "max_patches")

    def _check(self) -> None:
        super()._check()
        if self.min_patches > self.max_patches:
            raise InputError(self.name, [f"min_patches must be at most {self.max_patches}, got {self.min_patches}"])

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [C, H, W] of the parts of all images; `num_patches`, how many each image has."""
        own = self.changed(changes)
        cuts = own.crop_to_patches and own.max_patches > 1
        found = [own.parts(x) if cuts else [x] for x in own.arrays(images, input_data_format)]
        pixels = [own.out(own.prepare(part), data_format) for parts in found for part in parts]
        return Features({"pixel_values": pixels, "num_patches": np.asarray(list(map(len, found)))}, return_tensors)

    def parts(self, x: np.ndarray) -> list[np.ndarray]:
        """The parts of x [H, W, C] row by row, with the whole behind if they are several."""
        h, w = self.size["height"], self.size["width"]
        columns, rows = best_grid(x.shape[0], x.shape[1], (h, w), self.min_patches, self.max_patches)
        y = transforms.resize(x, (rows * h, columns * w), BICUBIC)
        cut = [y[i : i + h, j : j + w] for i in range(0, rows * h, h) for j in range(0, columns * w, w)]
        return [*cut, transforms.resize(x, (h, w), BICUBIC)] if len(cut) > 1 else cut


@functools.cache
def grids(least: int, most: int) -> list[tuple[int, int]]:
    """Columns and rows of so many parts, those with few first."""
    sides = range(1, most + 1)
    found = [(columns, rows) for columns in sides for rows in sides if least <= columns * rows <= most]
    return sorted(found, key=lambda grid: grid[0] * grid[1])


def best_grid(h: int, w: int, size: tuple[int, int], least: int, most: int) -> tuple[int, int]:
    """The grid whose form is nearest to an image's; of such the last that is less than twice its area."""
    best, nearest = (1, 1), float("inf")
    for columns, rows in grids(least, most):
        away = abs(w / h - columns / rows)
        if away < nearest or (away == nearest and w * h > 0.5 * size[0] * size[1] * columns * rows):
            best, nearest = (columns, rows), away
    return best
