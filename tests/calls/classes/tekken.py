"""Calls of Mistral's tokenizer: rows of texts and of ids, cut and padded; tokens as texts."""

from typing import Any

from calls.case import plain
from text.case import Case
from text.corpus import STRINGS

NEEDS = "mistral_common"
CASE = Case("tekken", "MistralCommonTokenizer", {"tekken.json": "tekken.json"})
ONE, TWO = "A cheetah runs. <s> [INST]", "Größe 日本 😀"
CALLS: list[dict[str, Any]] = [
    {"text": ONE},
    {"text": ""},
    {"text": ONE, "return_special_tokens_mask": True, "return_length": True},
    {"text": [ONE, TWO], "padding": True},
    {"text": [ONE, TWO], "padding": True, "padding_side": "right", "return_tensors": "np", "return_length": True},
    {"text": [ONE, TWO], "padding": "max_length", "max_length": 40, "return_special_tokens_mask": True},
    {"text": [ONE, TWO, "a"], "truncation": True, "max_length": 8, "padding": True, "pad_to_multiple_of": 4},
    {"text": ONE, "truncation": True, "max_length": 5},
    {"text": ONE, "max_length": 5, "return_attention_mask": False},
    {"text": [5, 300, 1]},
    {"text": [[5, 300, 1], [7]], "padding": True, "return_special_tokens_mask": True},
    {"text": TWO, "add_special_tokens": False, "return_special_tokens_mask": True},
]


def observe(load) -> dict[str, Any]:
    """What either side makes of the calls."""
    made = load(CASE)
    found = {str(n): plain(made(**call)) for n, call in enumerate(CALLS)}
    made.truncation_side = "left"
    found |= {f"left/{n}": plain(made(**CALLS[n])) for n in (6, 7, 8)}
    found["tokens"] = [made.tokenize(text) for text in STRINGS[:60]]
    ids = made(TWO)["input_ids"]
    found["named"] = [made.convert_ids_to_tokens(ids), made.convert_ids_to_tokens(ids, skip_special_tokens=True)]
    found["one"] = [made.convert_ids_to_tokens(1), made.convert_ids_to_tokens(300)]
    # Special tokens between the bytes of a letter.
    parts = made("日", add_special_tokens=False)["input_ids"]
    rows = [[*parts[:1], 1, *parts[1:], 23], [2, 3, 4, *parts], []]
    found["text"] = [made.decode(row, skip_special_tokens=skip) for row in rows for skip in (False, True)]
    found["batch"] = made.batch_decode(rows)
    roles = ("bos", "eos", "unk", "pad")
    found["roles"] = [[getattr(made, f"{role}_token"), getattr(made, f"{role}_token_id")] for role in roles]
    found["vocab"] = [made.get_vocab(), made.vocab_size, len(made)]
    return found
