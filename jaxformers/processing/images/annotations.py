"""What COCO says about an image, as detectors learn from it: boxes, classes, areas and masks."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.images import polygons, transforms
from jaxformers.processing.images.loading import load_image

FORMATS = ("coco_detection", "coco_panoptic")


def detection(given: Mapping[str, Any], size: tuple[int, int], masks: bool = False) -> dict[str, np.ndarray]:
    """The objects of an image, without crowds and those that have no area inside it.

    Args:
      given: `{"image_id": int, "annotations": [{"bbox": [left, top, width, height] in pixels, "category_id": int,
        "area": number, "iscrowd": 0 or 1, "keypoints": [x, y, visible, ...], "segmentation": polygons}, ...]}`, the
        last three if there are any.
      size: (height, width) of the image.
      masks: also fill the polygons?

    Returns:
      `image_id` [1], `class_labels` [N], `boxes` [N, 4] (left, top, right, bottom), `area` [N], `iscrowd` [N],
      `orig_size` [2], and `keypoints` [N * K, 3] and `masks` [N, H, W] if asked for.

    Raises:
      InputError: a field is missing, or is not what it must be.
    """
    try:
        things = [a for a in given["annotations"] if not a.get("iscrowd", 0)]
        fields: dict[str, Any] = {
            "class_labels": np.asarray([a["category_id"] for a in things], np.int64),
            "boxes": np.asarray([a["bbox"] for a in things], np.float32).reshape(-1, 4),
            "area": np.asarray([a["area"] for a in things], np.float32),
            "iscrowd": np.zeros(len(things), np.int64),
        }
        if things and "keypoints" in things[0]:
            fields["keypoints"] = np.asarray([a["keypoints"] for a in things], np.float32)
        shapes = [a["segmentation"] for a in things] if masks else []
        number = np.asarray([given["image_id"]], np.int64)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise InputError("annotations", [f"must be in COCO's form for detection: {e!r}"]) from None
    if masks:
        fields["masks"] = np.zeros((len(things), *size), bool)
        for mask, one in zip(fields["masks"], shapes, strict=True):
            mask[:] = polygons.fill(one, *size)
    boxes = fields["boxes"]
    boxes[:, 2:] += boxes[:, :2]
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, size[1])
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, size[0])
    kept = (boxes[:, 3] > boxes[:, 1]) & (boxes[:, 2] > boxes[:, 0])
    fields = {k: v[kept] for k, v in fields.items()}
    if "keypoints" in fields and kept.any():
        fields["keypoints"] = fields["keypoints"].reshape(-1, 3)
    return {**fields, "image_id": number, "orig_size": np.asarray(size, np.int64)}


def panoptic(
    given: Mapping[str, Any], size: tuple[int, int], folder: Any, masks: bool = True
) -> dict[str, np.ndarray]:
    """The segments of an image, whose ids are the colors of a picture.

    Args:
      given: `{"image_id": int, "file_name": of the picture, "segments_info": [{"id": int, "category_id": int,
        "area": number, "iscrowd": 0 or 1}, ...]}`.
      size: (height, width) of the image.
      folder: where the picture is.
      masks: also return `masks`?

    Returns:
      As `detection`; boxes are those around the masks. Only ids and sizes without `segments_info`.

    Raises:
      InputError: a field or the picture is missing, or the picture is not as large as the image.
    """
    try:
        number = np.asarray([given["image_id"] if "image_id" in given else given["id"]], np.int64)
        segments = given.get("segments_info")
        fields = {"image_id": number, "orig_size": np.asarray(size, np.int64)}
        if segments is None:
            return fields
        file = pathlib.Path(folder) / given["file_name"]
        ids = np.asarray([s["id"] for s in segments], np.int64)
        fields["class_labels"] = np.asarray([s["category_id"] for s in segments], np.int64)
        fields["iscrowd"] = np.asarray([s["iscrowd"] for s in segments], np.int64)
        fields["area"] = np.asarray([s["area"] for s in segments], np.float32)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        problem = f"must be in COCO's form for panoptic segmentation, with masks_path the pictures' folder: {e!r}"
        raise InputError("annotations", [problem]) from None
    picture = transforms.rgb_to_id(np.asarray(load_image(file)))
    if picture.shape != tuple(size):
        raise InputError("annotations", [f"{file} must be as large as its image, {size}, got {picture.shape}"])
    found = picture == ids[:, None, None]
    fields["boxes"] = around(found)
    return {**fields, "masks": found.astype(np.uint8)} if masks else fields


def around(masks: np.ndarray) -> np.ndarray:
    """Boxes [N, 4] (left, top, right, bottom), float32, of the pixels that masks [N, H, W] hold."""
    boxes = np.zeros((len(masks), 4), np.float32)
    for box, mask in zip(boxes, masks, strict=True):
        y, x = np.nonzero(mask)
        box[:] = (x.min(), y.min(), x.max(), y.max()) if len(x) else (1e8, 1e8, 0, 0)
    return boxes


def fitted(
    fields: dict[str, np.ndarray], before: tuple[int, int], after: tuple[int, int], padded: Any, relative: bool
) -> dict[str, np.ndarray]:
    """Fields of `detection` or `panoptic` for the image as resized from `before` to `after`, then padded.

    Args:
      padded: the size (height, width) of the padded image, or None.
      relative: boxes become (center x, center y, width, height) as parts of the image.
    """
    y, x = after[0] / before[0], after[1] / before[1]
    out = {**fields, "size": np.asarray(after if padded is None else padded, np.int64)}
    if "boxes" in fields:
        boxes = fields["boxes"] * np.asarray([x, y, x, y], np.float32)
        if relative:
            boxes = transforms.corners_to_center(boxes) / np.asarray([after[1], after[0]] * 2, np.float32)
            if padded is not None:
                boxes = (boxes * np.asarray([after[1] / padded[1], after[0] / padded[0]] * 2)).astype(np.float32)
        out |= {"boxes": boxes, "area": fields["area"] * (x * y)}
    if "masks" in fields:
        masks = [transforms.resize(m[..., None].astype(np.uint8), after, 0) > 0 for m in fields["masks"]]
        masks = [m if padded is None else transforms.pad_to(m, padded) for m in masks]
        out["masks"] = np.stack(masks)[..., 0] if masks else np.zeros((0, *(padded or after)), bool)
    return out
