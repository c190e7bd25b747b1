"""What text generation is tested on: options by name, and prompts. Shared by the recorder and the tests."""

from __future__ import annotations

import numpy as np

MODELS = {  # name: model type, name of the case, head
    "gpt2": ("gpt2", 0, "GPT2LMHeadModel"),
    "llama": ("llama", 0, "LlamaForCausalLM"),
    "mistral": ("mistral", 0, "MistralForCausalLM"),  # sees 4 tokens back
    "t5": ("t5", 0, "T5ForConditionalGeneration"),
}
PAD = 2
EOS = (35, 54)
PROCESSORS = {
    "greedy": {},
    "repetition": {"repetition_penalty": 1.7},
    "ngram": {"no_repeat_ngram_size": 2},
    "encoder ngram": {"encoder_no_repeat_ngram_size": 1},
    "encoder repetition": {"encoder_repetition_penalty": 1.5},
    "bad words": {"bad_words_ids": [[65], [54], [6, 35]]},
    "bias": {"sequence_bias": [[[9], 3.0], [[6, 6], -4.0]]},
    "min new": {"min_new_tokens": 5},
    "forced end": {"forced_eos_token_id": 35},
    "suppress": {"suppress_tokens": [65, 54], "begin_suppress_tokens": [6]},
    "decay": {"exponential_decay_length_penalty": [2, 1.4]},
    "max length": {"max_new_tokens": None, "max_length": 14},
    "normalised": {"renormalize_logits": True, "repetition_penalty": 1.3},
}
BEAMS = {
    f"{beams} beams, length {penalty}, early {early}, {kept} kept": {
        "num_beams": beams,
        "length_penalty": penalty,
        "early_stopping": early,
        "num_return_sequences": kept,
    }
    for beams, kept, penalty, early in (
        (2, 1, 1.0, False),
        (2, 2, 2.0, "never"),
        (4, 1, 0.5, True),
        (4, 3, 1.0, True),
        (4, 3, 2.0, False),
        (4, 2, 0.5, "never"),
    )
}
BEAMS["beams with rules"] = {"num_beams": 3, "no_repeat_ngram_size": 2, "repetition_penalty": 1.4, "min_new_tokens": 4}
OPTIONS = {**PROCESSORS, **BEAMS}
FEW = ("greedy", "ngram", "beams with rules")
CASES = [(m, what) for m in MODELS for what in OPTIONS if m not in ("llama", "mistral") or what in FEW]


def prompts(unequal: bool) -> tuple[np.ndarray, np.ndarray]:
    """ids and mask [3, 6]; the rows differ in length, padded on the left, when `unequal`."""
    rng = np.random.default_rng(7)
    ids, mask = rng.integers(3, 60, (3, 6)).astype(np.int32), np.ones((3, 6), np.int32)
    if unequal:
        mask[1, :2] = mask[2, :4] = 0
        ids[mask == 0] = PAD
    return ids, mask


def unequal(name: str) -> bool:
    """The reference's rules count padding as tokens, so only calls without such rules get unequal prompts."""
    return name == "greedy" or (name in BEAMS and name != "beams with rules")


def options(name: str) -> dict:
    return {"max_new_tokens": 9, "pad_token_id": PAD, "eos_token_id": list(EOS), **OPTIONS[name]}
