"""Rules that depend on which tokens have been written: repetition, n-grams, biased and banned sequences, allowed ones.

A sequence is a window of real tokens side by side, as prompts are padded on the left.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers.errors import InputError
from jaxformers.generation.fields import are_ids
from jaxformers.generation.rules_base import (
    NEVER,
    Checked,
    check_vocabulary,
    count,
    ids_of,
    is_count,
    present,
    prompt_mask,
    source,
    tail,
)


def _penalise(logits, where, penalty: float):
    return jnp.where(where, jnp.where(logits < 0, logits * penalty, logits / penalty), logits)


@dataclasses.dataclass(frozen=True)
class RepetitionPenalty(Checked):
    """Makes tokens that occurred less likely: negative logits times `penalty`, others divided by it.

    With `ignore_prompt`, only generated tokens count. https://arxiv.org/abs/1909.05858
    """

    penalty: float
    ignore_prompt: bool = False

    def wrong(self):
        if not self.penalty > 0:
            yield "penalty", "be above 0"

    def __call__(self, seen, logits):
        real = seen.valid & ~prompt_mask(seen) if self.ignore_prompt else seen.valid
        return _penalise(logits, present(seen.tokens, real, logits.shape[-1]), self.penalty)


@dataclasses.dataclass(frozen=True)
class EncoderRepetitionPenalty(Checked):
    """Makes the tokens that the encoder read, or else the prompt's, more likely where `penalty` is above 1."""

    penalty: float

    def wrong(self):
        if not self.penalty > 0:
            yield "penalty", "be above 0"

    def __call__(self, seen, logits):
        return _penalise(logits, present(*source(seen), logits.shape[-1]), 1 / self.penalty)


# ------------------------------------------------------------------------------------------------------ n-grams


def _ban_ngrams(n: int, seen, tokens, valid, logits):
    """Bans what came after the last n - 1 tokens wherever they occur in `tokens` [B, S]."""
    windows = tokens.shape[1] - n + 1
    if windows < 1:
        return logits
    last, known = tail(seen, n - 1)
    same = jnp.broadcast_to(known[:, None], (tokens.shape[0], windows))
    for i in range(n - 1):  # over the n-gram's tokens; positions are compared all at once
        same &= valid[:, i : i + windows] & (tokens[:, i : i + windows] == last[:, i : i + 1])
    same &= valid[:, n - 1 :]
    return jnp.where(present(tokens[:, n - 1 :], same, logits.shape[-1]), NEVER, logits)


@dataclasses.dataclass(frozen=True)
class NoRepeatNGram(Checked):
    """Bans tokens that would repeat an n-gram of the text, prompt included."""

    n: int

    def wrong(self):
        if not is_count(self.n, 1):
            yield "n", "be a whole number of at least 1"

    def __call__(self, seen, logits):
        return _ban_ngrams(self.n, seen, seen.tokens, seen.valid, logits)


@dataclasses.dataclass(frozen=True)
class EncoderNoRepeatNGram(Checked):
    """Bans tokens that would repeat an n-gram of what the encoder read, or else of the prompt."""

    n: int

    def wrong(self):
        if not is_count(self.n, 1):
            yield "n", "be a whole number of at least 1"

    def __call__(self, seen, logits):
        return _ban_ngrams(self.n, seen, *source(seen), logits)


# ------------------------------------------------------------------------------------------------------ sequences


def _add_biases(seen, logits, biases: tuple[tuple[tuple[int, ...], float], ...]):
    """Adds each bias to its sequence's last token where the tokens before it were just written."""
    added = jnp.zeros_like(logits)
    for n in sorted({len(sequence) for sequence, _ in biases}):  # all sequences of one length together
        group = [(sequence, bias) for sequence, bias in biases if len(sequence) == n]
        ids = np.asarray([sequence for sequence, _ in group], np.int32)
        bias = np.asarray([bias for _, bias in group], np.float32)
        last, known = tail(seen, n - 1)
        # The reference passes over a sequence that is longer than the text so far, though it could be completed.
        known &= (count(seen)[:, 0] >= n) | (n == 1)
        match = known[:, None] & (last[:, None] == ids[None, :, :-1]).all(-1)
        added = added.at[:, ids[:, -1]].add(jnp.where(match, bias, 0.0))
    return logits + added


@dataclasses.dataclass(frozen=True)
class SequenceBias(Checked):
    """Adds a bias to tokens that would complete a sequence: a mapping `{(3,): 5.0, (1, 4): -2.0}`, or such pairs."""

    biases: tuple[tuple[tuple[int, ...], float], ...]

    def __post_init__(self):
        pairs = self.biases.items() if isinstance(self.biases, Mapping) else self.biases
        object.__setattr__(self, "biases", tuple({tuple(k): float(v) for k, v in pairs}.items()))
        super().__post_init__()

    def wrong(self):
        if not self.biases or not all(sequence and are_ids(sequence) for sequence, _ in self.biases):
            yield "biases", "map sequences of token ids, none empty, to numbers"

    def __call__(self, seen, logits):
        check_vocabulary(self, "biases", (sequence for sequence, _ in self.biases), logits.shape[-1])
        return _add_biases(seen, logits, self.biases)


@dataclasses.dataclass(frozen=True)
class NoBadWords(Checked):
    """Bans tokens that would complete one of `words`, sequences of ids; a word that is just one of `eos` is let be."""

    words: tuple[tuple[int, ...], ...]
    eos: tuple[int, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "eos", ids_of(self.eos))
        super().__post_init__()

    def wrong(self):
        if not self.words or not all(isinstance(w, tuple) and w and are_ids(w) for w in self.words):
            yield "words", "be sequences of token ids, none empty"

    def __call__(self, seen, logits):
        words = {w for w in self.words if w not in {(e,) for e in self.eos}}
        check_vocabulary(self, "words", words, logits.shape[-1])
        return _add_biases(seen, logits, tuple((w, NEVER) for w in sorted(words)))


@dataclasses.dataclass(frozen=True)
class PrefixAllowed(Checked):
    """Allows only the ids that `allowed(prompt's number, a row's ids so far)` returns, padding left out.

    It is a Python function and is called on the host for every row and token; it must be pure.

    Args:
      allowed: from an int and int [n] ids to a sequence of ids, not empty.
      beams: rows of one prompt.
      prompts: how many there are, where rows beyond them are copies of the last.
    """

    allowed: Callable[[int, Any], Any]
    beams: int = 1
    prompts: int | None = None

    def wrong(self):
        if not callable(self.allowed):
            yield "allowed", "be a function"
        if not is_count(self.beams, 1):
            yield "beams", "be a whole number of at least 1"

    def __call__(self, seen, logits):
        mask = jax.ShapeDtypeStruct(logits.shape, jnp.bool_)
        return jnp.where(jax.pure_callback(self._mask, mask, logits, *seen[:3]), logits, NEVER)

    def _mask(self, logits, tokens, valid, length):
        tokens, valid = np.asarray(tokens)[:, : int(length)], np.asarray(valid)[:, : int(length)]
        mask = np.zeros(logits.shape, bool)
        for row in range(len(mask)):
            prompt = row // self.beams
            prompt = prompt if self.prompts is None else min(prompt, self.prompts - 1)
            ids = np.asarray(list(self.allowed(prompt, tokens[row][valid[row]])), np.int64)
            wrong = ids[(ids < 0) | (ids >= mask.shape[1])]
            if not len(ids) or len(wrong):
                rule = f"return ids in [0, {mask.shape[1]}), at least one, got {ids.tolist()} for prompt {prompt}"
                raise InputError("PrefixAllowed", [f"allowed must {rule}"])
            mask[row, ids] = True
        return mask
