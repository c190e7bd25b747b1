"""Grounding DINO's processor: what to look for, and the words of what was found."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from images.extras import annotation
from processors.own.case import Own

_BERT = {"vocab.txt": "wordpiece.txt"}
_OTHER = {
    "image_processor_type": "GroundingDinoImageProcessor",
    "size": {"shortest_edge": 12, "longest_edge": 20},
}
NAMES = [" A Cat", "two dogs", "the quick fox "]
_ASKED: dict[str, Any] = {
    "text": "a cat. two dogs.",
    "texts": ["a cat. two dogs.", "The fox."],
    "names": NAMES,
    "lists": [NAMES, NAMES[:1]],
    "tuples": (tuple(NAMES), ("Mat",)),
}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]
    for name, text in _ASKED.items():
        yield name, processor(text=text)
    yield "image", processor(images=pictures[0], return_tensors="np")
    both = processor(images=pictures, text=_ASKED["lists"], padding=True, return_tensors="np")
    yield "both", both
    yield "bare", processor(images=pictures[0], text=NAMES, return_token_type_ids=False, max_length=6, truncation=True)
    seen = processor(
        images=pictures, text=_ASKED["texts"], annotations=[annotation(x, i) for i, x in enumerate(pictures)]
    )
    yield "annotated", dict(seen)
    rng = np.random.default_rng(5)
    ids = array(np.asarray(both["input_ids"]))
    logits = array((3 * rng.normal(size=(2, 6, ids.shape[1] + 5)) - 4).astype(np.float32))
    logits[..., ids.shape[1] :] = -np.inf
    boxes = array(rng.uniform(0.1, 0.9, (2, 6, 4)).astype(np.float32))
    outputs = types.SimpleNamespace(logits=logits, pred_boxes=boxes, input_ids=ids)
    read = processor.post_process_grounded_object_detection
    yield "found", [dict(one) for one in read(outputs)]
    yield "less", [dict(one) for one in read(outputs, ids, threshold=0.1, text_threshold=0.05)]
    sizes = [(31, 45), (18, 12)]
    yield "sized", [dict(one) for one in read(outputs, ids, 0.2, 0.2, target_sizes=sizes)]
    yield "sizes", [dict(one) for one in read(outputs, ids, 0.2, 0.2, target_sizes=array(np.array(sizes)))]
    yield "nothing", [dict(one) for one in read(outputs, ids, 1.0)]
    yield "tokens", processor.image_processor.post_process_object_detection(outputs, 0.2, sizes)


CASES = [
    Own("grounding-dino", "GroundingDinoProcessor", "BertTokenizerFast", _BERT, _OTHER, calls=_calls),
]
