"""Rules that depend on how much has been written: when a text may end, and what its first and last tokens are.

Lengths count a row's own tokens, so that padding changes nothing.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.fields import are_ids
from jaxformers.generation.rules_base import NEVER, Checked, among, count, forced, ids_of, is_count, written

_IDS = "be token ids of at least 0"
_COUNT = "be a whole number of at least 0"


@dataclasses.dataclass(frozen=True)
class _About(Checked):
    """A rule about the tokens `ids`."""

    ids: tuple[int, ...]

    def __post_init__(self):
        object.__setattr__(self, "ids", ids_of(self.ids))
        super().__post_init__()

    def wrong(self):
        if not are_ids(self.ids):
            yield "ids", _IDS

    def ban(self, logits, when):
        return jnp.where(among(logits.shape[-1], self.ids) & when, NEVER, logits)


@dataclasses.dataclass(frozen=True)
class MinLength(_About):
    """Bans `ids`, those that end a text, until a row has `length` tokens, the prompt's among them."""

    length: int

    def wrong(self):
        yield from super().wrong()
        if not is_count(self.length):
            yield "length", _COUNT

    def __call__(self, seen, logits):
        return self.ban(logits, count(seen) < self.length)


@dataclasses.dataclass(frozen=True)
class MinNewTokens(_About):
    """Bans `ids`, those that end a text, until `n` tokens have been generated."""

    n: int

    def wrong(self):
        yield from super().wrong()
        if not is_count(self.n):
            yield "n", _COUNT

    def __call__(self, seen, logits):
        return self.ban(logits, written(seen) < self.n)


@dataclasses.dataclass(frozen=True)
class SuppressTokens(_About):
    """Bans `ids`."""

    def __call__(self, seen, logits):
        return self.ban(logits, True)


@dataclasses.dataclass(frozen=True)
class SuppressTokensAtBegin(_About):
    """Bans `ids` when a row has `begin` tokens; without `begin`, as the first generated token.

    With `after_forced`, a prompt of one token is followed by a forced one, and the ban is for the token after that.
    """

    begin: int | None = None
    after_forced: bool = False

    def wrong(self):
        yield from super().wrong()
        if self.begin is not None and not is_count(self.begin):
            yield "begin", f"{_COUNT} or None"

    def __call__(self, seen, logits):
        tokens, new = count(seen), written(seen)
        if self.begin is not None:
            return self.ban(logits, tokens == self.begin)
        later = (tokens - new == 1) if self.after_forced else 0
        return self.ban(logits, new == later)


@dataclasses.dataclass(frozen=True)
class ForcedBOS(_About):
    """The second token of a row, the one after the start token, is `ids`."""

    def __call__(self, seen, logits):
        return jnp.where(count(seen) == 1, forced(logits, self.ids), logits)


@dataclasses.dataclass(frozen=True)
class ForcedEOS(_About):
    """The last token is one of `ids`: in a row of `max_length` tokens, or of `max_new` generated ones."""

    max_length: int | None = None
    max_new: int | None = None

    def wrong(self):
        yield from super().wrong()
        given = [x for x in (self.max_length, self.max_new) if x is not None]
        if len(given) != 1 or not is_count(given[0], 1):
            yield "max_length" if self.max_new is None else "max_new", "be at least 1, and only one of the two given"

    def __call__(self, seen, logits):
        last = count(seen) == self.max_length - 1 if self.max_new is None else written(seen) == self.max_new - 1
        return jnp.where(last, forced(logits, self.ids), logits)


@dataclasses.dataclass(frozen=True)
class ForceTokens(Checked):
    """Forces tokens: `pairs` of a row's length so far and the token that must come then, or None for any."""

    pairs: tuple[tuple[int, int | None], ...]

    def __post_init__(self):
        if isinstance(self.pairs, dict):
            object.__setattr__(self, "pairs", tuple(self.pairs.items()))
        super().__post_init__()

    def wrong(self):
        if not all(len(p) == 2 and is_count(p[0]) and (p[1] is None or is_count(p[1])) for p in self.pairs):
            yield "pairs", "be pairs of a length and a token id or None"

    def __call__(self, seen, logits):
        pairs = {at: token for at, token in self.pairs if token is not None}  # the last one of a length counts
        if not pairs:
            return logits
        at, token = (jnp.asarray(list(x), jnp.int32) for x in (pairs, pairs.values()))
        wanted = jnp.where(count(seen) == at, token, -1).max(1, keepdims=True)
        only = jnp.where(jnp.arange(logits.shape[-1]) == wanted, 0.0, NEVER)
        return jnp.where(wanted >= 0, only, logits)


@dataclasses.dataclass(frozen=True)
class ExponentialDecayLengthPenalty(_About):
    """After `start` generated tokens, raises `ids`, those that end a text, by |logit| * (factor^since - 1)."""

    start: int
    factor: float

    def wrong(self):
        yield from super().wrong()
        if not is_count(self.start):
            yield "start", _COUNT
        if not self.factor > 0:
            yield "factor", "be above 0"

    def __call__(self, seen, logits):
        over = written(seen) - self.start
        raised = logits + jnp.abs(logits) * (jnp.power(self.factor, jnp.maximum(over, 0).astype(logits.dtype)) - 1)
        # A banned end stays banned: -inf + inf would be nan.
        raise_it = among(logits.shape[-1], self.ids) & (over > 0) & (logits > NEVER)
        return jnp.where(raise_it, raised, logits)


@dataclasses.dataclass(frozen=True)
class AlternatingCodebooks(Checked):
    """Bark's coarse model: ids of the first codebook and of the second in turn.

    Counted from `start` tokens on, or without it from the prompt on. The first codebook's `size` ids follow the
    `semantic` ones; the second's follow those.
    """

    start: int | None
    semantic: int
    size: int

    def wrong(self):
        for name in ("start", "semantic", "size"):
            if not is_count(getattr(self, name)) and (name, self.start) != ("start", None):
                yield name, _COUNT

    def __call__(self, seen, logits):
        since = written(seen) if self.start is None else count(seen) - self.start
        ids, middle = jnp.arange(logits.shape[-1]), self.semantic + self.size
        first = (ids >= self.semantic) & (ids < middle)
        return jnp.where(jnp.where(since % 2 == 0, first, ids >= middle), logits, NEVER)


@dataclasses.dataclass(frozen=True)
class WhisperTimestamps(Checked):
    """Whisper's grammar of timestamps, the ids after `no_timestamps`. https://arxiv.org/abs/2212.04356

    They come in pairs and do not fall, the first token is one (at most `latest_first` steps in), and where all of
    them together are more probable than any text token, only they are left. Text ids lie below `eos`.
    """

    no_timestamps: int
    eos: int
    latest_first: int | None = None
    compare: bool = True

    def wrong(self):
        for name in ("no_timestamps", "eos"):
            if not is_count(getattr(self, name)):
                yield name, "be a token id"

    def __call__(self, seen, logits):
        new, begin = written(seen), self.no_timestamps + 1
        ids, slots = jnp.arange(logits.shape[-1]), jnp.arange(seen.tokens.shape[1])
        stamped = (seen.tokens >= begin) & seen.valid & (slots >= seen.prompt)

        def is_stamp(back):  # [B, 1]: was the token `back` slots ago one?
            return (stamped & (slots == seen.length - back)).any(1, keepdims=True)

        last, opened = is_stamp(1), ~((new < 2) | is_stamp(2))
        newest = jnp.where(stamped, slots, -1).argmax(1)[:, None]
        newest = jnp.take_along_axis(seen.tokens, newest, 1)
        least = jnp.where(stamped.any(1, keepdims=True), newest + ~(last & opened), begin)
        stamp = ids >= begin
        banned = (ids == self.no_timestamps) | (stamp & (ids < least))
        banned |= last & jnp.where(opened, ids < self.eos, stamp)
        late = False if self.latest_first is None else ids > begin + self.latest_first
        banned |= (new == 0) & (~stamp | late)
        logits = jnp.where(banned, NEVER, logits)
        if not self.compare:
            return logits
        together = jax.nn.logsumexp(jnp.where(stamp, logits, NEVER), -1, keepdims=True)
        text = jnp.where(stamp, NEVER, logits).max(-1, keepdims=True)
        return jnp.where((together > text) & ~stamp, NEVER, logits)
