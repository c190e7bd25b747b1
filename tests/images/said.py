"""Seeded numbers in the place of what models say about two images, and how processors of either side read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from images.case import parts

SIZES = [(31, 45), (18, 12)]
CLASSES, QUERIES, MANY = 5, 9, 70
THINGS = list(range(0, MANY, 2))
NAMES = {
    **{str(k): f"class {k}" for k in range(MANY)},
    "thing_ids": THINGS,
    "class_names": [f"class {k}" for k in range(MANY)],
}


def said() -> dict[str, np.ndarray]:
    """`maps` and `depth` of pixels; of queries `classes`, `many` classes, `boxes`, boxes that are `close`, `masks`."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:10, 0:13]
    blobs = rng.uniform(0, 10, (2, QUERIES, 3))
    masks = np.stack([[6 - ((y - b[0]) ** 2 + (x - b[1] * 1.3) ** 2) / (1 + b[2]) for b in image] for image in blobs])
    out = {
        "maps": rng.normal(size=(2, CLASSES, 10, 13)),
        "depth": rng.normal(size=(2, 10, 13)),
        "classes": 3 * rng.normal(size=(2, QUERIES, CLASSES + 1)),
        "boxes": rng.uniform(0.1, 0.9, (2, QUERIES, 4)),
        "masks": masks,
        "many": 3 * rng.normal(size=(2, QUERIES, MANY + 1)),
        "close": np.array([0.5, 0.4, 0.5, 0.6]) + rng.uniform(-0.12, 0.12, (2, QUERIES, 4)),
    }
    return {k: v.astype(np.float32) for k, v in out.items()}


def readings(
    processor: Callable[[str], Any], outputs: Callable[..., Any], array: Callable[[Any], Any]
) -> dict[str, np.ndarray]:
    """Every way of reading, by name.

    Args:
      processor: of a kind ("Detr").
      outputs: what a head returns, of fields that are named as `said` names them.
      array: makes an array of the side's own kind.
    """
    found: dict[str, np.ndarray] = {}
    for tag, given in (("own", None), ("sized", SIZES)):
        for name, result in _read(processor, outputs, given, array):
            for i, one in enumerate(result):
                found |= _arrays(f"{name}/{tag}/{i}", one)
    return found


def _read(
    processor: Callable[[str], Any], outputs: Callable[..., Any], sizes: Any, array: Callable[[Any], Any]
) -> Iterator[tuple[str, Any]]:
    segformer, dpt, detr = processor("Segformer"), processor("DPT"), processor("Detr")
    maps, boxes = outputs(logits="maps"), outputs(logits="classes", pred_boxes="boxes")
    yield "semantic", segformer.post_process_semantic_segmentation(maps, sizes)
    yield "depth", dpt.post_process_depth_estimation(outputs(predicted_depth="depth"), sizes)
    yield "GLPN", processor("GLPN").post_process_depth_estimation(outputs(predicted_depth="depth"), sizes)
    yield "detection", detr.post_process_object_detection(boxes, 0.3, sizes)
    for kind in ("ConditionalDetr", "DeformableDetr"):
        yield kind, processor(kind).post_process_object_detection(boxes, 0.7, sizes, top_k=20)
    yield "Yolos", processor("Yolos").post_process_object_detection(boxes, 0.4, sizes)
    limits = dict(threshold=0.3, mask_threshold=0.4, overlap_mask_area_threshold=0.3, target_sizes=sizes)
    masks = outputs(logits="classes", pred_masks="masks")
    yield "instance", detr.post_process_instance_segmentation(masks, **limits)
    yield "runs", detr.post_process_instance_segmentation(masks, **limits, return_coco_annotation=True)
    yield "panoptic", detr.post_process_panoptic_segmentation(masks, **limits, label_ids_to_fuse={1, 2})
    yield (
        "nothing",
        detr.post_process_panoptic_segmentation(masks, **{**limits, "threshold": 1}, label_ids_to_fuse={1}),
    )
    yield "detr-semantic", detr.post_process_semantic_segmentation(masks, sizes)
    queries = outputs(class_queries_logits="many", masks_queries_logits="masks")
    for kind in ("MaskFormer", "Mask2Former", "OneFormer"):
        of = processor(kind)
        yield f"{kind}-semantic", of.post_process_semantic_segmentation(queries, sizes)
        yield f"{kind}-panoptic", of.post_process_panoptic_segmentation(queries, **limits, label_ids_to_fuse={3})
        if kind != "OneFormer":
            read = of.post_process_instance_segmentation
            yield f"{kind}-instance", read(queries, threshold=0.2, target_sizes=sizes)
            yield f"{kind}-maps", read(queries, threshold=0.2, target_sizes=sizes, return_binary_maps=True)
    one = processor("OneFormer").post_process_instance_segmentation
    for name, more in (("things", {"task_type": "panoptic"}), ("all", {"is_demo": False}), ("demo", {})):
        yield f"OneFormer-{name}", one(queries, **{**limits, "threshold": 0.2}, **more)
    close = outputs(logits="classes", pred_boxes="close", target_pred_boxes="close")
    pairs = None if sizes is None else array(sizes)
    for kind in ("OwlViT", "Owlv2"):
        yield kind, processor(kind).post_process_object_detection(close, 0.8, sizes)
        for i, limit in enumerate((0.3, 0.6, 1.0)):
            guided = processor(kind).post_process_image_guided_detection
            yield f"{kind}-guided{i}", guided(close, threshold=0.6, nms_threshold=limit, target_sizes=pairs)


def _arrays(name: str, one: Any) -> dict[str, np.ndarray]:
    """The arrays of a result: small numbers as int16, dictionaries field by field, run lengths run by run."""
    if isinstance(one, dict):
        fields = {k: v for k, v in one.items() if v is not None}
        return {k: v for key, value in fields.items() for k, v in _arrays(f"{name}/{key}", value).items()}
    if name.endswith("segments_info"):
        rows = [[s["id"], s["label_id"], s["was_fused"], s["score"]] for s in one]
        return {name: np.array(rows, np.float64).reshape(-1, 4)}
    if isinstance(one, list):
        return {f"{name}/{i}": np.asarray(runs) for i, runs in enumerate(one)}
    x = np.asarray(one)
    whole = x.dtype.kind in "iub" or (name.endswith("segmentation") and x.dtype.kind == "f")
    return {name: x.astype(np.int16) if whole else x}


def everything(sam: Any, fuyu: Any, array: Callable[[Any], Any]) -> dict[str, np.ndarray]:
    """SAM's crops, points and good masks of an image; Fuyu's ids and patches of two texts' images."""
    rng = np.random.default_rng(3)
    found: dict[str, np.ndarray] = {}
    image = rng.integers(0, 256, (91, 64, 3), np.uint8)
    for layers in (0, 2):
        names = ("boxes", "points", "crops", "labels")
        for name, value in zip(names, sam.generate_crop_boxes(image, 128, layers, points_per_crop=3), strict=True):
            many = isinstance(value, list)
            found |= dict(parts(f"{name}/{layers}", [np.asarray(x.shape) for x in value] if many else value))
    y, x = np.mgrid[0:91, 0:64]
    blobs = rng.uniform(0, 1, (4, 3, 5)) * [91, 64, 900, 1, 3]
    masks = [[(b[2] + 20 - (y - b[0]) ** 2 - (x - b[1]) ** 2) * b[4] for b in row] for row in blobs]
    masks, scores = np.array(masks, np.float32), blobs[..., 3].astype(np.float32)
    for k, crop in enumerate(((0, 0, 64, 91), (20, 0, 64, 60), (0, 25, 50, 91))):
        part = array(masks[..., crop[1] : crop[3], crop[0] : crop[2]])
        limits = dict(pred_iou_thresh=0.2, stability_score_thresh=0.6, stability_score_offset=9)
        kept = sam.filter_masks(part, array(scores), (91, 64), list(crop), **limits)
        found |= dict(parts(f"good/{k}", list(kept)))
    images = array(rng.normal(size=(2, 2, 3, 60, 90)).astype(np.float32))
    sizes = array(np.array([[31, 60], [20, 45]])), array(np.array([[90, 61], [10, 30]]))
    for varied in (True, False):
        there = array(np.array([[True, True], [False, True]]))
        made = fuyu.preprocess_with_tokenizer_info(images, there, *sizes, 7, 8, variable_sized=varied)
        found |= dict(parts(f"fuyu/{varied}", {k: v for k, v in made.items() if k != "image_patches"}))
        patches = [np.asarray(p) for row in made["image_patches"] for p in row]
        found |= {f"fuyu/{varied}/patches{k}": p[:, ::97] for k, p in enumerate(patches)}
    return {k: v for k, v in found.items() if ".images" not in k}
