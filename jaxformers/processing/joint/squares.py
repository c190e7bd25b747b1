"""Processors of InternVL and Aya Vision: images in squares, each as many tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.joint.placeholders import Pieces
from jaxformers.processing.joint.sharing import count


class _Squares(Pieces):
    """Images are cut into squares, unless a call says otherwise."""

    hidden = ("num_patches",)

    def look(self, images: Any, kind: str | None, options: dict[str, Any]) -> dict[str, Any]:
        return super().look(images, kind, {"crop_to_patches": True, **options})


class InternVL(_Squares):
    """An image is the tokens of its squares, between one that begins and one that ends it."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.length = count(self, "image_seq_length", 256)
        names = ("context_image_token", "start_image_token", "end_image_token")
        if missing := [name for name in names if not isinstance(getattr(self.tokenizer, name, None), str)]:
            raise InputError(self.name, [f"the tokenizer must name {', '.join(missing)}"])
        self.image_token, self.start_image_token, self.end_image_token = (getattr(self.tokenizer, k) for k in names)

    @property
    def marks(self) -> tuple[str, ...]:
        return self.image_token, self.start_image_token, self.end_image_token

    def texts_of(self, fields: Mapping[str, Any]) -> Iterator[str]:
        for n in fields["num_patches"]:
            yield f"{self.start_image_token}{self.image_token * (self.length * int(n))}{self.end_image_token}"


_AYA = {
    "img_patch_token": "<|IMG_PATCH|>",
    "tile_token": "TILE",
    "tile_global_token": "TILE_GLOBAL",
    "start_of_img_token": "<|START_OF_IMG|>",
    "end_of_img_token": "<|END_OF_IMG|>",
}


class AyaVision(_Squares):
    """An image is its squares by number, and the whole."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.image_token = self.settings.get("image_token", self.token)
        self.marked = {k: self.settings.get(k, v) for k, v in _AYA.items()}
        side = count(self, "patch_size", 28) * count(self, "downsample_factor", 1)
        self.length = (count(self, "img_size", 364) // side) ** 2

    @property
    def counted(self) -> tuple[str, ...]:
        return ()

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(self.marked.values())

    def texts_of(self, fields: Mapping[str, Any]) -> Iterator[str]:
        patch, tile, whole, begins, ends = self.marks
        for n in fields["num_patches"]:
            squares = "".join(f"{tile}_{k}{patch * self.length}" for k in range(1, int(n)))
            yield f"{begins}{squares}{whole}{patch * self.length}{ends}"
