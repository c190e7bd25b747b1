"""SAM's processor: squares, masks at the images' own sizes, and points all over an image with what they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import post, sam_masks, transforms
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.images.segmenters import maps_of


class Sam(ImageProcessor):
    """Pads to a square, and tells the sizes before and after: `original_sizes`, `reshaped_input_sizes`."""

    steps: ClassVar[tuple[str, ...]] = ("resize", "rescale", "normalize", "pad")

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
            fields["labels"] = [own.prepare_map(m) for m in maps_of(segmentation_maps)]
        return Features(fields, return_tensors)

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

    def generate_crop_boxes(
        self,
        image: Any,
        target_size: int,
        crop_n_layers: int = 0,
        overlap_ratio: float = 512 / 1500,
        points_per_crop: int = 32,
        crop_n_points_downscale_factor: int = 1,
        input_data_format: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray]:
        """Crops of an image, and a grid of points in each.

        Args:
          image: one image.
          target_size: of the longer side of images as the model sees them.
          crop_n_layers: layer k has 4^k crops; 0 is the image itself.
          overlap_ratio: of neighbours in layer 1, as a part of the image's shorter side.
          points_per_crop: in each direction, in layer k divided by `crop_n_points_downscale_factor` ^ k.

        Returns:
          boxes float32 [crops, 4] (left, top, right, bottom); points float64 [1, N, crops, 2] (x, y) as the model sees
          them; the crops [H, W, C]; labels int64 [1, N, crops], all 1.

        Raises:
          InputError: not one image, or the crops' grids differ in size.
        """
        images = self.arrays(image, input_data_format)
        if len(images) != 1:
            raise InputError(self.name, [f"image must be one, got {len(images)}"])
        x = images[0]
        boxes = sam_masks.crops(x.shape[0], x.shape[1], crop_n_layers, overlap_ratio)
        counts = [int(points_per_crop / crop_n_points_downscale_factor**k) for k in range(crop_n_layers + 1)]
        if len(set(counts)) > 1 or counts[0] < 1:
            problem = f"crops must have equally many points, at least one, got {counts} a side in the layers"
            raise InputError(self.name, [problem], "leave crop_n_points_downscale_factor at 1")
        parts = [x[top:bottom, left:right] for left, top, right, bottom in boxes]
        scale = sam_masks.scale(x.shape[0], x.shape[1], target_size)
        points = [sam_masks.grid(counts[0]) * part.shape[1::-1] * scale for part in parts]
        stacked = np.stack(points, 1)[None]
        return np.asarray(boxes, np.float32), stacked, parts, np.ones(stacked.shape[:3], np.int64)

    def filter_masks(
        self,
        masks: Any,
        iou_scores: Any,
        original_size: Any,
        cropped_box_image: Any,
        pred_iou_thresh: float = 0.88,
        stability_score_thresh: float = 0.95,
        mask_threshold: float = 0.0,
        stability_score_offset: float = 1.0,
    ) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
        """The good ones of a crop's masks; see `sam_masks.good`."""
        return sam_masks.good(
            masks,
            iou_scores,
            original_size,
            cropped_box_image,
            pred_iou_thresh,
            stability_score_thresh,
            mask_threshold,
            stability_score_offset,
        )

    def post_process_for_mask_generation(
        self, all_masks: list[dict[str, Any]], all_scores: Any, all_boxes: Any, crops_nms_thresh: float = 0.7
    ) -> tuple[list[np.ndarray], np.ndarray, list[dict[str, Any]], np.ndarray]:
        """Of masks whose boxes overlap by more than `crops_nms_thresh` the best, the best first.

        Returns:
          masks bool [H, W], scores [N], the masks as run lengths, boxes [N, 4].
        """
        boxes, scores = np.asarray(all_boxes), np.asarray(all_scores)
        kept = sam_masks.apart(boxes, scores, crops_nms_thresh)
        lengths = [all_masks[k] for k in kept]
        return [sam_masks.decoded(one) for one in lengths], scores[kept], lengths, boxes[kept]
