"""Pix2Struct's processor: patches of pages, and questions that are printed above them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

TEXTS = ["<s_title> two cats", "on the mat, a dog"]
_T5 = {"spiece.model": "t5.model"}
_OTHER = {"image_processor_type": "Pix2StructImageProcessor", "patch_size": {"height": 4, "width": 5}}
_FEW = {"max_patches": 12}


def _font() -> bytes:
    """A TrueType font, the one that Pillow brings along."""
    import PIL.ImageFont

    file = PIL.ImageFont.load_default(36).path
    file.seek(0)
    return file.read()


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]
    yield "text", processor(text=TEXTS)
    yield "bare", processor(text=TEXTS[0], add_special_tokens=False)
    yield "image", processor(images=pictures[0])
    yield "few", processor(images=pictures, return_tensors="np", **_FEW)
    yield "both", processor(images=pictures, text=TEXTS, padding=True, return_tensors="np", **_FEW)
    yield "told", processor(images=pictures, text=TEXTS, return_special_tokens_mask=True, **_FEW)
    yield "cut", processor(images=pictures, text=TEXTS, truncation=True, max_length=4, **_FEW)
    yield "bare-both", processor(images=pictures, text=TEXTS, add_special_tokens=False, **_FEW)
    grouped = {
        "text_kwargs": {"padding": "max_length", "max_length": 9},
        "images_kwargs": {"patch_size": {"height": 9, "width": 6}, **_FEW},
    }
    yield "grouped", processor(images=pictures, text=TEXTS, **grouped)


def _questions(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]

    def how(**more: Any) -> dict[str, Any]:
        return {"images_kwargs": {"font_bytes": _font(), **_FEW, **more}}

    yield "one", processor(images=pictures, text="Why?", **how())
    yield "each", processor(images=pictures, text=["Why?", "What is on the mat?"], return_tensors="np", **how())
    yield "headed", processor(images=pictures[0], text="Why?", **how(header_text="Which?"))


def _forms(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = [PICTURES[name] for name in ("wide", "tall", "small", "line")]
    few = {"max_num_patches": 12, "patch_size": 4}
    yield "both", processor(images=pictures, text=TEXTS, return_tensors="np", **few)
    yield "usual", processor(images=pictures[0], text=TEXTS[0])
    yield "text", processor(text=TEXTS, padding=True, max_length=9)
    yield "image", processor.image_processor(pictures, return_tensors="np")
    yield "plain", processor.image_processor(pictures[1:3], do_normalize=False, resample=3)


CASES = [
    Own(
        "siglip2",
        "Siglip2Processor",
        "GemmaTokenizerFast",
        {"tokenizer.model": "gemma.model"},
        {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 5, "max_num_patches": 30},
        calls=_forms,
    ),
    Own("pix2struct", "Pix2StructProcessor", "T5TokenizerFast", _T5, {**_OTHER, "max_patches": 7}, calls=_calls),
    Own("pix2struct-vqa", "Pix2StructProcessor", "T5TokenizerFast", _T5, {**_OTHER, "is_vqa": True}, calls=_questions),
]
