"""Processors of Gemma 3 and Chameleon: every image is as many tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import Own

_GEMMA = {"tokenizer.model": "gemma.model"}
_LLAMA = {"tokenizer.model": "llama.model"}
_MARKS = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
_PARTS = {
    "do_pan_and_scan": True,
    "pan_and_scan_min_crop_size": 20,
    "pan_and_scan_max_num_crops": 3,
    "pan_and_scan_min_ratio_to_activate": 1.1,
}


def _said(fields: Any) -> dict[str, Any]:
    """The fields of texts."""
    return {k: v for k, v in fields.items() if not k.startswith("pixel")}


def _gemma(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    p = list(PICTURES.values())[:4]
    mark = _MARKS["boi_token"]
    texts = [f"what is {mark}{mark} that?", f"a cat {mark} and {mark}"]
    nested = [p[:2], p[2:]]
    yield "nested", _said(processor(images=nested, text=texts, padding=True))
    yield "arrays", processor(images=nested, text=texts, padding=True, return_tensors="np")
    yield "one", processor(images=p[0], text=f"on the {mark} mat", return_tensors="np")
    yield "parts", processor(images=nested, text=[*texts], padding=True, return_tensors="np", **_PARTS)
    yield "image", _said(processor(images=p[:2], text=[]))
    yield "images", _said(processor(images=nested, text=[], padding=True))
    yield "text", processor(text=["a cat", "two cats sat"], padding=True, return_tensors="np")
    yield "untyped", _said(processor(images=p[0], text=mark, return_mm_token_type_ids=False))
    grouped = {"text_kwargs": {"padding": "max_length", "max_length": 60}, "images_kwargs": {"do_rescale": False}}
    yield "grouped", processor(images=nested, text=texts, **grouped)
    yield "alone", processor.image_processor(p, return_tensors="np", **_PARTS)
    ids = processor(images=p[:1], text=f"two {mark} cats", return_tensors="np")["input_ids"]
    yield "decoded", processor.post_process_image_text_to_text(array(np.asarray(ids)))


def _chameleon(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    import PIL.Image

    p = [PIL.Image.fromarray(x) for x in list(PICTURES.values())[:3]]
    texts = ["<image>what is <image>", "a cat <image>"]
    yield "plain", processor(images=p, text=texts, padding=True)
    yield "completion", processor(images=p, text=texts, padding=True, return_for_text_completion=True)
    yield "kinds", _said(processor(images=p, text=texts, padding=True, return_mm_token_type_ids=True))
    yield "text", processor(text=["a cat", "two cats sat"], padding=True)
    clear = np.asarray(p[0])
    clear = PIL.Image.fromarray(np.concatenate([clear, clear[..., :1] // 2 + clear[..., 1:2] // 3], -1))
    yield "clear", processor.image_processor(clear, do_normalize=False, return_tensors="np")


CASES = [
    Own(
        "gemma3",
        "Gemma3Processor",
        "GemmaTokenizerFast",
        _GEMMA,
        {"image_processor_type": "Gemma3ImageProcessor", "size": {"height": 5, "width": 5}},
        {"image_seq_length": 3},
        {"extra_special_tokens": _MARKS},
        calls=_gemma,
    ),
    Own(
        "chameleon",
        "ChameleonProcessor",
        "LlamaTokenizerFast",
        _LLAMA,
        {
            "image_processor_type": "ChameleonImageProcessor",
            "size": {"shortest_edge": 6},
            "crop_size": {"height": 6, "width": 6},
        },
        {"image_seq_length": 4},
        {
            "additional_special_tokens": ["<image>", "<racm3:break>", "<eoss>"],
            "pad_token": "<unk>",
            "sep_token": "<reserved08706>",
        },
        calls=_chameleon,
    ),
]
