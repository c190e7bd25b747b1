"""Processors of InternVL and Aya Vision: images in squares."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_MARKS = {
    "context_image_token": "<IMG_CONTEXT>",
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "video_token": "<video>",
}
_OTHER = {"image_processor_type": "GotOcr2ImageProcessor", "size": {"height": 12, "width": 10}, "max_patches": 6}
_PLACES = ["TILE", "TILE_GLOBAL", "<|IMG_PATCH|>", "<|START_OF_IMG|>", "<|END_OF_IMG|>", "<image>"]


def _calls(token: str) -> Any:
    def calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
        pictures = [PICTURES[name] for name in ("wide", "tall", "fits", "small", "page", "large")]
        texts = [f"{token} what is {token} that, {token}?", f"a cat {token}{token} and {token}"]
        yield "arrays", processor(images=pictures, text=texts, padding=True, return_tensors="np")
        said = processor(images=pictures, text=texts, padding=True, return_mm_token_type_ids=True)
        yield "kinds", {k: v for k, v in said.items() if k != "pixel_values"}
        yield "whole", processor(images=pictures[0], text=f"on {token}", crop_to_patches=False, return_tensors="np")
        yield "few", processor(images=pictures[0], text=f"on {token}", min_patches=2, max_patches=3)
        yield "text", processor(text=["a cat", "two cats sat"], padding=True, return_tensors="np")
        yield "image", processor.image_processor(pictures[:2], return_tensors="np")

    return calls


def _without_videos(directory: pathlib.Path) -> Any:
    """The reference's without what prepares videos, which needs torchvision."""
    import transformers

    made = object.__new__(transformers.InternVLProcessor)
    made.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    made.image_processor = transformers.GotOcr2ImageProcessor.from_pretrained(directory)
    made.image_seq_length, made.image_token, made.video_token = 3, "<IMG_CONTEXT>", "<video>"
    made.start_image_token, made.end_image_token = "<img>", "</img>"
    made.image_ids = made.tokenizer.convert_tokens_to_ids(["<IMG_CONTEXT>", "<img>", "</img>"])
    made.image_token_id = made.image_ids[0]
    return made


CASES = [
    Own(
        "internvl",
        "InternVLProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        _OTHER,
        {"image_seq_length": 3},
        {"extra_special_tokens": _MARKS, "pad_token": "<pad>"},
        calls=_calls("<IMG_CONTEXT>"),
        build=_without_videos,
    ),
    Own(
        "aya_vision",
        "AyaVisionProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        _OTHER,
        {"patch_size": 2, "downsample_factor": 2, "img_size": 9},
        {"additional_special_tokens": _PLACES, "pad_token": "<pad>"},
        calls=_calls("<image>"),
    ),
]
