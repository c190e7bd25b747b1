"""KOSMOS-2's processor: images in front of texts, and boxes of phrases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

TEXT = "<grounding> An image of<phrase> a cat</phrase> and <phrase>two dogs </phrase>on a mat."
PLAIN = " the quick fox "
_FAIRSEQ = {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model"}
_OTHER = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 6},
    "crop_size": {"height": 5, "width": 6},
}
_BOX, _PAIR = (0.1, 0.26, 0.5, 0.999), (44, 863)
_FEW = {"num_image_tokens": 4}
_SAID = [
    "<image> x </image><grounding> An image of<phrase> a snowman </phrase><object><patch_index_0044><patch_index_0863>"
    "</object> by<phrase> a fire</phrase><object><patch_index_0005><patch_index_0911></delimiter_of_multi_objects/>"
    "<patch_index_0033><patch_index_0033></object>.",
    "<object><patch_index_0001><patch_index_0100></delimiter_of_multi_objects/><patch_index_0096><patch_index_0099>"
    "</object> nothing\n has a name <object><patch_index_0001></object>",
    "  no tags at all ",
    "<phrase>it</phrase><object><patch_index_0007><patch_index_0071></object>",
]


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    a, b = list(PICTURES.values())[:2]
    yield "text", processor(text=TEXT)
    yield "texts", processor(text=[TEXT, PLAIN], padding=True, return_tensors="np")
    yield "image", processor(images=[a, b], return_tensors="np")
    yield "one", processor(images=a, text=TEXT, **_FEW)
    yield "whole", processor(images=a, text=PLAIN, return_tensors="np")
    yield "padded-one", processor(images=a, text=PLAIN, padding="max_length", max_length=80, **_FEW)
    for name, boxes in {
        "box": [_BOX, None],
        "pair": [_PAIR, _BOX],
        "several": [[_BOX, _PAIR], []],
        "none": [],
    }.items():
        yield name, processor(images=a, text=TEXT, bboxes=boxes, return_tensors="np", **_FEW)
        yield f"{name}/text", processor(text=TEXT, bboxes=boxes)
        yield f"{name}/prepared", processor.preprocess_examples(TEXT, a, boxes, 3)
    both = {"images": [a, b], "text": [TEXT, PLAIN], "bboxes": [[_PAIR, None], None], **_FEW}
    for name, options in {
        "lists": {},
        "arrays": {"padding": True, "return_tensors": "np"},
        "long": {"padding": "max_length", "max_length": 70},
        "rounded": {"padding": True, "pad_to_multiple_of": 16},
        "cut": {"truncation": True, "max_length": 12},
        "ended": {"add_eos_token": True, "padding": True},
        "bare": {"add_special_tokens": False, "padding": True},
        "first": {"first_image_token_id": 9},
        "types": {"return_token_type_ids": True, "return_special_tokens_mask": True},
    }.items():
        yield name, processor(**both, **options)
    side, processor.tokenizer.padding_side = processor.tokenizer.padding_side, "left"
    yield "left", processor(**both, padding=True)
    processor.tokenizer.padding_side = side
    for i, said in enumerate(_SAID):
        yield f"said{i}", processor.post_process_generation(said)
        yield f"raw{i}", processor.post_process_generation(said, cleanup_and_extract=False)
    ids = array(processor(**both, padding=True, return_tensors="np")["input_ids"])
    yield "decoded", processor.post_process_image_text_to_text(ids)


CASES = [
    Own("kosmos-2", "Kosmos2Processor", "XLMRobertaTokenizerFast", _FAIRSEQ, _OTHER, calls=_calls),
]
