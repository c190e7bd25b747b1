"""What is given to processors beside pictures: maps, annotations, tasks."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

NUMBERS = {0: 7, 1: 2, 2: 2, 3: 11, 4: 0, 5: 1, 6: 3, 7: 5, 255: 9}  # classes of the numbers in maps
TASKS = ("semantic", "instance", "panoptic", "semantic")
CLASSES = {str(k): {"name": f"thing {k}" if k % 2 else f"stuff {k}", "isthing": k % 2} for k in range(12)}
NAMES = {
    **{k: info["name"] for k, info in CLASSES.items()},
    "thing_ids": [1, 3, 5, 7, 9, 11],
    "class_names": [info["name"] for info in CLASSES.values()],
}


def label_map(x: np.ndarray) -> np.ndarray:
    """A map of classes 0 to 6 and 255 for a picture."""
    h, w = x.shape[:2]
    y, x = np.mgrid[0:h, 0:w]
    out = ((x // 9 + y // 6) % 8).astype(np.uint8)
    return np.where(out == 7, 255, out).astype(np.uint8)


def maps(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    return {"segmentation_maps": [label_map(x) for x in pictures]}


def instances(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    return {**maps(pictures, folder), "instance_id_to_semantic_id": NUMBERS}


def tasks(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    return {"task_inputs": list(TASKS[: len(pictures)])}


def tasks_and_maps(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    return {**instances(pictures, folder), **tasks(pictures, folder)}


def trimaps(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    return {"trimaps": [label_map(x) // 2 for x in pictures]}


def annotation(x: np.ndarray, number: int) -> dict[str, Any]:
    """COCO's form for detection: four boxes, one of them a crowd, one that reaches out of the picture."""
    h, w = x.shape[:2]
    boxes = [[1, 2, w / 2, h / 3], [w / 4, h / 4, w, h / 2], [0.5, 0.25, 6.5, 7.75], [2, 2, 3, 3]]
    things = [
        {"bbox": box, "category_id": 3 + i, "area": box[2] * box[3], "iscrowd": int(i == 3), "id": i}
        for i, box in enumerate(boxes)
    ]
    return {"image_id": number, "annotations": things}


def annotations(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    return {"annotations": [annotation(x, i) for i, x in enumerate(pictures)]}


def polygons(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    """Annotations with outlines and key points: one leaves the picture, one crosses itself, one has two parts."""
    out = annotations(pictures, folder)["annotations"]
    for x, one in zip(pictures, out, strict=True):
        h, w = x.shape[:2]
        star = [0.1 * w, 0.4 * h, 0.9 * w, 0.4 * h, 0.2 * w, 0.9 * h, 0.5 * w, 0.05 * h, 0.8 * w, 0.93 * h]
        outlines = [
            [[1.3, 2.7, w / 2, 3.1, w / 3, h / 3 + 0.4, 2.0, h / 4]],
            [[-3.5, h / 2, w + 4.2, h / 3, w / 2, h + 6.0], [1.0, 1.0, 4.0, 1.0, 4.0, 4.0]],
            [star],
            [[2.0, 2.0, 5.0, 2.0, 5.0, 5.0]],
        ]
        for k, (thing, outline) in enumerate(zip(one["annotations"], outlines, strict=True)):
            thing |= {"segmentation": outline, "keypoints": [k + 1, 2, 2, k + 4.5, 5, 1]}
    return {"annotations": out, "return_segmentation_masks": True}


def panoptic(pictures: list[np.ndarray], folder: pathlib.Path) -> dict[str, Any]:
    """COCO's form for panoptic segmentation: segments in a picture whose colors are their ids, and one not there."""
    import PIL.Image

    out = []
    for i, x in enumerate(pictures):
        ids = label_map(x).astype(np.int64) * 999 + 5
        color = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
        PIL.Image.fromarray(color).save(folder / f"{i}.png")
        segments = [
            {"id": 999 * k + 5, "category_id": k + 1, "area": 10.5 * k, "iscrowd": int(k == 2)} for k in (0, 2, 3, 99)
        ]
        out.append({"image_id": 40 + i, "file_name": f"{i}.png", "segments_info": segments})
    return {"annotations": out, "masks_path": folder}
