"""Logits rules: pure functions `(Seen, logits) -> logits` that ban, weigh or sharpen the next token.

Logits are float32 [B, V]; a banned token's is -inf. Padding never counts as a token. The rules here are frozen
dataclasses of plain numbers and tuples: equal ones hash alike, so a tuple of them is static under `jax.jit`. A rule of
your own is any hashable function of that form. What they compute is what the `LogitsProcessor`s of transformers 4.57.6
do; `TopH` is that of its version 5.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jaxformers.errors import ConfigError
from jaxformers.generation.rules_base import Rule, Seen, ids_of
from jaxformers.generation.rules_filter import (
    Epsilon,
    Eta,
    LogNormalize,
    MinP,
    RemoveInfNan,
    Temperature,
    TopH,
    TopK,
    TopP,
    Typical,
)
from jaxformers.generation.rules_length import (
    AlternatingCodebooks,
    ExponentialDecayLengthPenalty,
    ForcedBOS,
    ForcedEOS,
    ForceTokens,
    MinLength,
    MinNewTokens,
    SuppressTokens,
    SuppressTokensAtBegin,
    WhisperTimestamps,
)
from jaxformers.generation.rules_mixed import ClassifierFreeGuidance, HammingDiversity, Watermark
from jaxformers.generation.rules_tokens import (
    EncoderNoRepeatNGram,
    EncoderRepetitionPenalty,
    NoBadWords,
    NoRepeatNGram,
    PrefixAllowed,
    RepetitionPenalty,
    SequenceBias,
)

__all__ = [
    "AlternatingCodebooks",
    "ClassifierFreeGuidance",
    "EncoderNoRepeatNGram",
    "EncoderRepetitionPenalty",
    "Epsilon",
    "Eta",
    "ExponentialDecayLengthPenalty",
    "ForceTokens",
    "ForcedBOS",
    "ForcedEOS",
    "HammingDiversity",
    "LogNormalize",
    "MinLength",
    "MinNewTokens",
    "MinP",
    "NoBadWords",
    "NoRepeatNGram",
    "PrefixAllowed",
    "RemoveInfNan",
    "RepetitionPenalty",
    "Rule",
    "Seen",
    "SequenceBias",
    "SuppressTokens",
    "SuppressTokensAtBegin",
    "Temperature",
    "TopH",
    "TopK",
    "TopP",
    "Typical",
    "Watermark",
    "WhisperTimestamps",
    "from_config",
]


def from_config(
    c: Any,
    eos: tuple[int, ...],
    new: int | None = None,
    *,
    own: tuple[Rule, ...] = (),
    prefix_allowed: Callable[[int, Any], Any] | None = None,
    prompts: int | None = None,
) -> tuple[Rule, ...]:
    """The rules that a generation config asks for, in the reference's order.

    Guidance and diverse beams are not among them: they need a second pass of the model, and the other groups' tokens.

    Args:
      c: a `GenerationConfig`, or anything with some of its fields.
      eos: ids that end a row.
      new: most tokens to be generated, if known; only `forced_eos_token_id` needs it.
      own: rules of the caller's, between those that hold always and those for sampling; one of a type that the config
        asks for too replaces that.
      prefix_allowed: see `PrefixAllowed`.
      prompts: see `PrefixAllowed`.
    """
    beams = getattr(c, "num_beams", None) or 1
    allow = () if prefix_allowed is None else (PrefixAllowed(prefix_allowed, beams, prompts),)
    replaced = {type(rule): rule for rule in reversed(own)}
    rules = [replaced.get(type(rule), rule) for rule in _always(c, eos, new, allow)]
    rules += [rule for rule in own if rule not in rules]
    if getattr(c, "do_sample", False):
        rules += _sampling(c, len(eos) + 1 if beams > 1 else 1)
    marking = getattr(c, "watermarking_config", None)
    if marking is not None:
        rules.append(_watermark(dict(marking) if isinstance(marking, Mapping) else vars(marking)))
    if getattr(c, "renormalize_logits", False):
        rules.append(LogNormalize())
    return tuple(rules)


def _always(c: Any, eos: tuple[int, ...], new: int | None, allow: tuple[Rule, ...]) -> Iterator[Rule]:
    def get(name: str, off: Any = None) -> Any:
        value = getattr(c, name, None)
        return None if value == off else value

    if biases := get("sequence_bias"):
        yield SequenceBias(biases)
    if penalty := get("encoder_repetition_penalty", 1.0):
        yield EncoderRepetitionPenalty(penalty)
    if penalty := get("repetition_penalty", 1.0):
        yield RepetitionPenalty(penalty)
    if n := get("no_repeat_ngram_size"):
        yield NoRepeatNGram(n)
    if n := get("encoder_no_repeat_ngram_size"):
        yield EncoderNoRepeatNGram(n)
    if words := get("bad_words_ids"):
        yield NoBadWords(words, eos)
    if eos and (length := get("min_length")):
        yield MinLength(eos, length)
    if eos and (least := get("min_new_tokens")):
        yield MinNewTokens(eos, least)
    yield from allow
    first, last = get("forced_bos_token_id"), get("forced_eos_token_id")
    if first is not None:
        yield ForcedBOS(first)
    if last is not None:
        new = get("max_new_tokens") if new is None else new
        yield ForcedEOS(ids_of(last), get("max_length") if new is None else None, new)
    if get("remove_invalid_values"):
        yield RemoveInfNan()
    if eos and (decay := get("exponential_decay_length_penalty")):
        yield ExponentialDecayLengthPenalty(eos, *decay)
    if ids := get("suppress_tokens"):
        yield SuppressTokens(ids)
    if ids := get("begin_suppress_tokens"):
        yield SuppressTokensAtBegin(ids, after_forced=first is not None)


def _sampling(c: Any, keep: int) -> Iterator[Rule]:
    def get(name: str, off: Any) -> Any:
        value = getattr(c, name, None)
        return None if value == off else value

    if (temperature := get("temperature", 1.0)) is not None:
        yield Temperature(temperature)
    if (h := get("top_h", None)) is not None:
        yield TopH(h)
    if (k := get("top_k", 0)) is not None:
        yield TopK(k, keep)
    if (p := get("top_p", 1.0)) is not None:
        yield TopP(p, keep)
    if (p := get("min_p", None)) is not None:
        yield MinP(p, keep)
    if (mass := get("typical_p", 1.0)) is not None:
        yield Typical(mass, keep)
    if (epsilon := get("epsilon_cutoff", 0.0)) is not None:
        yield Epsilon(epsilon, keep)
    if (epsilon := get("eta_cutoff", 0.0)) is not None:
        yield Eta(epsilon, keep)


def _watermark(options: dict[str, Any]) -> Watermark:
    known = {"greenlist_ratio", *(f.name for f in dataclasses.fields(Watermark))} - {"ratio"}
    if strange := sorted(set(options) - known):
        raise ConfigError(
            "generate", [f"watermarking_config must hold {', '.join(sorted(known))} only, got {strange}"]
        )
    return Watermark(**{"ratio" if name == "greenlist_ratio" else name: value for name, value in options.items()})
