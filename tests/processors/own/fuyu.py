"""Fuyu's processor: images among ids, and places in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import tokenizers
from images.case import PICTURES
from processors.own.case import Own

_TAGS = [f"<0x0{k}>" for k in range(5)]
_LETTERS = [chr(c) for c in range(33, 127)]
_OTHER = {
    "image_processor_type": "FuyuImageProcessor",
    "size": {"height": 60, "width": 80},
    "patch_size": {"height": 12, "width": 10},
}
TEXTS = [
    "what is it?",
    "is <box>10, 20, 31, 40</box> a cat at <point>50, 61</point>?",
    "<point>2,3.5</point>and <box> 1, 2,3 , 4</box>",
]


def _tokenizer() -> dict[str, Any]:
    """A small tokenizer.json: pieces of a letter, and those that Fuyu needs, numbers among them."""
    pieces = ["<unk>", "|ENDOFTEXT|", "<s>", "</s>", "|SPEAKER|", "|NEWLINE|", *_TAGS, "▁", "▁cat", *_LETTERS]
    pieces += [str(n) for n in range(10, 200)]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram([(p, -len(pieces) + i) for i, p in enumerate(pieces)], 0))
    steps = tokenizers.normalizers
    made.normalizer = steps.Sequence([steps.Prepend("▁"), steps.Replace(" ", "▁")])
    made.decoder = tokenizers.decoders.Sequence(
        [tokenizers.decoders.Replace("▁", " "), tokenizers.decoders.Fuse(), tokenizers.decoders.Strip(" ", 1, 0)]
    )
    return json.loads(made.to_str())


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    a, b, c = list(PICTURES.values())[:3]
    yield "text", processor(text=TEXTS[0])
    yield "texts", processor(text=TEXTS[1])
    yield "image", processor(images=a)
    yield "one", processor(images=b, text=TEXTS[1])
    several = processor(images=[a, b, c], text=TEXTS, return_mm_token_type_ids=True)
    yield "several", {k: v for k, v in several.items() if k != "image_patches"}
    yield "patches", [x[:, :, ::23] for x in several["image_patches"]]
    yield "changed", processor(images=a, text=TEXTS[0], images_kwargs={"size": {"height": 24, "width": 30}})
    vocabulary = processor.tokenizer.get_vocab()
    said = ["▁", "<0x00>", "10", "21", "0", "199", "<0x01>", "a", "<0x02>", "33", "7", "<0x03>", "<0x04>", "c", "</s>"]
    rows = array(
        [[vocabulary[token] for token in said], [vocabulary[token] for token in ["b", *said[:7], *said[-7:]]]]
    )
    yield "words", processor.post_process_box_coordinates(rows)
    sizes = array([[61, 117], [70, 91]])
    found = processor.post_process_box_coordinates(rows, target_sizes=sizes)
    yield "sized", found
    yield "said", processor.batch_decode(found)
    yield "answers", processor.post_process_image_text_to_text(rows)
    yield "raw", processor.post_process_image_text_to_text(rows, skip_special_tokens=False)


CASES = [
    Own(
        "fuyu",
        "FuyuProcessor",
        "LlamaTokenizerFast",
        {},
        _OTHER,
        tokens={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": False},
        calls=_calls,
        more={"tokenizer.json": _tokenizer()},
    ),
]
