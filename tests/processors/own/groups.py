"""Processors of Idefics2, Idefics3 and SmolVLM: images by text, cut into squares."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import Own

_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_TOKENS = {"additional_special_tokens": ["<fake_token_around_image>", "<image>"], "pad_token": "<pad>"}
TEXTS = ["<image> what is <image><image> that?", "a cat <image> and", "two cats sat on <image>\n<image>"]
NAMES = ("wide", "tall", "fits", "small", "page", "large")


def _pictures() -> list[Any]:
    import PIL.Image

    return [PIL.Image.fromarray(PICTURES[name]) for name in NAMES]


def _whole(fields: Any) -> dict[str, Any]:
    """The fields with whole numbers as mask: the reference's Idefics2 has floats where a group is filled up."""
    name = "pixel_attention_mask"
    return {k: [np.asarray(x, np.int64) for x in v] if k == name else v for k, v in fields.items()}


def _said(fields: Any) -> dict[str, Any]:
    """The fields of texts."""
    return {k: v for k, v in fields.items() if not k.startswith("pixel")}


def _calls(kinds: bool = True) -> Any:
    def calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
        p = _pictures()
        nested = [p[:3], p[3:4], p[4:]]
        yield "nested", _said(processor(images=nested, text=TEXTS))
        yield "arrays", _whole(processor(images=nested, text=TEXTS, padding=True, return_tensors="np"))
        yield "one", _whole(processor(images=p[0], text="on the <image> mat", return_tensors="np"))
        yield "text", processor(text=["a cat", "two cats sat"], padding=True, return_tensors="np")
        yield "image", _whole(processor.image_processor(p[:2], return_tensors="np"))
        yield "unpadded", _whole(processor.image_processor([p[:1], p[1:3]], do_pad=False))
        yield (
            "changed",
            _whole(processor.image_processor(p[0], do_resize=False, do_normalize=False, return_tensors="np")),
        )
        grouped = {"text_kwargs": {"padding": True}, "images_kwargs": {"do_image_splitting": False}}
        yield "grouped", _whole(processor(images=nested, text=TEXTS, **grouped))
        if kinds:
            yield "flat", _said(processor(images=p, text=TEXTS, padding=True))
            yield "longer", _said(processor(images=p[:1], text=TEXTS[1:2], image_seq_len=4))
        ids = processor(images=p[:1], text="two <image> cats", return_tensors="np")["input_ids"]
        yield "decoded", processor.post_process_image_text_to_text(array(np.asarray(ids)))

    return calls


def _with_kinds(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    yield from _calls()(processor, array)
    p = _pictures()
    yield "kinds", _said(processor(images=p, text=TEXTS, padding=True, return_mm_token_type_ids=True))
    yield "rows", _said(processor.image_processor([p[:3], p[3:]], return_row_col_info=True))


def _without_videos(directory: pathlib.Path) -> Any:
    """The reference's without what prepares videos, which needs torchvision: an empty one is enough to import it."""
    import sys
    import types

    import transformers

    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.v2")
    empty = {name: types.SimpleNamespace(functional=None) for name in names}
    sys.modules.update(empty)
    made = object.__new__(transformers.SmolVLMProcessor)
    for name in empty:
        del sys.modules[name]
    made.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    made.image_processor = transformers.SmolVLMImageProcessor.from_pretrained(directory)
    made.image_token, made.fake_image_token, made.global_image_token = "<image>", _TOKENS_AROUND, "<global-img>"
    made.image_token_id, made.image_seq_len, made.video_token = (
        made.tokenizer.convert_tokens_to_ids("<image>"),
        2,
        "<v>",
    )
    return made


_TOKENS_AROUND = _TOKENS["additional_special_tokens"][0]
_SQUARES = {"size": {"longest_edge": 24}, "max_image_size": {"longest_edge": 9}}
_PLACES = [f"<row_{i + 1}_col_{j + 1}>" for i in range(3) for j in range(3)] + ["<global-img>"]
CASES = [
    Own(
        name,
        "Idefics2Processor",
        "GPT2TokenizerFast",
        _GPT2,
        {
            "image_processor_type": "Idefics2ImageProcessor",
            "size": {"shortest_edge": 8, "longest_edge": 20},
            "do_image_splitting": splits,
        },
        {"image_seq_len": 3},
        _TOKENS,
        calls=_calls(),
    )
    for name, splits in (("idefics2", False), ("idefics2-split", True))
] + [
    Own(
        "idefics3",
        "Idefics3Processor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "Idefics3ImageProcessor", **_SQUARES},
        {"image_seq_len": 2},
        {**_TOKENS, "additional_special_tokens": [*_TOKENS["additional_special_tokens"], *_PLACES]},
        calls=_with_kinds,
    ),
    Own(
        "smolvlm",
        "SmolVLMProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "SmolVLMImageProcessor", **_SQUARES},
        {"image_seq_len": 2},
        {**_TOKENS, "additional_special_tokens": [*_TOKENS["additional_special_tokens"], *_PLACES]},
        calls=_calls(kinds=False),
        build=_without_videos,
    ),
]
