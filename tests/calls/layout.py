"""Words with boxes: tokenizers and processors of LayoutLMv2, LayoutLMv3, LayoutXLM and UDOP; BROS's processor."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
from images.case import PICTURES
from text.case import Case
from text.corpus import STRINGS

_ROBERTA = {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"}
_FAIRSEQ = {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model"}
_BERT = {"vocab.txt": "wordpiece.txt"}
V2, V3 = Case("v2", "LayoutLMv2TokenizerFast", _BERT), Case("v3", "LayoutLMv3TokenizerFast", _ROBERTA)
XLM = Case("xlm", "LayoutXLMTokenizerFast", _FAIRSEQ)
UDOP = Case("udop", "UdopTokenizerFast", {"spiece.model": "t5.model"})
BOXES = {"cls_token_box": [1, 2, 3, 4], "sep_token_box": [5, 6, 7, 8], "pad_token_box": [9, 9, 9, 9]}
OTHERS = [
    Case("v2-cased", V2.reference, _BERT, {"do_lower_case": False, "only_label_first_subword": False}),
    Case("v3-boxes", V3.reference, _ROBERTA, {**BOXES, "pad_token_label": -1, "only_label_first_subword": False}),
    Case("v3-left", V3.reference, _ROBERTA, {"padding_side": "left", "add_prefix_space": False}),
    Case("udop-all", UDOP.reference, UDOP.files, {"only_label_first_subword": False, "legacy": False}),
]
ALL = [V2, V3, XLM, UDOP, *OTHERS]


def box(i: int) -> list[int]:
    return [i, i + 1, i + 20, i + 11]


WORDS = [
    ["Invoice", "no.", "1993", "antidisestablishmentarianism", "naïve", "日本語", "", " ", "$5.00"],
    ["The", "quick", "brown", "fox", "is", "here,", "they", "said."],
]
PLACES = [[box(10 * j + i) for i in range(len(page))] for j, page in enumerate(WORDS)]
LABELS = [[3 * j + i for i in range(len(page))] for j, page in enumerate(WORDS)]
ASKED = ["What is the  total?", "Who?"]
PAGE: dict[str, Any] = {"text": WORDS[0], "boxes": PLACES[0]}
PAGES: dict[str, Any] = {"text": WORDS, "boxes": PLACES}
QUESTION: dict[str, Any] = {"text": ASKED[0], "text_pair": WORDS[0], "boxes": PLACES[0]}
QUESTIONS: dict[str, Any] = {"text": ASKED, "text_pair": WORDS, "boxes": PLACES}
_OVER: dict[str, Any] = {"truncation": True, "max_length": 12, "stride": 3, "return_overflowing_tokens": True}

CALLS: list[dict[str, Any]] = [
    PAGE,
    {**PAGE, "word_labels": LABELS[0]},
    {**PAGE, "word_labels": LABELS[0], "return_offsets_mapping": True, "return_special_tokens_mask": True},
    {**PAGE, "add_special_tokens": False, "return_token_type_ids": True, "return_length": True},
    {**PAGE, "max_length": 7},
    {**PAGE, "word_labels": LABELS[0], "padding": "max_length", "max_length": 80},
    {**PAGE, **_OVER, "word_labels": LABELS[0]},
    {"text": [], "boxes": []},
    {**PAGES, "padding": True, "return_tensors": "np"},
    {**PAGES, "word_labels": LABELS, "padding": True, "pad_to_multiple_of": 8},
    {**PAGES, "word_labels": LABELS, "padding": True, "padding_side": "left", "return_attention_mask": False},
    {**PAGES, **_OVER, "word_labels": LABELS, "padding": True, "return_tensors": "np"},
    QUESTION,
    {**QUESTION, "truncation": "only_second", "max_length": 24, "return_token_type_ids": True},
    {**QUESTIONS, "padding": True, "return_tensors": "np"},
    {**QUESTIONS, **_OVER, "truncation": "only_second", "max_length": 26, "padding": "max_length"},
]
TARGETS: list[dict[str, Any]] = [
    {"text_target": "the answer"},
    {"text_target": ["the answer", "no"], "padding": True},
    {**PAGE, "text_target": "the answer"},
]


def observe(load) -> dict[str, Any]:
    """What either side makes of the calls; `load(case)` gives a tokenizer."""
    found: dict[str, Any] = {}
    for case in ALL:
        tokenizer = load(case)
        calls = CALLS + TARGETS * (case in (UDOP, OTHERS[-1]))
        found |= {f"{case.name}/{n}": plain(tokenizer(**call)) for n, call in enumerate(calls)}
        rows = [tokenizer(text=w, boxes=b, word_labels=x) for w, b, x in zip(WORDS, PLACES, LABELS, strict=True)]
        found |= {f"{case.name}/{side}": plain(tokenizer.pad(rows, padding_side=side)) for side in ("left", "right")}
        found[f"{case.name}/text"] = tokenizer.decode(tokenizer(**PAGE)["input_ids"])
        found[f"{case.name}/tokens"] = tokenizer.tokenize("The quick  antidisestablishmentarianism.")
        found[f"{case.name}/special"] = dict(tokenizer.special_tokens_map)
        found[f"{case.name}/size"] = [len(tokenizer), tokenizer.model_input_names]
    return found


def corpus(load) -> dict[str, Any]:
    """Ids, boxes and labels of awkward texts, their words parted by spaces; boxes by the place of their word."""
    found: dict[str, Any] = {}
    for case in (V2, V3, XLM, UDOP):
        tokenizer = load(case)
        rows: dict[str, list] = {"ids": [], "boxes": [], "labels": [], "offsets": []}
        for text in STRINGS:
            words = text.split(" ")[:40]
            given = {
                "text": words,
                "boxes": [[i] * 4 for i in range(len(words))],
                "word_labels": list(range(len(words))),
            }
            out = tokenizer(**given, return_offsets_mapping=True)
            rows["ids"].append(list(out["input_ids"]))
            rows["boxes"].append([b[0] for b in out["bbox"]])
            rows["labels"].append(list(out["labels"]))
            rows["offsets"].append([int(x) for pair in out["offset_mapping"] for x in pair])
        found |= {f"{case.name}_{name}": held for name, held in rows.items()}
    return found


def plain(fields: Any) -> dict[str, Any]:
    return json.loads(json.dumps({n: v if isinstance(v, list) else np.asarray(v).tolist() for n, v in fields.items()}))


# ------------------------------------------------------------------------------------------------ processors

READ = [(["Total", "is", "1993"], [box(1), box(2), box(3)]), (["quick", "fox."], [box(7), box(8)])]
_V3 = {"image_processor_type": "LayoutLMv3ImageProcessor"}
_V2 = {"image_processor_type": "LayoutLMv2ImageProcessor"}
PROCESSORS = [
    (V2, "LayoutLMv2Processor", _V2),
    (V3, "LayoutLMv3Processor", _V3),
    (XLM, "LayoutXLMProcessor", _V2),
    (UDOP, "UdopProcessor", _V3),
]


def write(case: Case, name: str, other: dict[str, Any], ocr: bool, directory: pathlib.Path) -> pathlib.Path:
    """A processor's files in `directory`."""
    case.write(directory)
    held = {**other, "size": {"height": 8, "width": 8}, "apply_ocr": ocr, "processor_class": name}
    (directory / "preprocessor_config.json").write_text(json.dumps(held))
    (directory / "processor_config.json").write_text(json.dumps({"processor_class": name}))
    return directory


def observe_processors(load) -> dict[str, Any]:
    """What either side makes of pages; `load(case, name, other, ocr)` gives a processor which reads `READ`."""
    images = [PICTURES["wide"], PICTURES["tall"]]
    over = {**_OVER, "max_length": 9, "padding": "max_length", "return_offsets_mapping": True}
    # (is OCR on, the call)
    calls: list[tuple[bool, dict[str, Any]]] = [
        (False, {"images": images[0], **PAGE, "word_labels": LABELS[0]}),
        (False, {"images": images, **PAGES, "padding": True, "return_tensors": "np"}),
        (False, {"images": images[0], **QUESTION}),
        (False, {"images": images, **PAGES, **over}),
        (False, {"images": images, **PAGES, **over, "return_tensors": "np"}),
        (True, {"images": images[0]}),
        (True, {"images": images[0], "text": ASKED[0], "return_tensors": "np"}),
        (True, {"images": images, "text": ASKED, "padding": True, "return_tensors": "np"}),
    ]
    found: dict[str, Any] = {}
    for case, name, other in PROCESSORS:
        made = {ocr: load(case, name, other, ocr) for ocr in (False, True)}
        for n, (ocr, call) in enumerate(calls):
            out = made[ocr](**call)
            pixels = "image" if "image" in out else "pixel_values"
            found[f"{name}/{n}"] = plain({k: v for k, v in out.items() if k != pixels})
            found[f"{name}/{n}"][pixels] = [summary(x) for x in out[pixels]]
        if case is UDOP:
            found[f"{name}/target"] = plain(made[False](text_target=["the answer", "no"], padding=True))
    return found


def summary(x: Any) -> list[Any]:
    x = np.asarray(x, np.float64)
    return [*x.shape, round(float(x.sum()), 4), round(float((x * np.arange(x.size).reshape(x.shape)).sum()), 2)]
