"""Classes of which there is a tokenizer.json alone: what surrounds texts, Cohere's templates, Parakeet's frames."""

from __future__ import annotations

import dataclasses
from typing import Any

from calls.case import plain
from text.case import cases

TEXTS = ["A cheetah runs.", "the quick fox"]
_CHAT = [{"role": "user", "content": "Why?"}]
_TEMPLATES = [
    {"name": "default", "template": "{% for m in messages %}{{ bos_token }}{{ m.content }}{% endfor %}"},
    {"name": "tool_use", "template": "{{ messages[0].content }} by {{ tools[0].name }}"},
    {"name": "rag", "template": "{{ messages[0].content }} in {{ documents[0].title }} ({{ citation_mode }})"},
]
_TOOLS, _DOCUMENTS = [{"name": "look_up"}], [{"title": "A book", "text": "of foxes"}]
CALLS: list[dict[str, Any]] = [
    {"text": TEXTS, "padding": True, "return_tensors": "np"},
    {"text": TEXTS[0], "text_pair": TEXTS[1], "return_special_tokens_mask": True, "return_offsets_mapping": True},
    {"text": TEXTS[0], "truncation": True, "max_length": 6, "add_special_tokens": False},
]


def observe(load) -> dict[str, Any]:
    """What either side says."""
    by_name = {case.name: case for case in cases()}
    found: dict[str, Any] = {}
    for name, pad in {"cohere": "<PAD>", "gpt-neox": "<|padding|>"}.items():
        for n, more in enumerate(({}, {"add_bos_token": True, "add_eos_token": True}, {"add_bos_token": False})):
            made = load(dataclasses.replace(by_name[name], settings={"pad_token": pad, **more}))
            found |= {f"{name}/{n}/{i}": plain(made(**call)) for i, call in enumerate(CALLS)}
        made.add_bos_token, made.add_eos_token = True, True
        found[f"{name}/switched"] = [plain(made(TEXTS[0])), made.add_bos_token, made.padding_side]
        made.add_bos_token = False
        found[f"{name}/back"] = plain(made(*TEXTS))
        made.eos_token = pad
        made.update_post_processor()
        found[f"{name}/other"] = plain(made(*TEXTS))
    cohere = load(dataclasses.replace(by_name["cohere"], settings={"chat_template": _TEMPLATES}))
    found["chat"] = [
        cohere.apply_chat_template(_CHAT, tokenize=False),
        cohere.apply_tool_use_template(_CHAT, _TOOLS, tokenize=False),
        cohere.apply_grounded_generation_template(_CHAT, _DOCUMENTS, tokenize=False),
        cohere.apply_grounded_generation_template(_CHAT, _DOCUMENTS, citation_mode="fast"),
    ]
    spaced = load(by_name["cohere-space"])
    found["words"] = plain(spaced([["A", "cheetah"], ["runs"]], is_split_into_words=True, padding=True))
    heard = load(by_name["parakeet"])
    blank = heard.pad_token_id
    rows = [[5, 5, blank, 5, 9, 9, 9, blank, blank, 20, 21], [blank, blank], [7, 7, 8, 0, 0]]
    found["heard"] = [heard.decode(row) for row in rows] + heard.batch_decode(rows, group_tokens=False)
    found["skipped"] = heard.batch_decode(rows, skip_special_tokens=True)
    return found
