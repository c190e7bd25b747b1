"""Processors whose models take images of many sizes: LLaVA-NeXT cuts tiles, Qwen2-VL and Pixtral whole patches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.processor import SIZES_OF, ImageProcessor

FORM = 200  # how much longer one side may be than the other


class LlavaNext(ImageProcessor):
    """An image as a whole, and in tiles of `crop_size` of the size in `image_grid_pinpoints` that fits it best."""

    square = False

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [tiles, C, H, W] an image, the whole first, and `image_sizes`, int64 [2].

        With `do_pad` images with fewer tiles have black ones behind.
        """
        own = self.changed(changes)
        pictures = own.arrays(images, input_data_format)
        found = [np.stack([own.out(own.prepare(x), data_format) for x in own.tiles(one)]) for one in pictures]
        sizes = [np.asarray(x.shape[:2], np.int64) for x in pictures]
        return Features({"pixel_values": own.filled(found), "image_sizes": sizes}, return_tensors)

    def filled(self, found: list[np.ndarray]) -> list[np.ndarray]:
        """Images [tiles, ...], all with as many tiles as the most with `do_pad`."""
        most = max(map(len, found))
        return [np.pad(x, ((0, most - len(x)), *[(0, 0)] * 3)) for x in found] if self.does("pad") else found

    @property
    def whole(self) -> tuple[int, int]:
        """The size (height, width) that a whole image is made."""
        side = self.size.get("shortest_edge") or min(self.size["height"], self.size["width"])
        return side, side

    @property
    def tile(self) -> int:
        """The side of tiles."""
        return self.crop_size["height"]

    def tiles(self, x: np.ndarray) -> list[np.ndarray]:
        """The whole image, and tiles of its best size, row by row."""
        h, w = x.shape[:2]
        best = best_size(h, w, self.image_grid_pinpoints)
        scales = best[0] / h, best[1] / w
        if scales[1] < scales[0]:
            size = min(math.ceil(h * scales[1]), best[0]), best[1]
        else:
            size = best[0], min(math.ceil(w * scales[0]), best[1])
        y = transforms.pad_around(transforms.resize(x, size, self.resample), best)
        n = self.tile
        cut = [y[i : i + n, j : j + n] for i in range(0, best[0], n) for j in range(0, best[1], n)]
        return [transforms.resize(x, self.whole, self.resample), *cut]


def best_size(h: int, w: int, sizes: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Of sizes (height, width) the one that keeps most of an image of h x w and has the least border."""

    def worth(size: Sequence[int]) -> tuple[int, int]:
        scale = min(size[1] / w, size[0] / h)
        kept = min(int(w * scale) * int(h * scale), w * h)
        return kept, kept - size[0] * size[1]

    best = max(sizes, key=worth)
    return int(best[0]), int(best[1])


class Qwen2VL(ImageProcessor):
    """Patches of an image whose pixels number from size's `shortest_edge` to its `longest_edge`."""

    sides = ("shortest_edge", "longest_edge")
    counts = ("patch_size", "temporal_patch_size", "merge_size", "min_pixels", "max_pixels")
    sizes = SIZES_OF
    steps = ("resize", "rescale", "normalize")

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        settings = super().upgraded(settings)
        limits = {"shortest_edge": settings.pop("min_pixels", None), "longest_edge": settings.pop("max_pixels", None)}
        if given := {k: v for k, v in limits.items() if v is not None}:
            settings["size"] = {**self.defaults["size"], **settings.get("size", {}), **given}
        return settings

    def to_dict(self) -> dict[str, Any]:
        """The settings; limits also by the names of older files."""
        limits = {"min_pixels": self.size["shortest_edge"], "max_pixels": self.size["longest_edge"]}
        return {**super().to_dict(), **limits}

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        videos: Any = None,
        return_tensors: str | None = None,
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [patches of all images, values], and `image_grid_thw`, int64 [images, 3].

        A patch has the values [C, temporal_patch_size, patch_size, patch_size]; those that are merged are neighbours.

        Args:
          images: as `ImageProcessor` takes them.
          videos: a list of lists of frames -> `pixel_values_videos` and `video_grid_thw`.

        Raises:
          InputError: neither is given, an image is too long, or its sides are no multiples of merged patches.
        """
        own = self.changed(changes)
        fields: dict[str, Any] = {}
        if images is None and videos is None:
            raise InputError(self.name, ["images or videos must be given"])
        if images is not None:
            found = [own.patches([x]) for x in own.arrays(images, input_data_format)]
            fields |= _joined(found, "pixel_values", "image_grid_thw")
        if videos is not None:
            found = [own.patches(own.arrays(one, input_data_format)) for one in videos]
            fields |= _joined(found, "pixel_values_videos", "video_grid_thw")
        return Features({k: list(v) for k, v in fields.items()}, return_tensors or "np")

    def target(self, h: int, w: int) -> tuple[int, int]:
        n, (least, most) = self.patch_size * self.merge_size, (self.size[k] for k in self.sides)
        if max(h, w) / min(h, w) > FORM:
            raise InputError(self.name, [f"a side must be at most {FORM} times as long as the other, got {h} x {w}"])
        size = round(h / n) * n, round(w / n) * n
        if size[0] * size[1] > most:
            scale = math.sqrt(h * w / most)
            return max(n, math.floor(h / scale / n) * n), max(n, math.floor(w / scale / n) * n)
        if size[0] * size[1] < least:
            scale = math.sqrt(least / (h * w))
            return math.ceil(h * scale / n) * n, math.ceil(w * scale / n) * n
        return size

    def patches(self, frames: list[np.ndarray]) -> tuple[np.ndarray, tuple[int, int, int]]:
        """Frames [H, W, C] of one size as patches [N, values], and their number in time, height and width."""
        x = np.stack([self.prepare(one) for one in frames])
        times, p, m = self.temporal_patch_size, self.patch_size, self.merge_size
        x = np.concatenate([x, np.repeat(x[-1:], -len(x) % times, 0)])
        t, (h, w), c = len(x) // times, x.shape[1:3], x.shape[-1]
        if h % (p * m) or w % (p * m):
            raise InputError(self.name, [f"sides must be multiples of {p * m}, got {h} x {w}"], "pass do_resize=True")
        y = x.reshape(t, times, h // (p * m), m, p, w // (p * m), m, p, c)
        y = y.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)
        return np.ascontiguousarray(y).reshape(t * (h // p) * (w // p), -1), (t, h // p, w // p)


def _joined(found: list[tuple[np.ndarray, tuple[int, int, int]]], name: str, grid: str) -> dict[str, np.ndarray]:
    return {name: np.concatenate([x for x, _ in found]), grid: np.asarray([size for _, size in found], np.int64)}


class Pixtral(ImageProcessor):
    """Images within `size` whose sides are whole patches; smaller ones have a black border below and to the right."""

    sizes = (*SIZES_OF, "patch_size")
    square = False
    steps = ("resize", "rescale", "normalize")

    def target(self, h: int, w: int) -> tuple[int, int]:
        limits = [self.size.get("longest_edge") or self.size[k] for k in ("height", "width")]
        ratio = max(h / limits[0], w / limits[1])
        if ratio > 1:
            h, w = math.floor(h / ratio), math.floor(w / ratio)
        p, q = self.patch_size["height"], self.patch_size["width"]
        return -(-h // p) * p, -(-w // q) * q

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [C, H, W] an image, all of one size; `image_sizes`, int64 [2], without border."""
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        size = max(x.shape[0] for x in pixels), max(x.shape[1] for x in pixels)
        sizes = [np.asarray(x.shape[:2], np.int64) for x in pixels]
        found = [own.out(transforms.pad_to(x, size), data_format) for x in pixels]
        return Features({"pixel_values": found, "image_sizes": sizes}, return_tensors)
