"""Processors of segmenters by queries: MaskFormer, Mask2Former. Maps of segments become masks and classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import post_queries, transforms
from jaxformers.processing.images.detr import LONGEST
from jaxformers.processing.images.padders import Padder, largest
from jaxformers.processing.images.segmenters import maps_of

LABELS = ("mask_labels", "class_labels")


class MaskFormer(Padder):
    """Also takes `segmentation_maps`, which become `mask_labels` and `class_labels`."""

    grid: tuple[int, int] | None = None  # that masks of queries are resized to before they are read
    do_pad = True

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        settings = super().upgraded(settings)
        longest = settings.pop("max_size", None) or LONGEST
        if isinstance(settings.get("size"), int):
            settings["size"] = {"shortest_edge": settings["size"], "longest_edge": longest}
        if settings.get("size_divisor") == 0:
            settings["size_divisor"] = 1  # the same in other words
        return settings

    def target(self, h: int, w: int) -> tuple[int, int]:
        if {"shortest_edge", "longest_edge"} <= self.size.keys():
            size = transforms.short_within(h, w, self.size["shortest_edge"], self.size["longest_edge"])
        else:
            size = super().target(h, w)
        n = self.settings.get("size_divisor") or 1
        return math.ceil(size[0] / n) * n, math.ceil(size[1] / n) * n

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        segmentation_maps: Any = None,
        instance_id_to_semantic_id: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `Padder`; and of maps `mask_labels`, float32 [N, H, W], and `class_labels`, int64 [N], lists.

        Args:
          segmentation_maps: a map or a list of them: arrays of whole numbers [H, W] or Pillow images, one an image.
            Each number but `ignore_index` makes a mask.
          instance_id_to_semantic_id: the classes of the maps' numbers, a dictionary or one for each image; None: the
            numbers are classes.
        """
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        fields = own.padded(pixels, data_format)
        if segmentation_maps is not None:
            size = largest(pixels)
            found = own.masks(segmentation_maps, instance_id_to_semantic_id, len(pixels))
            labels = [(own.padded_masks(masks, size), classes) for masks, classes in found]
            fields |= dict(zip(LABELS, map(list, zip(*labels, strict=True)), strict=True))
        return Features(fields, return_tensors, ragged=LABELS)

    def masks(self, maps: Any, classes: Any, images: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Masks and classes of each image, the masks as large as the resized image."""
        maps = maps_of(maps)
        if len(maps) != images:
            problem = f"segmentation_maps must be one an image, got {len(maps)} for {images} images"
            raise InputError(self.name, [problem])
        if self.ignore_index is None:
            raise InputError(self.name, ["ignore_index must be given, as masks are padded with it, got None"])
        out = []
        for k, one in enumerate(maps):
            x = one[..., None]
            if self.does("resize"):
                x = transforms.resize(x, self.target(*x.shape[:2]), 0)
            out.append(self.split(x[..., 0], classes[k] if isinstance(classes, list) else classes))
        return out

    def padded_masks(self, masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Masks [N, h, w] -> [N, *size], with `ignore_index` below and to the right."""
        return np.moveaxis(transforms.pad_to(np.moveaxis(masks, 0, -1), size, value=self.ignore_index), -1, 0)

    def split(self, labels: np.ndarray, classes: Mapping[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
        """A map [H, W] as masks [N, H, W], float32, and their classes [N], int64."""
        less = 1 if self.do_reduce_labels else 0
        if less:
            labels = np.where(labels == 0, self.ignore_index, labels.astype(np.int64) - 1)
        numbers = [n for n in np.unique(labels).tolist() if n != self.ignore_index]
        masks = np.stack([labels == n for n in numbers]) if numbers else np.zeros((0, *labels.shape))
        if classes is not None:
            unknown = [n + less for n in numbers if n + less not in classes]
            if unknown:
                problem = f"must tell the class of every number in the map, lacks {unknown}"
                raise InputError("instance_id_to_semantic_id", [problem])
            numbers = [classes[n + less] - less for n in numbers]
        return masks.astype(np.float32), np.asarray(numbers, np.int64)

    def post_process_semantic_segmentation(self, outputs: Any, target_sizes: Any = None) -> list[np.ndarray]:
        """The class of every pixel; see `post_queries.semantic`."""
        return post_queries.semantic(outputs, target_sizes, grid=self.grid)

    def post_process_instance_segmentation(
        self,
        outputs: Any,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        overlap_mask_area_threshold: float = 0.8,
        target_sizes: Any = None,
        return_coco_annotation: bool = False,
        return_binary_maps: bool = False,
    ):
        """Objects, which may cover each other; see `post_queries.instances`.

        `mask_threshold` and `overlap_mask_area_threshold` are of other models, and taken so that calls are alike: a
        pixel is in a mask whose chance is above a half, and no mask falls out for those above it.
        """
        if return_coco_annotation and return_binary_maps:
            raise InputError(self.name, ["return_coco_annotation and return_binary_maps must not both be set"])
        found = post_queries.instances(outputs, threshold, target_sizes, self.grid, return_binary_maps)
        return post_queries.encoded(found) if return_coco_annotation else found

    def post_process_panoptic_segmentation(
        self,
        outputs: Any,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        overlap_mask_area_threshold: float = 0.8,
        label_ids_to_fuse: Any = (),
        target_sizes: Any = None,
    ):
        """Segments that do not overlap, `label_ids_to_fuse` as one each; see `post_queries.segments`."""
        limits = threshold, mask_threshold, overlap_mask_area_threshold
        return post_queries.segments(outputs, *limits, label_ids_to_fuse, target_sizes, grid=self.grid)


class Mask2Former(MaskFormer):
    grid = (384, 384)
