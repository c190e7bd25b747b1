"""Mllama's processor: images on canvases of tiles, and which tokens attend to them."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import Own

_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
TEXTS = ["<|image|><|image|> what is that?", "a cat <|image|> and <|image|><|image|> two", "<|endoftext|>it <|image|>"]
NAMES = ("wide", "tall", "fits", "small", "page", "large")


def _said(fields: Any) -> dict[str, Any]:
    """All fields but the pixels."""
    return {k: v for k, v in fields.items() if k != "pixel_values"}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    p = [PICTURES[name] for name in NAMES]
    nested = [p[:2], p[2:5], p[5:]]
    yield "nested", _said(processor(images=nested, text=TEXTS))
    yield "arrays", processor(images=nested, text=TEXTS, padding=True, return_tensors="np")
    yield "one", processor(images=p[3], text="on the <|image|> mat", return_tensors="np")
    yield "text", processor(text=["a cat", "two cats sat"], padding=True, return_tensors="np")
    yield "image", _said(processor(images=p[:2], return_tensors="np"))
    yield "long", _said(processor(images=nested, text=TEXTS, padding="max_length", max_length=30))
    for tiles in (1, 3, 5, 6):
        image = processor.image_processor(p, max_image_tiles=tiles, do_normalize=False, return_tensors="np")
        yield f"tiles{tiles}", image
    odd = [PICTURES["line"], np.zeros((900, 8, 3), np.uint8)]
    yield "odd", _said(processor.image_processor(odd, return_tensors="np"))
    ids = processor(images=p[:1], text="two <|image|> cats", return_tensors="np")["input_ids"]
    yield "decoded", processor.post_process_image_text_to_text(array(np.asarray(ids)))


def _of_parts(directory: pathlib.Path) -> Any:
    """The reference's, which itself reads tokenizer.json only."""
    import transformers

    image = transformers.MllamaImageProcessor.from_pretrained(directory)
    made = object.__new__(transformers.MllamaProcessor)
    made.check_argument_for_proper_class = lambda *args: None
    made.__init__(image, transformers.GPT2TokenizerFast.from_pretrained(directory))
    return made


CASES = [
    Own(
        "mllama",
        "MllamaProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "MllamaImageProcessor", "size": {"height": 12, "width": 12}},
        tokens={"additional_special_tokens": ["<|image|>", "<|python_tag|>"], "pad_token": "<pad>"},
        calls=_calls,
        build=_of_parts,
    ),
]
