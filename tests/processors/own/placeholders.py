"""Processors of LLaVA-NeXT, Pixtral and Qwen2-VL: images of many sizes, as many tokens as each takes."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import Own

_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_ASKED = [
    ("plain", {"padding": "longest"}),
    ("arrays", {"padding": True, "return_tensors": "np"}),
    ("kinds", {"padding": True, "return_mm_token_type_ids": True}),
    ("left", {"padding": True, "padding_side": "left", "return_tensors": "np"}),
]


def _calls(token: str) -> Any:
    """Images of one text and of another, which together are all pictures but the line."""

    def calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
        names = ("wide", "tall", "fits", "small", "page", "large")
        pictures = [PICTURES[name] for name in names]
        texts = [f"{token} what is {token} that, {token}?", f"a cat {token}{token} and {token}"]
        for name, options in _ASKED:
            fields = processor(images=pictures, text=texts, **options)
            yield name, {k: v for k, v in fields.items() if name == "arrays" or k != "pixel_values"}
        yield "one", processor(images=pictures[0], text=f"on the {token} mat", return_tensors="np")
        yield "text", processor(text=["a cat", "two cats sat"], padding=True, return_tensors="np")
        yield (
            "grouped",
            processor(
                images=pictures, text=texts, text_kwargs={"padding": True}, images_kwargs={"do_normalize": False}
            ),
        )
        ids = processor(images=pictures[:1], text=f"two {token} cats", return_tensors="np")["input_ids"]
        yield "decoded", processor.post_process_image_text_to_text(array(np.asarray(ids)))

    return calls


def _videos(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    yield from _calls("<|image_pad|>")(processor, array)
    frames = [[PICTURES["wide"]] * 3, [PICTURES["tall"]] * 2]
    yield "videos", processor.image_processor(images=None, videos=frames, return_tensors="np")
    image = processor.image_processor(images=PICTURES["page"], min_pixels=300, max_pixels=900, return_tensors="np")
    yield "limits", image


def _without_videos(kind: str) -> Any:
    """The reference's without what prepares videos, which needs torchvision."""

    def build(directory: pathlib.Path) -> Any:
        import transformers

        image = transformers.Qwen2VLImageProcessor.from_pretrained(directory)
        made = object.__new__(getattr(transformers, kind))
        made.tokenizer, made.image_processor = transformers.AutoTokenizer.from_pretrained(directory), image
        made.image_token, made.video_token = "<|image_pad|>", "<|video_pad|>"
        made.image_token_id, made.video_token_id = made.tokenizer.convert_tokens_to_ids(
            [made.image_token, made.video_token]
        )
        return made

    return build


def _onevision(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    yield from _calls("<image>")(processor, array)
    p = [PICTURES[name] for name in ("wide", "tall", "small", "page", "fits")]
    texts = ["<image> what is <image> that?", "a cat", "it is <image>", "<image><image>"]
    grouped = [p[:2], p[2:3], p[3:]]
    yield "groups", processor(images=grouped, text=texts, padding=True, return_tensors="np")
    yield "unpadded", processor.image_processor(grouped, do_pad=False)


def _of_parts(directory: pathlib.Path) -> Any:
    """The reference's without what prepares videos, which needs torchvision."""
    import transformers

    made = object.__new__(transformers.LlavaOnevisionProcessor)
    made.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    made.image_processor = transformers.LlavaOnevisionImageProcessor.from_pretrained(directory)
    made.image_token, made.image_token_id = "<image>", made.tokenizer.convert_tokens_to_ids("<image>")
    made.num_image_tokens, made.vision_feature_select_strategy = 9, "full"
    made.vision_aspect_ratio = "anyres_max_2"
    return made


def _tokens(*names: str) -> dict[str, Any]:
    return {"additional_special_tokens": list(names), "pad_token": "<pad>"}


_TILES = {
    "image_processor_type": "LlavaNextImageProcessor",
    "size": {"shortest_edge": 12},
    "crop_size": {"height": 12, "width": 12},
    "image_grid_pinpoints": [[12, 24], [24, 12], [24, 24], [36, 12], [12, 36]],
}
_QWEN = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "patch_size": 4,
    "min_pixels": 200,
    "max_pixels": 1500,
}
CASES = [
    Own(
        "llava-told",
        "LlavaProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 6},
            "crop_size": {"height": 6, "width": 6},
        },
        {"patch_size": 3, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
        _tokens("<image>"),
        calls=_calls("<image>"),
    ),
    Own(
        "llava-next",
        "LlavaNextProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        _TILES,
        {"patch_size": 3, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
        _tokens("<image>"),
        calls=_calls("<image>"),
    ),
    Own(
        "llava-next-full",
        "LlavaNextProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {**_TILES, "size": {"height": 12, "width": 12}},
        {"patch_size": 4, "vision_feature_select_strategy": "full", "image_token": "<img>"},
        _tokens("<img>"),
        calls=_calls("<img>"),
    ),
    Own(
        "pixtral",
        "PixtralProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "PixtralImageProcessor", "size": {"longest_edge": 40}, "patch_size": 4},
        {"patch_size": 4, "spatial_merge_size": 2},
        _tokens("[IMG]", "[IMG_BREAK]", "[IMG_END]"),
        calls=_calls("[IMG]"),
    ),
    Own(
        "qwen2_vl",
        "Qwen2VLProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        _QWEN,
        tokens=_tokens("<|image_pad|>", "<|video_pad|>"),
        calls=_videos,
        build=_without_videos("Qwen2VLProcessor"),
    ),
    Own(
        "qwen2_5_vl",
        "Qwen2_5_VLProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        _QWEN,
        tokens=_tokens("<|image_pad|>", "<|video_pad|>"),
        calls=_videos,
        build=_without_videos("Qwen2_5_VLProcessor"),
    ),
    Own(
        "llava-onevision",
        "LlavaOnevisionProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {
            "image_processor_type": "LlavaOnevisionImageProcessor",
            "size": {"height": 12, "width": 12},
            "image_grid_pinpoints": [[12, 24], [24, 12], [24, 24], [36, 12], [12, 36], [48, 48]],
        },
        {"num_image_tokens": 9, "vision_feature_select_strategy": "full", "vision_aspect_ratio": "anyres_max_2"},
        _tokens("<image>"),
        calls=_onevision,
        build=_of_parts,
    ),
]
