"""LLaVA-OneVision's processor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.images.grids import best_size
from jaxformers.processing.joint.placeholders import Pieces, without_border
from jaxformers.processing.joint.sharing import count

_USUAL, _MOST = "anyres_max_9", "anyres_max_"


class LlavaOnevision(Pieces):
    """An image alone is its whole and, row by row, the tiles that are not border; one of several is a square."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.length = count(self, "num_image_tokens", 0)
        given = self.settings.get("vision_aspect_ratio", _USUAL)
        if not isinstance(given, str) or not given.removeprefix(_MOST).isdecimal():
            raise InputError(self.name, [f"vision_aspect_ratio must be {_MOST} and a number, got {given!r}"])
        self.most = int(given.removeprefix(_MOST))

    def texts_of(self, fields: Mapping[str, Any]) -> Iterator[str]:
        h, w = fields["pixel_values"][0].shape[-2:]
        less = self.settings.get("vision_feature_select_strategy") == "default"
        alone = [n == 1 for n in fields["batch_num_images"] for _ in range(int(n))]
        for size, one in zip(fields["image_sizes"], alone, strict=True):
            more = self._tiles(int(size[0]), int(size[1]), h, w) if one else 1
            yield self.image_token * (self.length + more - less)

    def _tiles(self, height: int, width: int, h: int, w: int) -> int:
        """The tokens of an image's tiles, h x w each, with the ends of rows; fewer than all, if they are many."""
        best = best_size(height, width, self.image_processor.image_grid_pinpoints)
        side = math.isqrt(self.length)
        rows, columns = without_border(height, width, side * (best[0] // h), side * (best[1] // w))
        ratio = math.sqrt(rows * columns / (self.most * side**2))
        if ratio > 1.1:
            rows, columns = int(rows // ratio), int(columns // ratio)
        return rows * (columns + 1)
