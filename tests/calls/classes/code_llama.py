"""CodeLLaMA's texts with gaps."""

from typing import Any

from calls.case import plain
from text.case import Case

CASE = Case("code-llama", "CodeLlamaTokenizerFast", {"tokenizer.model": "llama.model"}, {"pad_token": "</s>"})
GAP = 'def fox(x):\n    """<FILL_ME>"""\n    return x\n'
CALLS: list[dict[str, Any]] = [
    {"text": GAP},
    {"text": GAP, "suffix_first": True, "return_offsets_mapping": True},
    {"text": GAP, "add_special_tokens": False, "return_token_type_ids": True},
    {"text": "the ", "suffix": " fox"},
    {"text": "the ", "suffix": " fox", "suffix_first": True, "padding": "max_length", "max_length": 24},
    {"text": "the ", "text_pair": " fox <FILL_ME>"},
    {"text": "the<FILL_ME>"},
    {"text": "<FILL_ME>the"},
    {"text": "", "suffix": "the"},
    {"text": GAP, "truncation": True, "max_length": 12},
    {"text": ["the one", "is"], "padding": True},
]


def observe(load) -> dict[str, Any]:
    """What either side makes of the calls."""
    found: dict[str, Any] = {}
    for name, settings in {"plain": {}, "ends": {"add_eos_token": True}, "bare": {"add_bos_token": False}}.items():
        tokenizer = load(CASE, **settings)
        found |= {f"{name}/{n}": plain(tokenizer(**call)) for n, call in enumerate(CALLS)}
        rows = [tokenizer(**call)["input_ids"] for call in CALLS[:9]]
        found[f"{name}/text"] = [tokenizer.decode(r, skip_special_tokens=skip) for r in rows for skip in (False, True)]
        found[f"{name}/tokens"] = tokenizer.tokenize(GAP)
        found[f"{name}/encode"] = [tokenizer.encode(GAP), tokenizer.encode("a", suffix="b")]
        roles = ("prefix", "middle", "suffix", "eot")
        found[f"{name}/roles"] = [[getattr(tokenizer, f"{r}_token"), getattr(tokenizer, f"{r}_id")] for r in roles]
        found[f"{name}/special"] = [*tokenizer.all_special_tokens, tokenizer.fill_token, tokenizer.padding_side]
    return found
