"""Seeded numbers in the place of what models say about two images, and how processors of either side read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

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
