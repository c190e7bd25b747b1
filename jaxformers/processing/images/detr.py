"""DETR and its kin: images padded to one size, COCO's annotations, boxes and segments of queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import annotations as coco
from jaxformers.processing.images import post_boxes, post_queries
from jaxformers.processing.images.padders import Padder

LONGEST = 1333  # the limit of the longer side that goes with one number as `size`


class Boxes(Padder):
    """Also takes `annotations` in COCO's forms, which become `labels`."""

    renamed = {"pad_and_return_pixel_mask": "do_pad"}

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        settings = super().upgraded(settings)
        longest = settings.pop("max_size", None) or LONGEST
        if isinstance(settings.get("size"), int):
            settings["size"] = {"shortest_edge": settings["size"], "longest_edge": longest}
        if settings.get("do_convert_annotations", True) is None:
            settings["do_convert_annotations"] = settings.get("do_normalize", True)
        return settings

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        annotations: Any = None,
        return_segmentation_masks: bool | None = None,
        masks_path: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `Padder`; and `labels`: of each image what `annotations` says, fitted to it.

        Args:
          annotations: of each image a dictionary in COCO's form, as `format` says: see `annotations.detection` and
            `annotations.panoptic`. Boxes become (center x, center y, width, height) as parts of the image, unless
            `do_convert_annotations` is off.
          return_segmentation_masks: also `masks` [N, H, W]? None: for "coco_panoptic" only.
          masks_path: the folder with the pictures of "coco_panoptic".
        """
        own = self.changed(changes)
        before = own.arrays(images, input_data_format)
        pixels = [own.prepare(x) for x in before]
        out = Features(own.padded(pixels, data_format), return_tensors)
        if annotations is not None:
            given = [annotations] if isinstance(annotations, Mapping) else list(annotations)
            if len(given) != len(pixels):
                problem = f"annotations must be one an image, got {len(given)} for {len(pixels)} images"
                raise InputError(self.name, [problem])
            last = own.padded_size(pixels) if own.do_pad else None
            out["labels"] = []
            for one, x, y in zip(given, before, pixels, strict=True):
                fields = own.read(one, x.shape[:2], return_segmentation_masks, masks_path)
                fields = coco.fitted(fields, x.shape[:2], y.shape[:2], last, own.do_convert_annotations)
                out["labels"].append(Features(fields, return_tensors))
        return out

    def read(self, given: Mapping, size: tuple[int, int], masks: bool | None, folder: Any) -> dict[str, np.ndarray]:
        """What `given` says of an image of `size`, in its pixels."""
        if self.format == "coco_detection":
            return coco.detection(given, size, bool(masks))
        if self.format == "coco_panoptic":
            return coco.panoptic(given, size, folder, masks is not False)
        raise InputError(self.name, [f"format must be one of {', '.join(coco.FORMATS)}, got {self.format!r}"])


class Detr(Boxes):
    """Boxes and segments of queries whose last class is no object."""

    def post_process_object_detection(self, outputs: Any, threshold: float = 0.5, target_sizes: Any = None):
        """Boxes, classes and scores; see `post_boxes.surest_class`."""
        return post_boxes.surest_class(outputs, threshold, target_sizes)

    def post_process_semantic_segmentation(self, outputs: Any, target_sizes: Any = None) -> list[np.ndarray]:
        """The class of every pixel; see `post_queries.semantic`."""
        return post_queries.semantic(outputs, target_sizes, names=post_queries.DETR)

    def post_process_instance_segmentation(
        self,
        outputs: Any,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        overlap_mask_area_threshold: float = 0.8,
        target_sizes: Any = None,
        return_coco_annotation: bool = False,
    ):
        """A segment an object; see `post_queries.segments`. `return_coco_annotation`: run lengths, no pictures."""
        limits = threshold, mask_threshold, overlap_mask_area_threshold
        found = post_queries.segments(outputs, *limits, (), target_sizes, names=post_queries.DETR)
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
        """As instances, with `label_ids_to_fuse` (the stuff: sky, grass) as one segment each."""
        limits = threshold, mask_threshold, overlap_mask_area_threshold
        return post_queries.segments(outputs, *limits, label_ids_to_fuse, target_sizes, names=post_queries.DETR)


class ConditionalDetr(Detr):
    """Its classes do not exclude each other."""

    def post_process_object_detection(  # type: ignore[override]
        self, outputs: Any, threshold: float = 0.5, target_sizes: Any = None, top_k: int = 100
    ):
        """Boxes, classes and scores; see `post_boxes.surest_pairs`."""
        return post_boxes.surest_pairs(outputs, threshold, target_sizes, top_k)


class DeformableDetr(Boxes):
    """Its classes do not exclude each other, and it has no masks."""

    post_process_object_detection = ConditionalDetr.post_process_object_detection


class GroundingDino(Boxes):
    """Finds what texts name."""

    def post_process_object_detection(self, outputs: Any, threshold: float = 0.1, target_sizes: Any = None):
        """Boxes, tokens and scores; see `post_boxes.of_texts`."""
        return post_boxes.of_texts(outputs, threshold, target_sizes)


class Deta(Boxes):
    """Boxes of one class that overlap are the same object."""

    def post_process_object_detection(
        self, outputs: Any, threshold: float = 0.5, target_sizes: Any = None, nms_threshold: float = 0.7
    ):
        """Boxes, classes and scores; see `post_boxes.apart`."""
        return post_boxes.apart(outputs, threshold, target_sizes, nms_threshold)


class Yolos(Boxes):
    """Both sides are rounded down to multiples of 16, unless `size` names them; no mask tells where the image is."""

    def target(self, h: int, w: int) -> tuple[int, int]:
        if "shortest_edge" not in self.size:
            return super().target(h, w)
        short: float = self.size["shortest_edge"]
        if max(h, w) / min(h, w) * short > (longest := self.size.get("longest_edge", float("inf"))):
            short = longest * min(h, w) / max(h, w)
        n = round(short)
        if w < h:
            h, w = int(short * h / w), n
        elif h != n:
            h, w = n, int(short * w / h)
        return h // 16 * 16, w // 16 * 16

    def padded(self, pixels: list[np.ndarray], data_format: str) -> dict[str, list[np.ndarray]]:
        fields = super().padded(pixels, data_format)
        return {"pixel_values": fields["pixel_values"]}

    post_process_object_detection = Detr.post_process_object_detection
