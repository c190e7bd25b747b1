"""What a logits rule sees, and what rules have in common. See `rules`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxformers.errors import ConfigError, InputError
from jaxformers.generation.fields import is_int

NEVER = -jnp.inf  # the logit of a banned token


class Seen(NamedTuple):
    """What has been written so far: a pytree."""

    tokens: jax.Array  # int32 [B, L]: prompt and generated tokens in a buffer of fixed length L
    valid: jax.Array  # bool [B, L]: real tokens; False at padding and at slots not yet written
    length: jax.Array  # int32 []: slots in use, the same for every row
    prompt: jax.Array  # int32 []: slots that the prompt takes
    encoder: jax.Array | None = None  # int32 [B, S]: what an encoder read; None for a decoder, whose prompt stands in
    encoder_valid: jax.Array | None = None  # bool or int [B, S]: False at its padding


Rule = Callable[[Seen, jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class Checked:
    """A rule whose options are checked when it is made: lists become tuples, and every bad option is named."""

    def __post_init__(self):
        for f in dataclasses.fields(self):
            object.__setattr__(self, f.name, _frozen(getattr(self, f.name)))
        problems = [f"{name} must {text}, got {getattr(self, name)!r}" for name, text in self.wrong()]
        if problems:
            raise ConfigError(type(self).__name__, problems)

    def wrong(self) -> Iterator[tuple[str, str]]:
        """`(option, what it must be)` of every option that is refused."""
        return iter(())


def _frozen(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple | set | frozenset) else value


def ids_of(value: int | Iterable[int] | None) -> tuple[int, ...]:
    """One id, several or None as a tuple."""
    value = _frozen(value)
    return () if value is None else value if isinstance(value, tuple) else (value,)


def is_count(value: Any, least: int = 0) -> bool:
    return is_int(value) and value >= least


# ------------------------------------------------------------------------------------------------------ how much


def written(seen: Seen) -> jax.Array:
    """int32 []: tokens generated so far."""
    return seen.length - seen.prompt


def prompt_mask(seen: Seen) -> jax.Array:
    """bool [B, L]: the real tokens of the prompt."""
    return seen.valid & (jnp.arange(seen.tokens.shape[1]) < seen.prompt)


def count(seen: Seen) -> jax.Array:
    """int32 [B, 1]: a row's tokens so far, padding left out."""
    return prompt_mask(seen).sum(1, keepdims=True, dtype=jnp.int32) + written(seen)


# ------------------------------------------------------------------------------------------------------ which tokens


def among(vocab: int, ids: tuple[int, ...]) -> jax.Array:
    """bool [V], True at `ids`."""
    return jnp.isin(jnp.arange(vocab), jnp.asarray(ids, jnp.int32))


def present(tokens: jax.Array, where: jax.Array, vocab: int) -> jax.Array:
    """bool [B, V]: the tokens [B, L] that occur where `where` [B, L] is True."""
    rows = jnp.arange(tokens.shape[0])[:, None]
    # A negative index would count from the end; those past the end are dropped.
    index = jnp.where(where & (tokens >= 0), tokens, vocab)
    return jnp.zeros((tokens.shape[0], vocab), bool).at[rows, index].set(True, mode="drop")


def forced(logits: jax.Array, ids: tuple[int, ...]) -> jax.Array:
    """float32 [V]: 0 at `ids`, -inf elsewhere."""
    return jnp.where(among(logits.shape[-1], ids), 0.0, NEVER).astype(logits.dtype)


def tail(seen: Seen, n: int) -> tuple[jax.Array, jax.Array]:
    """The last n tokens int32 [B, n], and bool [B]: are there so many, all real?"""
    batch, slots = seen.tokens.shape
    if n > slots:
        return jnp.zeros((batch, n), jnp.int32), jnp.zeros(batch, bool)
    tokens, valid = (jax.lax.dynamic_slice_in_dim(x, seen.length - n, n, 1) for x in (seen.tokens, seen.valid))
    return tokens, valid.all(1) & (seen.length >= n)


def source(seen: Seen) -> tuple[jax.Array, jax.Array]:
    """What was given to the model, [B, S] and where it is real: the encoder's input, or else the prompt."""
    if seen.encoder is None:
        return seen.tokens, prompt_mask(seen)
    valid = jnp.ones(seen.encoder.shape, bool) if seen.encoder_valid is None else seen.encoder_valid.astype(bool)
    repeats = seen.tokens.shape[0] // seen.encoder.shape[0]  # beams of one prompt lie side by side
    return jnp.repeat(seen.encoder, repeats, 0), jnp.repeat(valid, repeats, 0)


def check_vocabulary(rule: Any, option: str, sequences: Iterable[tuple[int, ...]], vocab: int) -> None:
    """Refuses ids that a scatter would silently drop."""
    wrong = sorted({i for sequence in sequences for i in sequence if i >= vocab})
    if wrong:
        raise InputError(type(rule).__name__, [f"{option} must hold ids below the {vocab} of the logits, got {wrong}"])
