"""Processors that give each image a border of its own: LLaVA, Swin2SR, ViTMatte, Fuyu."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.loading import flat
from jaxformers.processing.images.processor import SIZES_OF, ImageProcessor, size_dict


class Llava(ImageProcessor):
    """With `do_pad` images become squares first, the border as bright as `image_mean`."""

    square = False
    steps = ("pad", "resize", "center_crop", "rescale", "normalize")

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        side = max(x.shape[:2])
        if x.shape[:2] == (side, side):
            return x
        color = np.asarray([int(255 * m) for m in self.image_mean], x.dtype)
        if len(color) != x.shape[-1]:
            problem = f"image_mean must have {x.shape[-1]} entries, one a channel, got {len(color)}"
            raise InputError(self.name, [problem])
        top, left = ((side - n) // 2 for n in x.shape[:2])
        y = np.broadcast_to(color, (side, side, len(color))).copy()
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


class Fuyu(ImageProcessor):
    """Images larger than `size` are made to fit; all are padded to it."""

    sizes = (*SIZES_OF, "patch_size")

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`images`, a list of one array [C, H, W] for each; and how large they are without padding.

        Also `image_unpadded_heights`, `image_unpadded_widths` and `image_scale_factors`, each [B, 1].

        Args:
          images: as `ImageProcessor` takes them; one image a text.
        """
        own = self.changed(changes)
        if isinstance(images, list) and any(isinstance(x, list | tuple) and len(x) > 1 for x in images):
            raise InputError(self.name, ["images must be one a text, got several for one"])
        before = own.arrays(images, input_data_format)
        resized = [own.do_resize_to(x) if own.does("resize") else x for x in before]
        fields: dict[str, list] = {
            "image_unpadded_heights": [np.asarray([x.shape[0]]) for x in resized],
            "image_unpadded_widths": [np.asarray([x.shape[1]]) for x in resized],
            "image_scale_factors": [
                np.asarray([x.shape[0] / y.shape[0]]) for x, y in zip(resized, before, strict=True)
            ],
        }
        fields["images"] = [[own.out(own.finished(x), data_format)] for x in resized]
        return Features(fields, return_tensors, ragged=("images",))

    def do_resize_to(self, x: np.ndarray) -> np.ndarray:
        h, w = x.shape[:2]
        if h <= self.size["height"] and w <= self.size["width"]:
            return x
        return transforms.resize(x, transforms.within(h, w, self.size["height"], self.size["width"]))

    def finished(self, x: np.ndarray) -> np.ndarray:
        """The steps behind the first."""
        if self.does("pad"):
            size = self.size["height"], self.size["width"]
            x = transforms.pad_to(x, size, self.padding_mode, self.padding_value)
        for step in ("rescale", "normalize"):
            x = getattr(self, f"do_{step}_to")(x) if self.does(step) else x
        return x

    def get_num_patches(self, image_height: int, image_width: int) -> int:
        """How many patches an image of that size has.

        Raises:
          InputError: a side is no multiple of the patches' side.
        """
        sides = {"height": image_height, "width": image_width}
        wrong = [
            f"{k} must be a multiple of {self.patch_size[k]}, got {n}"
            for k, n in sides.items()
            if n % self.patch_size[k]
        ]
        if wrong:
            raise InputError(self.name, wrong)
        return (image_height // self.patch_size["height"]) * (image_width // self.patch_size["width"])

    def patchify_image(self, image: np.ndarray, patch_size: Any = None) -> np.ndarray:
        """Images [B, C, H, W] -> patches [B, N, h * w * C], row by row; what does not fill a patch is left out."""
        size = self.patch_size if patch_size is None else size_dict("patch_size", patch_size, True)
        h, w = size["height"], size["width"]
        b, c, rows, columns = image.shape
        x = image[:, :, : rows // h * h, : columns // w * w].reshape(b, c, rows // h, h, columns // w, w)
        return x.transpose(0, 2, 4, 3, 5, 1).reshape(b, -1, h * w * c)
