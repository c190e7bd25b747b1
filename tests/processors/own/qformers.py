"""InstructBLIP's processors: two tokenizers, one for the Q-Former."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

TEXTS = ["what is on the mat?", "a picture of two cats, and of a dog"]
_BERT = {"vocab.txt": "wordpiece.txt"}
_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_LLAMA = {"tokenizer.model": "llama.model"}
_PIXELS = {"size": {"height": 4, "width": 5}}
_QFORMER = {"qformer_tokenizer": ("BertTokenizerFast", _BERT)}
_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("plain", {}),
    ("arrays", {"padding": True, "return_tensors": "np"}),
    ("left", {"padding": True, "padding_side": "left"}),
    ("cut", {"padding": "max_length", "truncation": True, "max_length": 11, "return_tensors": "np"}),
    ("short", {"truncation": True, "max_length": 9}),
    ("bare", {"add_special_tokens": False, "padding": "longest"}),
    ("types", {"return_token_type_ids": True}),
    ("told", {"return_special_tokens_mask": True, "return_offsets_mapping": True}),
    ("rounded", {"padding": True, "pad_to_multiple_of": 8}),
]


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]
    for name, options in _CALLS:
        yield name, processor(images=pictures, text=TEXTS, **options)
        yield f"{name}/text", processor(text=TEXTS, **options)
    yield "one", processor(images=pictures[0], text=TEXTS[0], return_tensors="np")
    yield "image", processor(images=pictures[0], return_tensors="np")
    grouped = {"text_kwargs": {"padding": True}, "images_kwargs": {"do_normalize": False}}
    yield "grouped", processor(images=pictures, text=TEXTS, **grouped)
    ids = processor(images=pictures[0], text=TEXTS[1])["input_ids"]
    yield "decoded", processor.batch_decode(ids, skip_special_tokens=True)


def _videos(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    frames = [list(PICTURES.values())[:1] * 4, list(PICTURES.values())[1:2] * 4]
    for name, options in _CALLS:
        if name != "arrays":
            yield name, processor(images=frames, text=TEXTS, **options)
        yield f"{name}/text", processor(text=TEXTS, **options)
    yield "one", processor(images=frames[0], text=TEXTS[0], return_tensors="np")
    yield "video", processor(images=frames[0], return_tensors="np")


def _of_parts(directory: pathlib.Path) -> Any:
    """The reference's; itself it reads no older files of a tokenizer in a directory below."""
    import transformers

    image = transformers.BlipImageProcessor.from_pretrained(directory)
    tokenizers = [transformers.AutoTokenizer.from_pretrained(directory / name) for name in ("", *_QFORMER)]
    return transformers.InstructBlipProcessor(image, *tokenizers, num_query_tokens=3)


def _of_videos(directory: pathlib.Path) -> Any:
    """The reference's, with its older image processor: its video processor needs torchvision and resizes by it."""
    import transformers

    made = object.__new__(transformers.InstructBlipVideoProcessor)
    made.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    made.qformer_tokenizer = transformers.AutoTokenizer.from_pretrained(directory / "qformer_tokenizer")
    made.video_processor = transformers.InstructBlipVideoImageProcessor.from_pretrained(directory)
    made.num_query_tokens = 2
    made.video_token = transformers.AddedToken("<video>", normalized=False, special=True)
    made.tokenizer.add_tokens([made.video_token], special_tokens=True)
    return made


CASES = [
    Own(
        name,
        "InstructBlipProcessor",
        tokenizer,
        files,
        {"image_processor_type": "BlipImageProcessor", **_PIXELS},
        {"num_query_tokens": 3},
        {"pad_token": "<pad>"},
        calls=_calls,
        folders=_QFORMER,
        build=_of_parts,
    )
    for name, tokenizer, files in (
        ("instructblip", "GPT2TokenizerFast", _GPT2),
        ("instructblip-llama", "LlamaTokenizerFast", _LLAMA),
    )
] + [
    Own(
        "instructblipvideo",
        "InstructBlipVideoProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "InstructBlipVideoImageProcessor", **_PIXELS},
        {"num_query_tokens": 2},
        {"pad_token": "<pad>"},
        calls=_videos,
        folders=_QFORMER,
        build=_of_videos,
    )
]
