"""Tokenizers of translation models: source and target languages, on both sides."""

from __future__ import annotations

from typing import Any

from calls.case import plain
from text.case import cases

TEXT, TARGET = "Hello world, how are you?", "Bonjour le monde."
# case of tests/text: (source, target, another source)
LANGUAGES = {
    "mbart": ("en_XX", "ro_RO", "de_DE"),
    "mbart50": ("en_XX", "fr_XX", "hi_IN"),
    "nllb": ("eng_Latn", "fra_Latn", "deu_Latn"),
    "m2m100": ("en", "fr", "de"),
    "marian": (None, None, None),
}
PLAIN = ("t5", "xlnet", "fnet", "pegasus", "camembert")


def named(name: str):
    return next(case for case in cases() if case.name == name)


def observe(load) -> dict[str, Any]:
    """What either side says; `load(case, **settings)` makes a tokenizer."""
    found: dict[str, Any] = {}
    for name, (source, target, other) in LANGUAGES.items():
        spoken = {} if source is None else {"src_lang": source, "tgt_lang": target}
        tokenizer = load(named(name), **spoken)
        out = tokenizer([TEXT, TARGET], text_target=[TARGET, TEXT], padding=True)
        found[f"{name}/both"] = {k: plain(v) for k, v in out.items()}
        found[f"{name}/target"] = plain(tokenizer(text_target=TARGET)["input_ids"])
        found[f"{name}/again"] = plain(tokenizer(TEXT)["input_ids"])
        if other is not None:
            tokenizer.src_lang = other
            found[f"{name}/other"] = plain(tokenizer(TEXT, TARGET)["input_ids"])
    for name in PLAIN:
        tokenizer = load(named(name))
        out = tokenizer([TEXT, "a"], padding=True)
        found[f"{name}/padded"] = {k: plain(v) for k, v in out.items()}
        found[f"{name}/additional"] = sorted(map(str, tokenizer.additional_special_tokens))
    return found
