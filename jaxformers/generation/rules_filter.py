"""Rules that reshape or cut the distribution, whatever has been written: temperature, top-k, top-p and their kin.

`keep` is the least number of tokens that a filter leaves: beam sampling needs one more than there are ending ids.
Tokens that tie with the last one kept are kept too, except by `TopP`, which stops when the mass is reached.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.rules_base import NEVER, Checked, is_count


@dataclasses.dataclass(frozen=True)
class Temperature(Checked):
    """Divides by `temperature`: below 1 sharper, above 1 flatter."""

    temperature: float

    def wrong(self):
        if not self.temperature > 0:
            yield "temperature", "be above 0 (for greedy decoding do not sample)"

    def __call__(self, seen, logits):
        return logits / self.temperature


@dataclasses.dataclass(frozen=True)
class _Filter(Checked):
    """A rule that bans what `kept` (bool [B, V]) leaves out."""

    def __call__(self, seen, logits):
        return jnp.where(self.kept(logits), logits, NEVER)

    def wrong(self):
        if not is_count(getattr(self, "keep", 1), 1):
            yield "keep", "be a whole number of at least 1"


def _best(logits, n: int):
    """bool [B, V]: the n highest, and what ties with the last of them."""
    # A slice of top_k makes XLA's CPU sort the whole vocabulary (50,257 tokens: 7 ms, not 0.1 ms); `min` does not.
    return logits >= jax.lax.top_k(logits, min(n, logits.shape[-1]))[0].min(-1, keepdims=True)


_FEW = 256


def _ranked(logits):
    """logits [B, V], lowest first. Where at most `_FEW` are left of every row only those are sorted."""

    def few():
        best = jax.lax.top_k(logits, _FEW)[0][:, ::-1]
        return jnp.pad(best, ((0, 0), (logits.shape[-1] - _FEW, 0)), constant_values=NEVER)

    if logits.shape[-1] <= _FEW:
        return jnp.sort(logits, -1)
    return jax.lax.cond((logits != NEVER).sum(-1).max() <= _FEW, few, lambda: jnp.sort(logits, -1))


def _entropy(log_probs):
    """float32 [B, 1], in nats."""
    terms = jnp.where(log_probs > NEVER, jnp.exp(log_probs) * log_probs, 0.0)
    return -terms.sum(-1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class TopK(_Filter):
    """Keeps the `k` most probable tokens."""

    k: int
    keep: int = 1

    def wrong(self):
        yield from super().wrong()
        if not is_count(self.k, 1):
            yield "k", "be a whole number of at least 1"

    def kept(self, logits):
        return _best(logits, max(self.k, self.keep))


@dataclasses.dataclass(frozen=True)
class TopP(_Filter):
    """Keeps the fewest most probable tokens whose probabilities add up to `p`. https://arxiv.org/abs/1904.09751"""

    p: float
    keep: int = 1

    def wrong(self):
        yield from super().wrong()
        if not 0 <= self.p <= 1:
            yield "p", "lie in [0, 1]"

    def kept(self, logits):
        vocab = logits.shape[-1]
        ranked = _ranked(logits)  # worst first, as sums of the small are the accurate ones
        dropped = (jnp.cumsum(jax.nn.softmax(ranked, -1), -1) <= 1 - self.p).sum(-1, keepdims=True)
        dropped = jnp.minimum(dropped, max(vocab - self.keep, 0))
        # Sorting values alone is twice as fast as with their indices: the indices matter among ties only, where the
        # later tokens win, as in a stable sort.
        last = jnp.take_along_axis(ranked, dropped, -1)
        tied = logits == last
        room = vocab - dropped - (logits > last).sum(-1, keepdims=True)
        later = jnp.cumsum(tied[:, ::-1], -1)[:, ::-1]
        return (logits > last) | (tied & (later <= room))


@dataclasses.dataclass(frozen=True)
class MinP(_Filter):
    """Keeps tokens at least `p` times as probable as the most probable. https://arxiv.org/abs/2407.01082"""

    p: float
    keep: int = 1

    def wrong(self):
        yield from super().wrong()
        if not 0 <= self.p <= 1:
            yield "p", "lie in [0, 1]"

    def kept(self, logits):
        probs = jax.nn.softmax(logits, -1)
        return (probs >= self.p * probs.max(-1, keepdims=True)) | _best(logits, self.keep)


@dataclasses.dataclass(frozen=True)
class Typical(_Filter):
    """Keeps the tokens whose surprise is nearest the entropy, up to `mass`. https://arxiv.org/abs/2202.00666"""

    mass: float = 0.9
    keep: int = 1

    def wrong(self):
        yield from super().wrong()
        if not 0 < self.mass < 1:
            yield "mass", "lie in (0, 1)"

    def kept(self, logits):
        log_probs = jax.nn.log_softmax(logits, -1)
        distance = jnp.abs(-log_probs - _entropy(log_probs))
        ranked, probs = jax.lax.sort((distance, jnp.exp(log_probs)), num_keys=1)
        last = (jnp.cumsum(probs, -1) < self.mass).sum(-1, keepdims=True)
        last = jnp.clip(last, min(self.keep, logits.shape[-1]) - 1, logits.shape[-1] - 1)
        return distance <= jnp.take_along_axis(ranked, last, -1)


@dataclasses.dataclass(frozen=True)
class Epsilon(_Filter):
    """Keeps tokens of probability `epsilon` or more. https://arxiv.org/abs/2210.15191"""

    epsilon: float
    keep: int = 1

    def wrong(self):
        yield from super().wrong()
        if not 0 < self.epsilon < 1:
            yield "epsilon", "lie in (0, 1)"

    def kept(self, logits):
        return (jax.nn.softmax(logits, -1) >= self.epsilon) | _best(logits, self.keep)


@dataclasses.dataclass(frozen=True)
class Eta(_Filter):
    """`Epsilon` with a cutoff that falls as the entropy rises. https://arxiv.org/abs/2210.15191"""

    epsilon: float
    keep: int = 1

    def wrong(self):
        yield from super().wrong()
        if not 0 < self.epsilon < 1:
            yield "epsilon", "lie in (0, 1)"

    def kept(self, logits):
        log_probs = jax.nn.log_softmax(logits, -1)
        eta = jnp.minimum(self.epsilon, self.epsilon**0.5 * jnp.exp(-_entropy(log_probs)))
        return (jnp.exp(log_probs) >= eta) | _best(logits, self.keep)


@dataclasses.dataclass(frozen=True)
class TopH(_Filter):
    """Keeps the most probable tokens whose share of the entropy stays within `h`. https://arxiv.org/abs/2509.02510

    Only the `among` most probable tokens count, for the entropy as for what is kept.
    """

    h: float
    among: int = 100

    def wrong(self):
        if not 0 < self.h <= 1:
            yield "h", "lie in (0, 1]"
        if not is_count(self.among, 1):
            yield "among", "be a whole number of at least 1"

    def kept(self, logits):
        best, index = jax.lax.top_k(logits, min(self.among, logits.shape[-1]))
        log_probs = jax.nn.log_softmax(best, -1)
        terms = -jnp.where(log_probs > NEVER, jnp.exp(log_probs) * log_probs, 0.0)
        total = jnp.cumsum(terms, -1)  # its last entry is the entropy, so that h = 1 keeps all of them
        inside = (total <= self.h * total[:, -1:]).at[:, 0].set(True)
        rows = jnp.arange(logits.shape[0])[:, None]
        return jnp.zeros(logits.shape, bool).at[rows, index].set(inside)


@dataclasses.dataclass(frozen=True)
class LogNormalize(Checked):
    """Log-probabilities."""

    def __call__(self, seen, logits):
        return jax.nn.log_softmax(logits, -1)


@dataclasses.dataclass(frozen=True)
class RemoveInfNan(Checked):
    """nan becomes 0, an infinity the largest number of its sign."""

    def __call__(self, seen, logits):
        return jnp.nan_to_num(logits, nan=0.0)
