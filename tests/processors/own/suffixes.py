"""PaliGemma's processor: prompts about images, and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

TEXTS = ["answer en where is the cat?", "caption de"]
PLACED = ["<image> detect two cats", "what <image> is on <image>that?"]
ANSWERS = ["on the mat", "<loc0012><loc1000> two cats"]
_GEMMA = {"tokenizer.model": "gemma.model"}
_OTHER = {
    "image_processor_type": "SiglipImageProcessor",
    "size": {"height": 5, "width": 4},
    "image_seq_length": 3,
}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    a, b = list(PICTURES.values())[:2]
    yield "image", processor(images=a)
    yield "one", processor(images=a, text=TEXTS[0], return_tensors="np")
    yield "texts", processor(images=[a, b], text=TEXTS)
    yield "arrays", processor(images=[a, b], text=TEXTS, padding=True, return_tensors="np")
    yield "several", processor(images=[[a, b], [b]], text=TEXTS)
    yield "placed", processor(images=[a, b, a], text=PLACED, padding=True, return_tensors="np")
    yield "mixed", processor(images=[a, b], text=[PLACED[0], TEXTS[1]])
    yield "answer", processor(images=a, text=TEXTS[0], suffix=ANSWERS[0], return_tensors="np")
    yield "answers", processor(images=[a, b], text=TEXTS, suffix=ANSWERS, padding=True)
    yield "long", processor(images=[a, b], text=TEXTS, suffix=ANSWERS, padding="max_length", max_length=60)
    yield "cut", processor(images=a, text=TEXTS[0], truncation=True, max_length=9, return_mm_token_type_ids=True)
    yield (
        "kinds",
        processor(images=[a, b], text=TEXTS, padding=True, return_mm_token_type_ids=True, return_tensors="np"),
    )
    grouped = {"text_kwargs": {"suffix": ANSWERS, "padding": True}, "images_kwargs": {"do_normalize": False}}
    yield "grouped", processor(images=[a, b], text=TEXTS, **grouped)
    ids = processor(images=[a, b], text=TEXTS, suffix=ANSWERS, padding=True)["input_ids"]
    yield "decoded", processor.batch_decode(ids, skip_special_tokens=True)
    yield "raw", processor.batch_decode(ids)


CASES = [
    Own("paligemma", "PaliGemmaProcessor", "GemmaTokenizerFast", _GEMMA, _OTHER, calls=_calls),
    Own(
        "paligemma-listed",
        "PaliGemmaProcessor",
        "GemmaTokenizerFast",
        _GEMMA,
        _OTHER,
        tokens={"additional_special_tokens": ["<image>", "two"], "add_eos_token": True},
        calls=_calls,
    ),
]
