"""Nougat's processor: pages of papers, and what a model wrote about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

TEXTS = ["# 1 Two cats\n\n* [1] Dog, A. on the mat", "(2) \\[a = b\\]"]
_OTHER = {"image_processor_type": "NougatImageProcessor", "size": {"height": 24, "width": 32}}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]
    yield "text", processor(text=TEXTS)
    yield "pair", processor(text=TEXTS[0], text_pair=TEXTS[1], add_special_tokens=False)
    yield "image", processor(images=pictures[0], do_crop_margin=False)
    yield "both", processor(images=pictures, text=TEXTS, padding=True, return_tensors="np")
    yield "cut", processor(pictures, TEXTS, truncation=True, max_length=4, do_normalize=False)
    yield "pages", processor.post_process_generation(TEXTS)
    yield "bare", processor.post_process_generation(TEXTS[1], fix_markdown=False)
    yield "said", processor.batch_decode(processor(text=TEXTS)["input_ids"], skip_special_tokens=True)


CASES = [
    Own(
        "nougat",
        "NougatProcessor",
        "NougatTokenizerFast",
        {"tokenizer.json": "nougat-whole.json"},
        _OTHER,
        calls=_calls,
    ),
]
