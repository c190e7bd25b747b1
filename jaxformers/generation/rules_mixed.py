"""Rules that look beyond a row's own text: at other beams, at a second pass of the model, at a secret key."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.errors import InputError
from jaxformers.generation.rules_base import Checked, count, is_count, tail


@dataclasses.dataclass(frozen=True)
class HammingDiversity(Checked):
    """Diverse beam search: lowers tokens by `penalty` for each beam of an earlier group that takes them in this step.

    Beams of one prompt lie side by side, `beams` of them in `groups` of equal size. https://arxiv.org/abs/1610.02424
    """

    penalty: float
    beams: int
    groups: int

    def wrong(self):
        if not self.penalty > 0:
            yield "penalty", "be above 0"
        if not is_count(self.beams, 2):
            yield "beams", "be a whole number of at least 2"
        elif not is_count(self.groups, 2) or self.beams % self.groups:
            yield "groups", f"be at least 2 and divide the {self.beams} beams"

    def __call__(self, seen, logits, current, group):
        """logits [B * beams / groups, V] of the beams in `group` (int, may be traced), lowered.

        `current` int [B * beams] holds the tokens taken in this step; those of `group` and later ones do not count.
        """
        vocab, size = logits.shape[-1], self.beams // self.groups
        current = current.reshape(-1, self.beams)
        earlier = (jnp.arange(self.beams) < group * size).astype(logits.dtype)
        rows = jnp.arange(len(current))[:, None]
        taken = jnp.zeros((len(current), vocab), logits.dtype).at[rows, current].add(earlier)
        return logits - self.penalty * jnp.repeat(taken, size, 0)


@dataclasses.dataclass(frozen=True)
class ClassifierFreeGuidance(Checked):
    """Moves the logits away from those without the condition: u + (c - u) * scale. https://arxiv.org/abs/2306.17806

    As a rule it takes logits [2B, V], the conditional rows before the unconditional ones, and returns [B, V]. `guide`
    takes the two apart. With `normalize` both are log-probabilities first, as for text; without, as for music.
    """

    scale: float
    normalize: bool = False

    def wrong(self):
        if not (self.normalize or self.scale > 1):
            yield "scale", "be above 1"

    def __call__(self, seen, logits):
        if logits.shape[0] != 2 * seen.tokens.shape[0]:
            rows = f"{2 * seen.tokens.shape[0]} rows, with and without the condition, got {logits.shape[0]}"
            raise InputError("ClassifierFreeGuidance", [f"logits must have {rows}"])
        return self.guide(*jnp.split(logits, 2))

    def guide(self, conditional, unconditional):
        """Both float32 [B, V]."""
        if self.normalize:
            conditional, unconditional = (jax.nn.log_softmax(x, -1) for x in (conditional, unconditional))
        return unconditional + (conditional - unconditional) * self.scale


def _mix(x):
    """uint32 -> uint32, every bit depending on every other: the finaliser of MurmurHash3."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


@dataclasses.dataclass(frozen=True)
class Watermark(Checked):
    """Adds `bias` to a green part of the vocabulary that the last tokens and the key choose anew for every token.

    With "lefthash" the token before chooses; with "selfhash" the last `context_width` tokens, the one to be written
    among them. Text so written holds more green tokens than the share `ratio`; `green` tells which, given the key. The
    lists are drawn by a hash of integers: they are alike on every device, but not those of the PyTorch library, so a
    text is detected by the library that wrote it. Unlike there, a list holds *about* `ratio` of the ids, and
    "selfhash" is worked out for every id instead of the 40 most probable. https://arxiv.org/abs/2301.10226
    """

    ratio: float = 0.25
    bias: float = 2.0
    hashing_key: int = 15485863
    seeding_scheme: str = "lefthash"
    context_width: int = 1

    def wrong(self):
        if not 0 < self.ratio < 1:
            yield "ratio", "lie in (0, 1)"
        if self.seeding_scheme not in ("lefthash", "selfhash"):
            yield "seeding_scheme", "be 'lefthash' or 'selfhash'"
        if not is_count(self.context_width, 1):
            yield "context_width", "be a whole number of at least 1"

    @property
    def looks_back(self) -> int:
        """Tokens before the next one that choose its green list."""
        return 1 if self.seeding_scheme == "lefthash" else self.context_width - 1

    def green(self, before, vocab: int):
        """bool [B, V]: the green ids after the tokens `before` int [B, n], of which the last `looks_back` count."""
        ids = jnp.arange(vocab, dtype=jnp.uint32)
        before = before[:, before.shape[1] - self.looks_back :].astype(jnp.uint32)
        key = jnp.uint32(self.hashing_key & 0xFFFFFFFF)
        if self.seeding_scheme == "lefthash":
            seed = _mix(before + key)
        else:
            context = _mix(before + key)[..., None] * (2 * _mix(ids) + 1)  # every token of the context with the next
            seed = jnp.concatenate([context, jnp.broadcast_to(_mix(ids + key), (len(before), 1, vocab))], 1).min(1)
        return _mix(_mix(seed) + _mix(ids + jnp.uint32(0x9E3779B9))) < jnp.uint32(int(self.ratio * 2**32))

    def __call__(self, seen, logits):
        before, known = tail(seen, self.looks_back)
        known = known[:, None] & (count(seen) >= self.context_width)  # with less context the token is left as it is
        return jnp.where(known & self.green(before, logits.shape[-1]), logits + self.bias, logits)
