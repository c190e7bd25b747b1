"""Processors for models that read images as tokens, or learn by hiding parts: ImageGPT, FLAVA. And IDEFICS'."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.loading import flat, pillow
from jaxformers.processing.images.processor import ImageProcessor

_BICUBIC = 3
_MARGIN = 0.1  # by which the codebook's pixels keep away from 0 and 1
_TRIES = 10  # for a block of hidden patches


class ImageGPT(ImageProcessor):
    """Images from -1 to 1; with `do_color_quantize` each pixel as the number of the nearest of `clusters`."""

    steps = ("resize", "normalize")

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`input_ids`, int64 [H * W] an image; without `do_color_quantize` `pixel_values` as `ImageProcessor`."""
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        if not own.does("color_quantize"):
            return Features({"pixel_values": [own.out(x, data_format) for x in pixels]}, return_tensors)
        return Features({"input_ids": [own.numbers(x) for x in pixels]}, return_tensors)

    def do_normalize_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.rescale(x, 1 / 127.5) - 1

    def numbers(self, x: np.ndarray) -> np.ndarray:
        """Of each pixel the nearest cluster."""
        if self.clusters is None:
            raise InputError(self.name, ["clusters must be given, as do_color_quantize is on, got None"])
        colors, pixels = np.asarray(self.clusters), x.reshape(-1, x.shape[-1])
        if colors.ndim != 2 or colors.shape[1] != pixels.shape[1]:
            problem = f"clusters must be colors [N, {pixels.shape[1]}], got shape {list(colors.shape)}"
            raise InputError(self.name, [problem])
        far = (pixels**2).sum(1)[:, None] - 2 * (pixels @ colors.T) + (colors.T**2).sum(0)
        return far.argmin(1)


class Flava(ImageProcessor):
    """Also makes what pre-training needs: pixels for the codebook, and patches to hide."""

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; `codebook_pixel_values` with `return_codebook_pixels`, and `bool_masked_pos` with
        `return_image_mask`, int64 [input_size_patches, input_size_patches], 1 where a patch is hidden.

        Which patches are hidden is drawn from Python's `random`: seed it for the same ones.
        """
        own = self.changed(changes)
        pictures = own.arrays(images, input_data_format)
        fields = {"pixel_values": [own.out(own.prepare(x), data_format) for x in pictures]}
        if own.return_codebook_pixels:
            prefix = "codebook_"
            codes = ImageProcessor(**{k[len(prefix) :]: v for k, v in own.settings.items() if k.startswith(prefix)})
            pixels = [codes.prepare(x) for x in pictures]
            if own.codebook_do_map_pixels:
                pixels = [(1 - 2 * _MARGIN) * x + _MARGIN for x in pixels]
            fields["codebook_pixel_values"] = [own.out(x, data_format) for x in pixels]
        if own.return_image_mask:
            fields["bool_masked_pos"] = [own.hidden() for _ in pictures]
        return Features(fields, return_tensors)

    def hidden(self) -> np.ndarray:
        """Patches to hide, in blocks, `total_mask_patches` of them or somewhat fewer."""
        transforms.bounded("input_size_patches", (self.input_size_patches,) * 2)
        mask = np.zeros((self.input_size_patches,) * 2, int)
        most = self.total_mask_patches if self.mask_group_max_patches is None else self.mask_group_max_patches
        while (left := self.total_mask_patches - int(mask.sum())) > 0:
            if not self._hide(mask, min(left, most)):
                break
        return mask

    def _hide(self, mask: np.ndarray, most: int) -> bool:
        """Hides one more block of at most `most` patches in `mask`; False if none of the tries fits."""
        side, least = len(mask), self.mask_group_min_aspect_ratio
        ratios = math.log(least), math.log(self.mask_group_max_aspect_ratio or 1 / least)
        for _ in range(_TRIES):
            area = random.uniform(self.mask_group_min_patches, most)
            ratio = math.exp(random.uniform(*ratios))
            h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if h >= side or w >= side:
                continue
            top, left = random.randint(0, side - h), random.randint(0, side - w)
            block = mask[top : top + h, left : left + w]
            if 0 < block.size - block.sum() <= most:
                block[:] = 1
                return True
        return False


class Idefics(ImageProcessor):
    """Squares of `image_size`; what is transparent becomes white."""

    steps = ("resize", "rescale", "normalize")

    def does(self, step: str) -> bool:
        """All steps are always on."""
        return True

    def arrays(self, images: Any, input_data_format: str | None = None) -> list[np.ndarray]:
        return super().arrays([on_white(x) for x in flat(images)], input_data_format)

    def do_resize_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.resize(x, (self.image_size, self.image_size), _BICUBIC)


def on_white(image: Any) -> Any:
    """A Pillow image without what is transparent, which becomes white; anything else as it is."""
    if not hasattr(image, "convert") or image.mode == "RGB":
        return image
    image = image.convert("RGBA")
    return pillow().alpha_composite(pillow().new("RGBA", image.size, (255, 255, 255)), image).convert("RGB")
