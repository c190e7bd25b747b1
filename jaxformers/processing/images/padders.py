"""Processors that pad images to one size, and tell where the image is: DETR and its kin, ViLT, SAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import post, transforms
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.images.segmenters import _maps


class Padder(ImageProcessor):
    """With `do_pad` images get zeros below and to the right, up to the largest; `pixel_mask` is 1 where they are."""

    square = False
    steps = ("resize", "rescale", "normalize")

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; and `pixel_mask`, int64 [H, W] an image."""
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        return Features(own.padded(pixels, data_format), return_tensors)

    preprocess = __call__

    def padded(self, pixels: list[np.ndarray], data_format: str) -> dict[str, list[np.ndarray]]:
        """Fields of images [H, W, C]."""
        if not self.do_pad:
            return {"pixel_values": [self.out(x, data_format) for x in pixels]}
        h, w = self.padded_size(pixels)
        values, masks = [], []
        for x in pixels:
            mask = np.zeros((h, w), np.int64)
            mask[: x.shape[0], : x.shape[1]] = 1
            values.append(self.out(transforms.pad(x, h - x.shape[0], w - x.shape[1]), data_format))
            masks.append(mask)
        return {"pixel_values": values, "pixel_mask": masks}

    def padded_size(self, pixels: list[np.ndarray]) -> tuple[int, int]:
        """The size that images are padded to."""
        if (given := self.settings.get("pad_size")) is not None:
            return given["height"], given["width"]
        return max(x.shape[0] for x in pixels), max(x.shape[1] for x in pixels)


class Vilt(Padder):
    """The longer side stays within 1333 / 800 of the shorter; both are multiples of `size_divisor`."""

    def target(self, h: int, w: int) -> tuple[int, int]:
        short = self.size["shortest_edge"]
        long = int(1333 / 800 * short)
        scale = short / min(h, w)
        sides = [float(short), scale * w] if h < w else [scale * h, float(short)]
        if max(sides) > long:
            scale = long / max(sides)
            sides = [scale * n for n in sides]
        rows, columns = (int(n + 0.5) // self.size_divisor * self.size_divisor for n in sides)
        return rows, columns


class Detr(Padder):
    """Also takes `annotations` in COCO's form for detection, which become `labels`."""

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        annotations: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `Padder`; and `labels`: of each image `boxes`, `class_labels`, `area`, `iscrowd`, sizes and `image_id`.

        Args:
          annotations: of each image `{"image_id": int, "annotations": [{"bbox": [left, top, width, height] in pixels,
            "category_id": int, "area": number, "iscrowd": 0 or 1}, ...]}`. Boxes become (center x, center y, width,
            height) as parts of the image, unless `do_convert_annotations` is off; crowds are left out.
        """
        own = self.changed(changes)
        before = own.arrays(images, input_data_format)
        pixels = [own.prepare(x) for x in before]
        fields = own.padded(pixels, data_format)
        out = Features(fields, return_tensors)
        if annotations is not None:
            given = [annotations] if isinstance(annotations, Mapping) else list(annotations)
            if len(given) != len(pixels):
                problem = f"annotations must be one an image, got {len(given)} for {len(pixels)} images"
                raise InputError(self.name, [problem])
            last = own.padded_size(pixels) if own.do_pad else None
            sizes = zip(given, before, pixels, strict=True)
            out["labels"] = [own.label(one, x.shape[:2], y.shape[:2], last) for one, x, y in sizes]
        return out

    preprocess = __call__

    def label(self, given: Mapping, before: tuple, after: tuple, padded: tuple | None) -> Features:
        """The labels of one image; sizes (height, width) of it as it came, resized, and padded (or None)."""
        if self.format != "coco_detection":
            raise InputError(self.name, [f"format must be 'coco_detection' for annotations, got {self.format!r}"])
        try:
            things = [a for a in given["annotations"] if not a.get("iscrowd", 0)]
            classes = np.asarray([a["category_id"] for a in things], np.int64)
            area = np.asarray([a["area"] for a in things], np.float32)
            boxes = np.asarray([a["bbox"] for a in things], np.float32).reshape(-1, 4)
            number = np.asarray([given["image_id"]], np.int64)
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise InputError("annotations", [f"must be in COCO's form for detection: {e!r}"]) from None
        boxes[:, 2:] += boxes[:, :2]
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, before[1])
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, before[0])
        kept = (boxes[:, 3] > boxes[:, 1]) & (boxes[:, 2] > boxes[:, 0])
        y, x = after[0] / before[0], after[1] / before[1]
        boxes = boxes[kept] * np.asarray([x, y, x, y], np.float32)
        size = after
        if self.do_convert_annotations:
            boxes = transforms.corners_to_center(boxes) / np.asarray([after[1], after[0]] * 2, np.float32)
            if padded is not None:
                boxes = (boxes * np.asarray([after[1] / padded[1], after[0] / padded[0]] * 2)).astype(np.float32)
        size = after if padded is None else padded
        return Features(
            {
                "size": np.asarray(size, np.int64),
                "image_id": number,
                "class_labels": classes[kept],
                "boxes": boxes,
                "area": area[kept] * (x * y),
                "iscrowd": np.zeros(int(kept.sum()), np.int64),
                "orig_size": np.asarray(before, np.int64),
            }
        )

    def post_process_object_detection(self, outputs: Any, threshold: float = 0.5, target_sizes: Any = None):
        """Boxes, classes and scores; see `post.object_detection`."""
        return post.object_detection(outputs, threshold, target_sizes)

    def post_process_instance_segmentation(
        self,
        outputs: Any,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        overlap_mask_area_threshold: float = 0.8,
        target_sizes: Any = None,
    ):
        """A segment an object; see `post.segments_of_queries`."""
        limits = threshold, mask_threshold, overlap_mask_area_threshold
        return post.segments_of_queries(outputs, *limits, (), target_sizes)

    def post_process_panoptic_segmentation(
        self,
        outputs: Any,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        overlap_mask_area_threshold: float = 0.8,
        label_ids_to_fuse: Any = (),
        target_sizes: Any = None,
    ):
        """As instances, with `label_ids_to_fuse` (the stuff: sky, grass) as one segment each."""
        limits = threshold, mask_threshold, overlap_mask_area_threshold
        return post.segments_of_queries(outputs, *limits, label_ids_to_fuse, target_sizes)


class Sam(ImageProcessor):
    """Pads to a square, and tells the sizes before and after: `original_sizes`, `reshaped_input_sizes`."""

    steps = ("resize", "rescale", "normalize", "pad")

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        segmentation_maps: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; and int64 [2] an image, (height, width) as it came and as resized; `labels` of maps.

        segmentation_maps: arrays of whole numbers [H, W], one an image; resized to `mask_size`, padded to
        `mask_pad_size`.
        """
        own = self.changed(changes)
        before = own.arrays(images, input_data_format)
        resized = [own.target(*x.shape[:2]) if own.do_resize else x.shape[:2] for x in before]
        fields = {
            "pixel_values": [own.out(own.prepare(x), data_format) for x in before],
            "original_sizes": [np.asarray(x.shape[:2], np.int64) for x in before],
            "reshaped_input_sizes": [np.asarray(size, np.int64) for size in resized],
        }
        if segmentation_maps is not None:
            fields["labels"] = [own.prepare_map(m) for m in _maps(segmentation_maps)]
        return Features(fields, return_tensors)

    preprocess = __call__

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.pad(x, self.pad_size["height"] - x.shape[0], self.pad_size["width"] - x.shape[1])

    def prepare_map(self, labels: np.ndarray) -> np.ndarray:
        """One map [H, W] of classes, as int64."""
        own = type(self)(**{**self.settings, "size": self.mask_size, "pad_size": self.mask_pad_size, "resample": 0})
        x = own.do_resize_to(labels[..., None]) if self.do_resize else labels[..., None]
        return (own.do_pad_to(x) if self.do_pad else x)[..., 0].astype(np.int64)

    def post_process_masks(
        self,
        masks: Any,
        original_sizes: Any,
        reshaped_input_sizes: Any,
        mask_threshold: float = 0.0,
        binarize: bool = True,
        pad_size: Mapping[str, int] | None = None,
    ) -> list[np.ndarray]:
        """Masks at the images' own sizes; see `post.masks_at_size`."""
        padded = self.pad_size if pad_size is None else pad_size
        size = padded["height"], padded["width"]
        return post.masks_at_size(
            masks, original_sizes, reshaped_input_sizes, size, mask_threshold if binarize else None
        )
