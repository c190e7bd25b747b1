"""SAM-HQ's processor, which is SAM's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

_OTHER = {
    "image_processor_type": "SamImageProcessor",
    "size": {"longest_edge": 32},
    "mask_size": {"longest_edge": 8},
    "pad_size": {"height": 32, "width": 32},
    "mask_pad_size": {"height": 8, "width": 8},
}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    kind = "pt" if array.__module__ == "torch" else "np"
    pictures = list(PICTURES.values())[:2]
    points, boxes = [[[5, 6], [2, 2]], [[3, 4], [10, 2.5]]], [[[1, 2, 20, 15]], [[0, 0, 8, 9]]]
    yield "image", processor(images=pictures[0], return_tensors=kind)
    yield "points", processor(pictures, input_points=points, input_labels=[[1, 0], [1, 1]], return_tensors=kind)
    yield "boxes", processor(images=pictures, input_boxes=boxes, return_tensors=kind)
    yield (
        "padded",
        processor(
            pictures,
            input_points=[points[0], points[1][:1]],
            input_labels=[[1, 0], [1]],
            point_pad_value=-7,
            return_tensors=kind,
        ),
    )
    made = [array(x) for x in _masks()]
    sizes = [(61, 117), (120, 43)]
    yield "masks", processor.post_process_masks(made, sizes, [(17, 32), (32, 11)])


def _masks() -> list[Any]:
    import numpy as np

    rng = np.random.default_rng(1)
    return [rng.normal(size=(1, 2, 8, 8)).astype(np.float32) for _ in range(2)]


CASES = [Own("sam_hq", "SamHQProcessor", "", {}, _OTHER, calls=_calls)]
