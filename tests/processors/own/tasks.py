"""OneFormer's processor: tasks, and what maps hold, as texts."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from images import extras, said
from images.case import PICTURES
from processors.own.case import Own

_CLIP = {"vocab.json": "clip.json", "merges.txt": "clip-merges.txt"}
_OTHER = {
    "image_processor_type": "OneFormerImageProcessor",
    "repo_path": "{here}",
    "class_info_file": "classes.json",
    "num_text": 5,
    "size": {"shortest_edge": 12, "longest_edge": 16},
    "ignore_index": 255,
}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]
    tasks = ["panoptic", "instance"]
    yield "tasks", processor(pictures, tasks, return_tensors="np")
    yield "one", processor(pictures[0], ["semantic"], do_normalize=False)
    found = extras.instances(pictures, None)
    yield "maps", processor(pictures, tasks, return_tensors="np", **found)
    yield "semantic", processor(pictures, ["semantic"] * 2, **found)
    spoken = {k: array(v) for k, v in said.said().items()}
    outputs = types.SimpleNamespace(
        class_queries_logits=spoken["classes"], masks_queries_logits=spoken["masks"], auxiliary_predictions=None
    )
    yield "map", processor.post_process_semantic_segmentation(outputs, target_sizes=said.SIZES)


CASES = [
    Own(
        "oneformer",
        "OneFormerProcessor",
        "CLIPTokenizerFast",
        _CLIP,
        _OTHER,
        {"max_seq_length": 9, "task_seq_length": 12},
        calls=_calls,
        more={"classes.json": extras.CLASSES},
    ),
]
