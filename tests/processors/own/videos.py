"""X-CLIP's and TVP's processors: videos beside texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import Own

TEXTS = ["someone opens the door", "two cats sat"]
_CLIP = {"vocab.json": "clip.json", "merges.txt": "clip-merges.txt"}
_BERT = {"vocab.txt": "wordpiece.txt"}
_EDGE = {"size": {"shortest_edge": 7}, "crop_size": {"height": 6, "width": 5}}
_FITS = {"size": {"longest_edge": 9}, "crop_size": {"height": 9, "width": 9}, "pad_size": {"height": 10, "width": 11}}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    frames = [[x] * 3 for x in list(PICTURES.values())[:2]]
    yield "text", processor(text=TEXTS, padding=True, return_tensors="np")
    yield "video", processor(images=frames[0], return_tensors="np")
    yield "both", processor(images=frames, text=TEXTS, padding=True, return_tensors="np")
    yield "cut", processor(images=frames, text=TEXTS, truncation=True, max_length=5)
    grouped = {"text_kwargs": {"padding": "max_length", "max_length": 9}, "images_kwargs": {"do_normalize": False}}
    yield "grouped", processor(images=frames, text=TEXTS, **grouped)


def _when(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    yield from _calls(processor, array)
    for k, row in enumerate([[0.25, 0.7512], [0.05, 0.33333], [0.999, 0.0]]):
        yield f"when{k}", processor.post_process_video_grounding(array(np.float32([row, row])), 30.5)


CASES = [
    Own(
        "xclip",
        "XCLIPProcessor",
        "CLIPTokenizerFast",
        _CLIP,
        {"image_processor_type": "VideoMAEImageProcessor", **_EDGE},
        calls=_calls,
    ),
    Own(
        "tvp",
        "TvpProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "TvpImageProcessor", **_FITS},
        calls=_when,
    ),
]
