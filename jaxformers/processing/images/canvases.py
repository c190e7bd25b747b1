"""Mllama's processor: images on canvases of tiles, grouped by text."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.loading import flat
from jaxformers.processing.images.processor import BOTH, ImageProcessor
from jaxformers.processing.images.splits import nested


class Mllama(ImageProcessor):
    """An image keeps its form on the canvas of up to `max_image_tiles` tiles, of `size`, that fits it best."""

    sides = BOTH
    steps = ("rescale", "normalize")
    counts = ("max_image_tiles",)

    def _check(self) -> None:
        super()._check()
        problems = [f"do_{step} must be on" for step in ("resize", "pad") if not self.does(step)]
        if self.size["height"] != self.size["width"]:
            problems.append(f"size must be square, got {self.size}")
        if problems:
            raise InputError(self.name, problems)

    def __call__(  # type: ignore[override]
        self, images: Any, return_tensors: str | None = None, input_data_format: str | None = None, **changes: Any
    ) -> Features:
        """Images in tiles, and on which canvases they are.

        Args:
          images: an image or a list of them, which are one group, or a list of groups.

        Returns:
          `pixel_values`, float32 [N, tiles, C, H, W] a group, of which tiles that are not there are black;
          `aspect_ratio_ids`, int64 [N], the number of the canvas from 1 on, 0 where there is no image;
          `aspect_ratio_mask`, int64 [N, tiles], 1 for tiles that are there and the first of what is no image; and
          `num_tiles`, a list of numbers a group.
        """
        own = self.changed(changes)
        given = [flat(group) for group in nested(images)]
        pictures = iter(own.arrays([x for group in given for x in group], input_data_format))
        found = [[own.tiles(next(pictures)) for _ in group] for group in given]
        every = [tiles for group in found for tiles, _ in group]
        shape = len(found), max(map(len, found)), own.max_image_tiles
        pixels = np.zeros((*shape, *every[0].shape[1:]), np.float32)
        ids, mask = np.zeros(shape[:2], np.int64), np.zeros(shape, np.int64)
        mask[..., 0] = 1
        for b, group in enumerate(found):
            for n, (tiles, canvas) in enumerate(group):
                pixels[b, n, : len(tiles)] = tiles
                mask[b, n, : len(tiles)] = 1
                ids[b, n] = canvases(own.max_image_tiles).index(canvas) + 1
        fields = {"pixel_values": pixels, "aspect_ratio_ids": ids, "aspect_ratio_mask": mask}
        made = Features({k: list(v) for k, v in fields.items()}, return_tensors)
        made["num_tiles"] = [[len(tiles) for tiles, _ in group] for group in found]
        return made

    def tiles(self, x: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """x [H, W, C] as tiles [N, C, size, size], row by row, and the rows and columns of them."""
        h, w = x.shape[:2]
        n = self.size["height"]
        rows, columns = best_canvas(h, w, n, self.max_image_tiles)
        most = min(max(h, n), rows * n), min(max(w, n), columns * n)
        scales = most[0] / h, most[1] / w
        if scales[1] < scales[0]:
            size = min(math.floor(h * scales[1]) or 1, most[0]), most[1]
        else:
            size = most[0], min(math.floor(w * scales[0]) or 1, most[1])
        y = transforms.pad_to(transforms.resize(x, size, self.resample), (rows * n, columns * n))
        y = self.prepare(y).reshape(rows, n, columns, n, -1).transpose(0, 2, 4, 1, 3)
        return y.reshape(rows * columns, *y.shape[2:]), (rows, columns)


@functools.cache
def canvases(most: int) -> list[tuple[int, int]]:
    """Rows and columns of canvases of up to so many tiles."""
    return [(rows, columns) for rows in range(1, most + 1) for columns in range(1, most + 1) if rows * columns <= most]


def best_canvas(h: int, w: int, n: int, most: int) -> tuple[int, int]:
    """The canvas on which an image of h x w has to grow least, or shrink least; of such the smallest."""
    sizes = canvases(most)
    scales = [min(rows * n / h, columns * n / w) for rows, columns in sizes]
    larger = [scale for scale in scales if scale >= 1]
    best = min(larger) if larger else max(scales)
    fitting = [size for size, scale in zip(sizes, scales, strict=True) if scale == best]
    return min(fitting, key=math.prod)
