"""Which settings of a `GenerationConfig` do not go together."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jaxformers.generation.fields import is_int, is_real

NEW_TOKENS = 20  # written when neither the call nor the config says how many


def conflicts(config: Any, fields: Mapping[str, Any], refused: set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """`(fields, sentence)` for values that do not go together; those in `refused` are looked at as their defaults."""
    known = {name: f.default if name in refused else getattr(config, name) for name, f in fields.items()}
    c: Any = types.SimpleNamespace(**known)
    yield from _search_conflicts(c)
    if c.max_new_tokens is not None:
        if (c.min_new_tokens or 0) > c.max_new_tokens:
            text = f"min_new_tokens must be at most max_new_tokens={c.max_new_tokens}, got {c.min_new_tokens}"
            yield ("min_new_tokens", "max_new_tokens"), text
    elif c.max_length != NEW_TOKENS:  # the default stands for 20 new tokens, and the prompt's length is not known here
        for name in ("min_length", "min_new_tokens"):
            if (getattr(c, name) or 0) > c.max_length and (name == "min_new_tokens" or c.min_new_tokens is None):
                text = f"{name} must be at most max_length={c.max_length}, got {getattr(c, name)}"
                yield (name, "max_length"), text
    if c.watermarking_config is not None:
        for text in _watermark_problems(c.watermarking_config):
            yield ("watermarking_config",), f"watermarking_config: {text}"


def _search_conflicts(c: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    returned, beams, groups = c.num_return_sequences, c.num_beams, c.num_beam_groups
    if returned > 1 and beams == 1 and not c.do_sample:
        text = f"num_return_sequences must be 1 without do_sample or num_beams above 1, got {returned}"
        yield ("num_return_sequences", "do_sample", "num_beams"), text
    if returned > beams > 1:
        yield (
            ("num_return_sequences", "num_beams"),
            f"num_return_sequences must be at most num_beams={beams}, got {returned}",
        )
    if beams % groups:
        text = f"num_beams must be a multiple of num_beam_groups={groups}, got {beams}"
        yield ("num_beams", "num_beam_groups"), text
    if groups > 1 and c.do_sample:
        yield ("do_sample", "num_beam_groups"), f"do_sample must be False with num_beam_groups={groups}, got True"
    if groups > 1 and c.diversity_penalty == 0:
        text = f"diversity_penalty must be above 0 with num_beam_groups={groups}, or all groups are alike; got 0"
        yield ("diversity_penalty", "num_beam_groups"), text
    for name in ("force_words_ids", "constraints"):
        if getattr(c, name) is None:
            continue
        if beams == 1:
            yield ("num_beams", name), f"num_beams must be above 1 with {name}, got 1"
        if c.do_sample:
            yield ("do_sample", name), f"do_sample must be False with {name}, got True"
        if groups > 1:
            yield ("num_beam_groups", name), f"num_beam_groups must be 1 with {name}, got {groups}"
    single = ["penalty_alpha", "prompt_lookup_num_tokens", "assistant_early_exit", "dola_layers"]
    single = [name for name in single if getattr(c, name) not in (None, 0)]
    for name in single if beams > 1 else ():
        yield ("num_beams", name), f"num_beams must be 1 with {name}, got {beams}"
    if "penalty_alpha" in single and c.do_sample:
        yield ("do_sample", "penalty_alpha"), "do_sample must be False with penalty_alpha, got True"
    if len(single) > 1:
        yield tuple(single), f"only one of {', '.join(single)} may be set: each is a way of decoding"


_WATERMARKS: dict[str, dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "green list": {
        "greenlist_ratio": ("a number in [0, 1]", lambda x: is_real(x) and 0 <= x <= 1),
        "bias": ("a number", is_real),
        "hashing_key": ("a whole number", is_int),
        "seeding_scheme": ("'lefthash' or 'selfhash'", lambda x: x in ("lefthash", "selfhash")),
        "context_width": ("a whole number of at least 1", lambda x: is_int(x) and x >= 1),
    },
    "SynthID": {
        "ngram_len": ("a whole number of at least 1", lambda x: is_int(x) and x >= 1),
        "keys": ("a list of whole numbers", lambda x: isinstance(x, tuple) and all(map(is_int, x)) and len(x) > 0),
        "context_history_size": ("a whole number of at least 1", lambda x: is_int(x) and x >= 1),
        "sampling_table_seed": ("a whole number", is_int),
        "sampling_table_size": ("a whole number in [1, 2**24]", lambda x: is_int(x) and 1 <= x <= 2**24),
        "skip_first_ngram_calls": ("True or False", lambda x: isinstance(x, bool)),
        "debug_mode": ("True or False", lambda x: isinstance(x, bool)),
    },
}


def _watermark_problems(values: Mapping[str, Any]) -> Iterator[str]:
    synth = "ngram_len" in values or "keys" in values
    kind = "SynthID" if synth else "green list"
    rules = _WATERMARKS[kind]
    for name, value in values.items():
        if name not in rules:
            yield f"unknown key {name!r}; a {kind} watermark has {', '.join(rules)}"
        elif not rules[name][1](value):
            yield f"{name} must be {rules[name][0]}, got {value!r}"
    for name in ("ngram_len", "keys") if synth else ():
        if name not in values:
            yield f"{name} must be given for a SynthID watermark"
