"""SigLIP's text without punctuation."""

from typing import Any

from calls.case import plain
from text.case import Case

CASE = Case("siglip", "SiglipTokenizer", {"spiece.model": "t5.model"})
TEXTS = [
    "A fox, isn't it?",
    " two\n\nlines... ",
    "keep {} but not { or }",
    "…„Größe“ #1!",
    "",
    "</s> a. </s>",
    "▁a.▁b",
]
CALLS: list[dict[str, Any]] = [
    {"text": TEXTS, "padding": "max_length", "max_length": 16, "truncation": True, "return_attention_mask": True},
    {"text": TEXTS[0], "text_pair": TEXTS[1], "return_special_tokens_mask": True},
    {"text": ["a fox", "b."], "padding": True, "return_token_type_ids": True},
]


def observe(load) -> dict[str, Any]:
    """What either side makes of the texts."""
    tokenizer = load(CASE)
    found: dict[str, Any] = {f"calls/{n}": plain(tokenizer(**call)) for n, call in enumerate(CALLS)}
    found["bare"] = [tokenizer.remove_punctuation(text) for text in TEXTS]
    found["canonical"] = [tokenizer.canonicalize_text(text) for text in TEXTS]
    found["kept"] = [tokenizer.canonicalize_text(text, keep_punctuation_exact_string="{}") for text in TEXTS]
    found["tokens"] = [tokenizer.tokenize(text) for text in TEXTS]
    found["longest"] = tokenizer.model_max_length
    return found
