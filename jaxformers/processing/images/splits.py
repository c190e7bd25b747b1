"""Processors that make several images of one and group them by text: Idefics2, Idefics3, SmolVLM."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.loading import flat
from jaxformers.processing.images.processor import SIZES_OF, ImageProcessor
from jaxformers.processing.images.tokens import on_white

_LIMIT = 4096  # of a resized image's longer side


class Idefics2(ImageProcessor):
    """Images within `size`, and with `do_image_splitting` their quarters in front; grouped by text."""

    sides: ClassVar[tuple[str, ...]] = ("shortest_edge", "longest_edge")
    steps = ("rescale", "normalize")

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [N, C, H, W] a group, and `pixel_attention_mask`, int64 [N, H, W].

        Images have a border below and to the right, and groups with fewer have black images behind, where the mask is
        0. Without `do_pad` there is no mask, and a group is a list of arrays [C, h, w].

        Args:
          images: an image or a list of them, which are one group, or a list of groups.
        """
        own = self.changed(changes)
        groups = [[one for x in group for one in own.pieces(x)] for group in own.groups(images, input_data_format)]
        return Features(own.padded(groups, data_format), return_tensors)

    def groups(self, images: Any, input_data_format: str | None) -> list[list[np.ndarray]]:
        """Arrays [H, W, C] by group; a group may be empty, if not all are."""
        given = [flat(group) for group in nested(images)]
        whole = iter(self.arrays([on_white(x) for group in given for x in group], input_data_format))
        return [[next(whole) for _ in group] for group in given]

    def pieces(self, x: np.ndarray) -> list[np.ndarray]:
        """The images that are made of x [H, W, C]."""
        h, w = (n // 2 for n in x.shape[:2])
        quarters = [x[:h, :w], x[:h, w:], x[h:, :w], x[h:, w:]] if self.do_image_splitting else []
        return [self.prepare(self.do_resize_to(one) if self.does("resize") else one) for one in [*quarters, x]]

    def target(self, h: int, w: int) -> tuple[int, int]:
        most, least, form = self.size["longest_edge"], self.size["shortest_edge"], w / h
        if w >= h and w > most:
            h, w = int(most / form), most
        elif h > w and h > most:
            h, w = most, int(most * form)
        return max(h, least), max(w, least)

    def padded(self, groups: list[list[np.ndarray]], data_format: str) -> dict[str, list[Any]]:
        """The fields of groups of images [h, w, C]."""
        if not self.does("pad"):
            return {"pixel_values": [[self.out(x, data_format) for x in group] for group in groups]}
        every = [x for group in groups for x in group]
        h, w, most = max(x.shape[0] for x in every), max(x.shape[1] for x in every), max(map(len, groups))
        pixels = np.zeros((len(groups), most, h, w, every[0].shape[-1]), every[0].dtype)
        mask = np.zeros(pixels.shape[:4], np.int64)
        for b, group in enumerate(groups):
            for n, x in enumerate(group):
                pixels[b, n, : x.shape[0], : x.shape[1]] = x
                mask[b, n, : x.shape[0], : x.shape[1]] = 1
        pixels = np.moveaxis(pixels, -1, 2) if data_format == "channels_first" else pixels
        return {"pixel_values": list(pixels), "pixel_attention_mask": list(mask)}


class Idefics3(Idefics2):
    """Images as long as `size`, cut into squares of `max_image_size` with the whole as such a square behind."""

    sides = ()
    sizes = (*SIZES_OF, "max_image_size")
    square = False

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        return_tensors: str | None = None,
        return_row_col_info: bool = False,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `Idefics2`.

        Args:
          return_row_col_info: also `rows` and `cols`, of each group a list: how many squares images are cut into, 0
            for those that are none but the whole.
        """
        own = self.changed(changes)
        found = [[own.cut(x) for x in group] for group in own.groups(images, input_data_format)]
        groups = [[own.prepare(one) for pieces, _, _ in group for one in pieces] for group in found]
        made = Features(own.padded(groups, data_format), return_tensors)
        if return_row_col_info:
            made["rows"] = [[rows for _, rows, _ in group] for group in found]
            made["cols"] = [[columns for _, _, columns in group] for group in found]
        return made

    @property
    def side(self) -> int:
        """Of the squares."""
        return self.max_image_size["longest_edge"]

    def target(self, h: int, w: int) -> tuple[int, int]:
        if "longest_edge" not in self.size:
            return super(Idefics2, self).target(h, w)
        most, form = self.size["longest_edge"], w / h
        if w >= h:
            h, w = int(most / form), most
            h += h % 2
        else:
            h, w = most, int(most * form)
            w += w % 2
        h, w = max(h, 1), max(w, 1)
        form = w / h
        if w >= h and w > _LIMIT:
            h, w = int(_LIMIT / form), _LIMIT
        elif h > w and h > _LIMIT:
            h, w = _LIMIT, int(_LIMIT * form)
        return max(h, 1), max(w, 1)

    def cut(self, x: np.ndarray) -> tuple[list[np.ndarray], int, int]:
        """The squares of x [H, W, C] row by row, with the whole behind; and how many rows and columns they are."""
        x = self.do_resize_to(x) if self.does("resize") else x
        n = self.side
        if not self.do_image_splitting:
            return [transforms.resize(x, (n, n), self.resample)], 0, 0
        h, w = x.shape[:2]
        if w >= h:
            columns = math.ceil(w / n)
            rows = math.ceil(int(columns * n / (w / h)) / n)
        else:
            rows = math.ceil(h / n)
            columns = math.ceil(int(rows * n * (w / h)) / n)
        x = transforms.resize(x, (rows * n, columns * n), self.resample)
        if rows == columns == 1:
            return [x], 0, 0
        squares = [x[i : i + n, j : j + n] for i in range(0, rows * n, n) for j in range(0, columns * n, n)]
        return [*squares, transforms.resize(x, (n, n), self.resample)], rows, columns

    def _check(self) -> None:
        super()._check()
        if "longest_edge" not in self.max_image_size:
            raise InputError(self.name, [f"max_image_size must have longest_edge, got {self.max_image_size}"])


def nested(images: Any) -> list[Any]:
    """Images by group: a list of groups as it is, and all others as one group."""
    several = isinstance(images, list | tuple) and any(isinstance(one, list | tuple) for one in images)
    return list(images) if several else [images]
