"""Stopping rules: pure hashable functions `(Seen) -> bool [R]`, asked after each token: True ends that row.

The token just written, `seen.tokens[:, seen.length - 1]`, stays. `StopStrings` ends a row by its text. A time limit is
no such rule, as its start is data and must not be compiled in: see `deadline` and `expired`.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers.errors import ConfigError, InputError
from jaxformers.generation.rules_base import Seen
from jaxformers.generation.token_texts import Texts, token_texts

StoppingRule = Callable[[Seen], jax.Array]


def stopped(rules: Iterable[StoppingRule], seen: Seen) -> jax.Array:
    """bool [R]: does any rule end the row?

    Raises:
      InputError: a rule returns something else than bool [R].
    """
    rows = seen.tokens.shape[:1]
    out = jnp.zeros(rows, bool)
    for rule in rules:
        end = jnp.asarray(rule(seen))
        if end.shape != rows or end.dtype != jnp.bool_:
            problem = f"must return bool{list(rows)}, one for each row, got {end.dtype}{list(end.shape)}"
            raise InputError("stopping_rules", [f"{rule!r:.80} {problem}"])
        out |= end
    return out


# ------------------------------------------------------------------------------------------------------ strings


@dataclasses.dataclass(frozen=True, init=False)
class StopStrings:
    """Ends a row once its text holds one of `strings`, with an end in the token just written.

    That token may go on behind the string, and the string may begin in any token before, those of the prompt included.
    A string that the prompt holds whole ends nothing. Special tokens read as they are spelt; padding, ids without a
    text and ids that the tokenizer does not have are passed over.

    Equal strings and equal texts of the vocabulary make equal rules, so that jit's cache finds them. Texts are read
    once a tokenizer, tables made once a set of strings. What reaches the program is a class for each id, and what a
    token of that class does to an automaton that looks for all strings at once (Aho and Corasick 1975,
    https://doi.org/10.1145/360825.360855). The automaton reads UTF-8, so a character that is split between tokens
    counts; transformers 4.57.6 misses it.

    Args:
      strings: a string or several.
      tokenizer: one with `encode`, `decode` and `get_vocab` as `FastTokenizer` and those of transformers have.

    Raises:
      ConfigError: no strings, or an empty one.
      InputError: no such tokenizer, or none of its tokens can end a string.
    """

    strings: tuple[str, ...]
    vocabulary: str  # digest of its texts
    tables: Tables = dataclasses.field(compare=False, repr=False)

    def __init__(self, strings: str | Iterable[str], tokenizer: Any):
        held = (strings,) if isinstance(strings, str) else tuple(strings if isinstance(strings, Iterable) else ())
        if not held or not all(isinstance(s, str) and s for s in held):
            raise ConfigError("StopStrings", [f"strings must be one or more strings, none empty, got {strings!r}"])
        lacking = [n for n in ("encode", "decode", "get_vocab") if not callable(getattr(tokenizer, n, None))]
        if lacking:
            problem = f"tokenizer must have {', '.join(lacking)}, got {tokenizer!r:.80}"
            raise InputError("StopStrings", [problem], "pass the model's, e.g. AutoTokenizer.from_pretrained(path)")
        texts = token_texts(tokenizer)
        tables = _tables(held, texts)
        if not tables.hit.any():
            problem = f"strings must be such that some token of the vocabulary can end one, got {list(held)}"
            raise InputError("StopStrings", [problem], "no text of this tokenizer holds them")
        for name, value in (("strings", held), ("vocabulary", texts.digest), ("tables", tables)):
            object.__setattr__(self, name, value)

    def __call__(self, seen: Seen) -> jax.Array:
        kinds, after, hit = map(jnp.asarray, self.tables)

        def kind(i):
            token, real = (jax.lax.dynamic_index_in_dim(x, i, 1, keepdims=False) for x in (seen.tokens, seen.valid))
            known = real & (token >= 0) & (token < len(kinds))
            return jnp.where(known, kinds[jnp.where(known, token, 0)], 0)

        # [R, N]: would the row end, were the automaton in this state before slot i? Mostly the answer is the same for
        # all states at once or after a token or two. It always is after as many bytes as a string has: there a state
        # depends on nothing before.
        begin = jnp.argmax(seen.valid, 1)

        def unsettled(walk):
            i, ends = walk
            return ((ends != ends[:, :1]).any(1) & (i >= begin)).any()

        def back(walk):
            i, ends = walk
            return i - 1, jnp.take_along_axis(ends, after[kind(i)].astype(jnp.int32), 1)

        last = jnp.asarray(seen.length, jnp.int32) - 1
        return jax.lax.while_loop(unsettled, back, (last - 1, hit[kind(last)]))[1][:, 0]


class Tables(NamedTuple):
    """What a vocabulary of V ids, in C classes, does to an automaton of N states. Class 0 leaves it as it is."""

    kinds: np.ndarray  # int16 [V]: class of each id
    after: np.ndarray  # int16 [C, N]: state after a token of the class
    hit: np.ndarray  # bool [C, N]: does a string end inside it?


@functools.lru_cache(maxsize=64)
def _tables(strings: tuple[str, ...], texts: Texts) -> Tables:
    """All ids advance together, byte by byte; those that have done the same to every state so far are one class."""
    move, final = _automaton([s.encode("utf-8", "surrogatepass") for s in strings])
    # A byte that moves every state alike another is not told from it.
    columns, letter = np.unique(move, axis=1, return_inverse=True)
    data, size = letter.reshape(-1)[texts.data], columns.shape[1]
    known = [
        2 * np.arange(len(move), dtype=np.int32)
    ]  # by class, for each state: twice the state after it, plus 1 for a hit
    index = {known[0].tobytes(): 0}
    kinds = np.zeros(len(texts.lengths), np.int64)
    for j in range(texts.lengths.max(initial=0)):
        ids = np.flatnonzero(texts.lengths > j)
        pairs, inverse = np.unique(kinds[ids] * size + data[texts.starts[ids] + j], return_inverse=True)
        before = np.stack(known)[pairs // size]
        state = columns[before >> 1, (pairs % size)[:, None]]
        new = np.empty(len(pairs), np.int64)
        for at, row in enumerate((2 * state + (final[state] | (before & 1 == 1))).astype(np.int32)):
            new[at] = index.setdefault(row.tobytes(), len(known))
            if new[at] == len(known):
                known.append(row)
        kinds[ids] = new[inverse.reshape(-1)]
    rows = np.stack(known)
    return Tables(_small(kinds, len(rows)), _small(rows >> 1, len(move)), (rows & 1).astype(bool))


def _small(x: np.ndarray, limit: int) -> np.ndarray:
    return x.astype(np.int16 if limit <= 2**15 else np.int32)


def _automaton(strings: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The state [N, 256] that follows each state by each byte, and where a string has just ended: bool [N]."""
    children: list[dict[int, int]] = [{}]
    ends = {0: False}
    for string in strings:
        node = 0
        for byte in string:
            if byte not in children[node]:
                children[node][byte] = len(children)
                children.append({})
            node = children[node][byte]
        ends[node] = True
    move = np.zeros((len(children), 256), np.int64)
    final = np.asarray([ends.get(i, False) for i in range(len(children))])
    queue = [(0, 0)]  # a node and where the text without its first byte leads, nearest to the root first
    for node, shorter in queue:
        move[node] = move[shorter]  # the shorter is nearer to the root: its row is complete
        final[node] |= final[shorter]
        queue += [(child, int(move[shorter, byte]) if node else 0) for byte, child in children[node].items()]
        for byte, child in children[node].items():
            move[node, byte] = child
    return move, final


# ------------------------------------------------------------------------------------------------------ time


def deadline(seconds: float) -> np.ndarray:
    """uint32 [2]: the moment `seconds` from now by this process's clock, in ns, high word first. Data, for `expired`.

    Raises:
      ConfigError: seconds are negative or not a number.
    """
    if not seconds >= 0:
        raise ConfigError("max_time", [f"seconds must be at least 0, got {seconds!r}"])
    moment = now() + int(min(seconds, 2.0**32) * 1e9)
    return np.asarray([moment >> 32, moment & 0xFFFFFFFF], np.uint32)


def expired(seen: Seen, until: jax.Array) -> jax.Array:
    """bool []: is the moment `until` (uint32 [2], from `deadline`) past, after the token just written?

    The host's clock is read in each step: the token is an argument, so that this happens neither once for the whole
    loop nor before the model has run.
    """
    token = jax.lax.dynamic_index_in_dim(seen.tokens[0], seen.length - 1, 0, keepdims=False)
    return jax.pure_callback(_is_past, jax.ShapeDtypeStruct((), jnp.bool_), until, token, vmap_method="sequential")


def _is_past(until, token) -> np.ndarray:
    high, low = (int(word) for word in np.asarray(until))
    return np.asarray(now() > (high << 32 | low))


def now() -> int:
    """Nanoseconds of a clock that is never set back."""
    return time.monotonic_ns()
