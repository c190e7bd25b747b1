"""Fuyu's processor: an image in the corner of a large one, and its patches among the ids of a text."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.processor import BOTH, SIZES_OF, ImageProcessor, size_dict

PLACES = (
    "image_input_ids",
    "image_patches",
    "image_patch_indices_per_batch",
    "image_patch_indices_per_subsequence",
)


class Fuyu(ImageProcessor):
    """Images larger than `size` are made to fit; all are padded to it."""

    sides = BOTH

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

    def preprocess_with_tokenizer_info(
        self,
        image_input: Any,
        image_present: Any,
        image_unpadded_h: Any,
        image_unpadded_w: Any,
        image_placeholder_id: int,
        image_newline_id: int,
        variable_sized: bool,
    ) -> Features:
        """What stands for images among token ids, and their patches.

        Args:
          image_input: images [B, N, C, H, W]; image_present: bool [B, N].
          image_unpadded_h, image_unpadded_w: how large they are without padding, [B, N].
          image_placeholder_id, image_newline_id: ids for a patch and for the end of a row of patches.
          variable_sized: are patches without any of the image left out, and rows ended?

        Returns:
          lists of a list for each of B: `images` (one [C, h, w] in each list), `image_input_ids` int32,
          `image_patches` [patches, h * w * C], and int32 `image_patch_indices_per_batch` and
          `image_patch_indices_per_subsequence`: the number of the patch at each id, counted through the row or from
          each image on; -1 at ends of rows.
        """
        fields: dict[str, list] = {name: [[] for _ in image_input] for name in PLACES}
        whole: list[list[np.ndarray]] = []
        for row, images in enumerate(image_input):
            before = 0
            for k, x in enumerate(images):
                ids = np.zeros(0, np.int32)
                if image_present[row][k]:
                    if variable_sized:
                        sides = zip(
                            ("height", "width"), (image_unpadded_h[row][k], image_unpadded_w[row][k]), strict=True
                        )
                        h, w = (-(-int(n) // self.patch_size[side]) * self.patch_size[side] for side, n in sides)
                        x = x[:, :h, :w]
                    columns = x.shape[2] // self.patch_size["width"]
                    ids = np.full(self.get_num_patches(*x.shape[1:]), image_placeholder_id, np.int32)
                    if variable_sized:
                        ids = np.pad(ids.reshape(-1, columns), ((0, 0), (0, 1)), constant_values=image_newline_id)
                    whole.append([x])
                    fields["image_patches"][row].append(self.patchify_image(x[None])[0])
                ids = ids.reshape(-1)
                patch = ids == image_placeholder_id
                place = np.where(patch, patch.cumsum() - 1, -1).astype(np.int32)
                fields["image_input_ids"][row].append(ids)
                fields["image_patch_indices_per_batch"][row].append(
                    np.where(patch, place + before, -1).astype(np.int32)
                )
                fields["image_patch_indices_per_subsequence"][row].append(place)
                before += int(patch.sum())
        return Features({"images": whole, **fields})

    def patchify_image(self, image: np.ndarray, patch_size: Any = None) -> np.ndarray:
        """Images [B, C, H, W] -> patches [B, N, h * w * C], row by row; what does not fill a patch is left out."""
        size = self.patch_size if patch_size is None else size_dict("patch_size", patch_size, True)
        h, w = size["height"], size["width"]
        b, c, rows, columns = image.shape
        x = image[:, :, : rows // h * h, : columns // w * w].reshape(b, c, rows // h, h, columns // w, w)
        return x.transpose(0, 2, 4, 3, 5, 1).reshape(b, -1, h * w * c)
