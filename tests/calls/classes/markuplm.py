"""MarkupLM's nodes with their xpaths, its web pages, and its processor's calls."""

from __future__ import annotations

from typing import Any

from calls.case import plain
from processors.case import Case as Both
from text.case import Case

TAGS = {name: i for i, name in enumerate(["a", "body", "br", "div", "head", "html", "li", "p", "title", "ul"])}
_FILES = {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"}
_SETTINGS = {"tags_dict": TAGS, "max_depth": 6, "max_width": 3, "pad_width": 4}
CASE = Case("markuplm", "MarkupLMTokenizerFast", _FILES, _SETTINGS)
EXTRACTOR = {"feature_extractor_type": "MarkupLMFeatureExtractor"}
PROCESSOR = Both("markuplm-both", "MarkupLMProcessor", CASE.reference, _FILES, EXTRACTOR, tokens=_SETTINGS)

PAGES = [
    "<html><head><title>The fox &amp; the dog</title></head><body><p>One<p>two<br>three</body></html>",
    """<!DOCTYPE html>top<div><!-- a note --><ul><li>1</li><li>2 <a href="x">link</a>!</li> <li> </li></ul>
       <script>var x = "<p>";</script><custom-tag>&amp;lt;b&amp;gt; naïve</custom-tag></div><div>end""",
    "<div>" * 8 + "deep" + "</div>" * 8 + "</p></div>after<b><i>wrongly</b> nested</i>",
    "no element at all",
]
NODES = [["Hello", "the quick fox", ""], ["naïve Ünïcode isn't", "antidisestablishmentarianism"]]
PATHS = [["/html/body/div[2]/p", "/html/body/unknown[7]", "/"], ["html/ul/li[3]", "/a/a/a/a/a/a[2]/a[3]/a"]]
LABELS = [[1, 2, 3], [4, 5]]
_BATCH: dict[str, Any] = {"text": NODES, "xpaths": PATHS}
_OVER: dict[str, Any] = {"truncation": True, "return_overflowing_tokens": True}
CALLS: list[dict[str, Any]] = [
    {"text": NODES[0], "xpaths": PATHS[0]},
    {"text": NODES[1], "xpaths": PATHS[1], "node_labels": LABELS[1], "return_offsets_mapping": True},
    {"text": "What is it?", "text_pair": NODES[0], "xpaths": PATHS[0], "return_token_type_ids": True},
    {**_BATCH, "padding": True, "return_tensors": "np"},
    {**_BATCH, "node_labels": LABELS, "padding": "max_length", "max_length": 40, "padding_side": "left"},
    {**_BATCH, "add_special_tokens": False, "return_length": True, "return_special_tokens_mask": True},
    {**_BATCH, **_OVER, "max_length": 8, "stride": 2, "node_labels": LABELS},
    {"text": NODES[1], "xpaths": PATHS[1], **_OVER, "max_length": 8},
    {"text": ["Why?", "Who is it?"], "text_pair": NODES, "xpaths": PATHS, "padding": True, "return_tensors": "np"},
    {"text": "Why?", "text_pair": NODES[1], "xpaths": PATHS[1], "truncation": "only_second", "max_length": 12},
]
QUESTIONS = ["Why?", "Who is it?", "How deep?"]


def observe(load) -> dict[str, Any]:
    """What either side says."""
    found: dict[str, Any] = {}
    for name, settings in {"first": {}, "every": {"only_label_first_subword": False, "pad_token_label": -1}}.items():
        tokenizer = load(CASE, **settings)
        found |= {f"{name}/{n}": plain(tokenizer(**call)) for n, call in enumerate(CALLS)}
        rows = [dict(tokenizer(text, xpaths=xpaths)) for text, xpaths in zip(NODES, PATHS, strict=True)]
        found |= {f"{name}/{side}": plain(tokenizer.pad(rows, padding_side=side)) for side in ("left", "right")}
    found["paths"] = [plain(tokenizer.get_xpath_seq(path)) for page in PATHS for path in page]
    found["tokens"] = [tokenizer.tokenize("the quick fox"), tokenizer.encode(NODES[0], xpaths=PATHS[0])]
    both = load(PROCESSOR)
    found |= {f"page/{n}": plain(both.feature_extractor(page)) for n, page in enumerate(PAGES)}
    found["pages"] = plain(both.feature_extractor(PAGES))
    found["read"] = plain(both(PAGES[:3], padding=True, truncation=True, max_length=30, return_tensors="np"))
    found["one"] = plain(both(PAGES[1]))
    found["asked"] = plain(both(PAGES[0], questions="What?"))
    found["each"] = plain(both(PAGES[:3], questions=QUESTIONS, padding=True))
    both.parse_html = False
    found["given"] = plain(both(nodes=NODES, xpaths=PATHS, node_labels=LABELS, padding=True))
    found["given-asked"] = plain(both(nodes=NODES[0], xpaths=PATHS[0], questions="What?"))
    return found
