"""Conversations with images, as processors of LLaVA, Idefics3 and Gemma 3 read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.case import PICTURES
from processors.own import groups, placeholders, soft_tokens
from processors.own.case import Own

TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: "
    "{% for part in m.content %}{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}\n"
    "{% endfor %}{{ mood }}{% if add_generation_prompt %}assistant:{% endif %}"
)


def _said(role: str, *parts: Any) -> dict[str, Any]:
    """A message of texts and pictures."""
    kinds = [
        {"type": "text", "text": one} if isinstance(one, str) else {"type": "image", "image": one} for one in parts
    ]
    return {"role": role, "content": kinds}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    a, b, c = (PICTURES[name] for name in ("wide", "tall", "fits"))
    chat = [_said("user", a, "what is that?"), _said("assistant", "a cat"), _said("user", "and ", b, " this?")]
    other = [_said("user", "it is ", c)]
    apply = processor.apply_chat_template
    yield "text", apply(chat)
    yield "open", apply(chat, add_generation_prompt=True, mood="happy ")
    yield "texts", apply([chat, other])
    yield "goes-on", apply(chat[:2], continue_final_message=True)
    yield "ids", apply(chat, tokenize=True, add_generation_prompt=True)
    whole = {"tokenize": True, "return_dict": True, "return_tensors": "np"}
    yield "fields", apply(chat, add_generation_prompt=True, **whole)
    yield "several", apply([chat, other], padding=True, **whole)
    yield "changed", apply(chat, do_rescale=False, tokenize=True, return_dict=True)
    yield "words", apply([_said("user", "a cat")], tokenize=True, return_dict=True)
    yield "given", apply(chat, chat_template="{% for m in messages %}{{ m.role }} {% endfor %}")


def _case(of: Own, mark: str) -> Own:
    """A case of another family, with conversations."""
    more = {"chat_template.json": {"chat_template": TEMPLATE.replace("IMAGE", mark)}}
    parts = {k: getattr(of, k) for k in ("reference", "tokenizer", "files", "other", "settings", "tokens", "build")}
    return Own(f"chat-{of.name}", **parts, calls=_calls, more=more)


_ALL = {case.name: case for family in (groups, placeholders, soft_tokens) for case in family.CASES}
CASES = [
    _case(_ALL["llava-next"], "<image>"),
    _case(_ALL["idefics3"], "<image>"),
    _case(_ALL["gemma3"], "<start_of_image>"),
    Own(
        "chat-llava",
        "LlavaProcessor",
        "GPT2TokenizerFast",
        _ALL["llava-next"].files,
        {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 6},
            "crop_size": {"height": 6, "width": 6},
        },
        {"patch_size": 3, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
        _ALL["llava-next"].tokens,
        calls=_calls,
        more={"chat_template.json": {"chat_template": TEMPLATE.replace("IMAGE", "<image>")}},
    ),
]
