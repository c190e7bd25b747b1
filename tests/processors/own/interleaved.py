"""IDEFICS' processor: prompts of texts and images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own.case import Own

_LLAMA = {"tokenizer.model": "llama.model"}
_TOKENS = ["<fake_token_around_image>", "<image>"]
_OTHER = {"image_processor_type": "IdeficsImageProcessor", "image_size": 5}
TEXTS = ["User: what is it?", " Assistant: a cat </s> and <image> ", "no://image at all"]


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    import PIL.Image

    kind = {} if array.__module__ == "torch" else {"return_tensors": "np"}  # the reference makes torch's arrays only
    a, b, c = (PIL.Image.fromarray(x) for x in list(PICTURES.values())[:3])
    prompts = [[TEXTS[0], a, TEXTS[1], TEXTS[2]], [b, c, TEXTS[0], TEXTS[1], a]]
    yield "one", processor(text=prompts[0], **kind)
    yield "several", processor(text=prompts, **kind)
    yield "texts", processor(text=[TEXTS[:2], TEXTS[2:]], **kind)
    yield "flat", processor(text=TEXTS, **kind)
    yield "ended", processor(text=prompts, add_eos_token=True, add_end_of_utterance_token=False, **kind)
    yield "apart", processor(text=prompts, add_end_of_utterance_token=True, **kind)
    yield "cut", processor(text=prompts, truncation=True, max_length=12, **kind)
    yield "long", processor(text=prompts, padding="max_length", max_length=150, **kind)
    yield "special", processor(text=prompts[:1], add_special_tokens=True, **kind)
    yield "beside", processor([a, b], TEXTS[:2], **kind)
    yield "single", processor(a, TEXTS[0], **kind)
    yield "nested", processor(images=[[a, b], [c]], text=TEXTS[:2], **kind)
    grouped = {"text_kwargs": {"add_eos_token": True}, "images_kwargs": {"image_size": 4}}
    yield "grouped", processor(text=prompts, **grouped)
    ids = processor(text=prompts[1], **kind)["input_ids"]
    yield "decoded", processor.batch_decode(ids, skip_special_tokens=True)


CASES = [
    Own(
        name,
        "IdeficsProcessor",
        "LlamaTokenizerFast",
        _LLAMA,
        _OTHER,
        tokens={"additional_special_tokens": tokens, "pad_token": "<unk>", "padding_side": side},
        calls=_calls,
    )
    for name, tokens, side in (
        ("idefics", _TOKENS, "left"),
        ("idefics-instruct", [*_TOKENS, "<end_of_utterance>"], "right"),
    )
]
