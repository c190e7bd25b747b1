"""What the ways of writing other than greedy and beams are tested on. Shared by the recorder and the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from support.case import load_cases
from support.writing import EOS, PAD

DEEP = {"gpt2": {"n_layer": 6}, "llama": {"num_hidden_layers": 6}}
CROSS = {"gpt2": {"add_cross_attention": True}}
# Drafts: the first layers of the model itself, which agree with it now and then, and one of other sizes.
SHALLOW = {
    "gpt2": {"n_layer": 2},
    "llama": {"num_hidden_layers": 2},
    "mistral": {"num_hidden_layers": 2},
    "t5": {"num_layers": 2},
}
OTHER = {"gpt2": {"n_layer": 1, "n_embd": 16, "n_head": 2}}
HEAD = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "t5": "T5ForConditionalGeneration",
}
KINDS: dict[str, dict] = {"": {}, "deep ": DEEP, "shallow ": SHALLOW, "other ": OTHER, "cross ": CROSS}
NEW = 9
REPORT = dict.fromkeys(
    ("return_dict_in_generate", "output_scores", "output_logits", "output_hidden_states", "output_attentions"), True
)


def describe(name: str) -> tuple[str, dict[str, Any], str]:
    """Model type, values of its config, and head of a model by name, e.g. "deep gpt2"."""
    model_type = name.split()[-1]
    config = {**load_cases(model_type).CASES[0].config, **KINDS[name[: -len(model_type)]].get(model_type, {})}
    return model_type, config, HEAD[model_type]


def options(**more: Any) -> dict[str, Any]:
    """Those of a call; `more` wins over the common ones."""
    return {"max_new_tokens": NEW, "pad_token_id": PAD, "eos_token_id": list(EOS), **more}


def prompts(name: str, equal: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """ids and mask [3, 6]. Unless `equal`, rows differ in length: T5's are padded on the right, others on the left.

    Padding holds words like any other, so that it shows if one is read.
    """
    rng = np.random.default_rng(3)
    ids, mask = rng.integers(3, 60, (3, 6)).astype(np.int32), np.ones((3, 6), np.int32)
    if not equal:
        mask[1, :2] = mask[2, :4] = 0
        if name.endswith("t5"):
            mask = mask[:, ::-1].copy()
    return ids, mask


# ------------------------------------------------------------------------------------------------------ cases
# "<model>/<what>": options, and whether the prompts are of equal length, as for rules that count padding.

CONTRASTIVE = {
    f"{name}/{what}": (options(**more), equal)
    for name in ("gpt2", "llama", "t5")
    for what, more, equal in (
        ("alpha 0.8 of 6", {"penalty_alpha": 0.8, "top_k": 6}, False),
        ("alpha 0.3 of 7", {"penalty_alpha": 0.3, "top_k": 7}, False),
        ("ngram", {"penalty_alpha": 0.8, "top_k": 4, "no_repeat_ngram_size": 2, "eos_token_id": [66, 35]}, True),
    )
    if name != "llama" or what == "alpha 0.8 of 6"
}
# Where there are several layers, the reference chooses one for a whole batch: there each row is recorded alone.
DOLA = {
    f"{name}/{what}": (options(dola_layers=layers, **more), equal)
    for name in ("deep gpt2", "deep llama")
    for what, layers, more, equal in (
        ("low", "low", {}, False),
        ("high", "high", {}, False),
        ("one", [4], {}, False),
        ("several", [0, 3, 4], {}, False),
        ("penalty", "high", {"repetition_penalty": 1.2}, True),
        ("guided", "low", {"guidance_scale": 1.5}, True),
    )
    if what in {"deep gpt2": ("low", "high", "several", "penalty"), "deep llama": ("low", "one", "guided")}[name]
}
NEGATIVE = np.array([[7, 8, 9], [20, 4, 33], [41, 5, 50]], np.int32)
GUIDANCE = {
    f"{name}/{what}": (options(guidance_scale=scale), negative)
    for name in ("gpt2", "llama")
    for what, scale, negative in (("none", 1.7, False), ("negative", 2.5, True), ("towards", 0.4, True))
}

# After two tokens the reference goes on with the cache of another beam's text.
GUIDED_BEAMS = options(guidance_scale=1.7, num_beams=3, num_return_sequences=2, eos_token_id=None, max_new_tokens=2)


def allowed(batch: int, ids: Any) -> list[int]:
    """Five tokens that depend on the prompt's number and on the last token."""
    return [3 + (int(ids[-1]) * 3 + 7 * batch + 11 * j) % 60 for j in range(5)]


PREFIXED = {"gpt2/greedy": options(), "gpt2/beams": options(num_beams=3), "t5/beams": options(num_beams=2)}
# What is reported of every step. With top_k=1 a draw is sure. What rules and contrastive search say of a row behind
# its end is arbitrary, so no row ends there.
STEPS = {"max_new_tokens": 4, **REPORT}
REPORTED = {
    "gpt2/greedy": options(**STEPS, repetition_penalty=1.3, eos_token_id=None),
    "llama/greedy": options(**STEPS),
    "t5/greedy": options(**STEPS),
    "gpt2/sample": options(**STEPS, do_sample=True, top_k=1),
    "t5/sample": options(**STEPS, do_sample=True, top_k=1, num_return_sequences=2),
    "gpt2/beams": options(**STEPS, num_beams=3, num_return_sequences=2),
    "t5/beams": options(**STEPS, num_beams=2),
    "gpt2/contrastive": options(**STEPS, penalty_alpha=0.6, top_k=4, eos_token_id=None),
    "t5/contrastive": options(**STEPS, penalty_alpha=0.6, top_k=4, eos_token_id=None),
    "deep gpt2/dola": options(**STEPS, dola_layers="low"),
}
TRANSITIONS = {
    "gpt2/greedy": options(repetition_penalty=1.3, eos_token_id=None),
    "gpt2/beams": options(num_beams=3, num_return_sequences=2, length_penalty=0.7),
    "t5/beams": options(num_beams=4, length_penalty=2.0),
}


def rows_a_prompt(given: dict[str, Any]) -> int:
    """Rows of an output's arrays that belong to one prompt."""
    return given["num_beams"] if given.get("num_beams", 1) > 1 else given.get("num_return_sequences", 1)


def padded_away(name: str, fields: dict[str, Any], mask: np.ndarray, beams: int) -> dict[str, np.ndarray]:
    """Arrays of an output by name, zero where they speak of padding, which may be anything; -inf as -99.

    Args:
      name: of the model.
      fields: of the output: tuples of arrays, or of tuples of them, a step or a layer each.
      mask: int [B, P], of the prompts.
      beams: rows a prompt.
    """
    encoder = name.endswith("t5")
    out = {}
    for field, entries in fields.items():
        if entries is None or field in ("sequences", "sequences_scores", "beam_indices", "past_key_values"):
            continue
        rows = mask if field.startswith("encoder") else np.repeat(mask, beams, 0)
        for i, entry in enumerate(entries):
            layers = entry if isinstance(entry, tuple) else (entry,)
            for j, x in enumerate(layers):
                x = np.array(x)
                prompts = field.startswith("encoder") or (not encoder and i == 0)
                if prompts and field.endswith("hidden_states"):
                    x = x * rows[:, :, None]
                elif prompts and field.endswith("attentions"):
                    x = x * rows[:, None, :, None]
                label = f"{field}.{i}.{j}" if isinstance(entry, tuple) else f"{field}.{i}"
                out[label] = np.where(np.isinf(x), -99, x)
    return out
