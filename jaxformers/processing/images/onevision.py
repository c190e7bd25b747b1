"""LLaVA-OneVision's processor: an image alone is cut into tiles, several of one text are squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.processing.features import Features
from jaxformers.processing.images.borders import squared
from jaxformers.processing.images.grids import LlavaNext
from jaxformers.processing.images.loading import flat


class LlavaOnevision(LlavaNext):
    """As `LlavaNext`, with tiles of `size`; of groups of several images each is one square."""

    square = True
    steps = ("resize", "rescale", "normalize")

    @property
    def whole(self) -> tuple[int, int]:
        side = self.size.get("shortest_edge")
        return (side, side) if side else (self.size["height"], self.size["width"])

    @property
    def tile(self) -> int:
        return self.whole[0]

    def target(self, h: int, w: int) -> tuple[int, int]:
        return self.whole

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `LlavaNext`; and `batch_num_images`, how many images each group has.

        Args:
          images: an image, a list of images that are groups of their own, or a list of groups.
        """
        own = self.changed(changes)
        grouped = isinstance(images, list | tuple) and bool(images) and isinstance(images[0], list | tuple)
        groups = [group for group in map(flat, images) if group] if grouped else [[x] for x in flat(images)]
        pictures = own.arrays([x for group in groups for x in group], input_data_format)
        alone = [len(group) == 1 for group in groups for _ in group]
        cut = [
            own.tiles(x) if one else [squared(x, own.image_mean, own.name)]
            for x, one in zip(pictures, alone, strict=True)
        ]
        found = [np.stack([own.out(own.prepare(x), data_format) for x in tiles]) for tiles in cut]
        fields = {
            "pixel_values": own.filled(found),
            "image_sizes": [np.asarray(x.shape[:2], np.int64) for x in pictures],
            "batch_num_images": [len(group) for group in groups],
        }
        return Features(fields, return_tensors)
