"""Constraints: what a text must contain, and how far it has got with it.

`PhrasalConstraint` and `DisjunctiveConstraint` are what a caller names; `Automaton` is how a program follows several
of them at once. What is counted as progress is as in `beam_constraints` of transformers 4.53.3.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers.errors import ConfigError, InputError

Phrase = tuple[int, ...]


class Constraint(abc.ABC):
    """One of several phrases must occur. Equal constraints have equal `token_ids` and hash alike.

    `update` and `reset` move a place of this object's own, for following a text by hand. `generate` neither reads nor
    moves it.
    """

    token_ids: tuple

    def __init__(self, token_ids: tuple):
        self.token_ids = token_ids
        self._place: Phrase = ()

    @property
    @abc.abstractmethod
    def phrases(self) -> tuple[Phrase, ...]:
        """The alternatives, none the beginning of another."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.token_ids == self.token_ids  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.token_ids))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.token_ids})"

    @property
    def seqlen(self) -> int:
        """Tokens of the longest alternative."""
        return max(map(len, self.phrases))

    @property
    def completed(self) -> bool:
        """Has an alternative been read whole?"""
        return self._place in self.phrases

    def _next(self) -> list[int]:
        at = len(self._place)
        follow = [p[at] for p in self.phrases if len(p) > at and p[:at] == self._place]
        return list(dict.fromkeys(follow))

    def advance(self) -> int | list[int] | None:
        """The ids that lead on from here, None when completed."""
        return self._next() or None

    def does_advance(self, token_id: int) -> bool:
        """Would this id lead on?"""
        return token_id in self._next()

    def update(self, token_id: int) -> tuple[bool, bool, bool]:
        """Reads an id: (has it led on, is the constraint completed with it, was what had been reached lost)."""
        stepped = self.does_advance(token_id)
        self._place = (*self._place, token_id) if stepped else ()
        return stepped, self.completed, not stepped

    def reset(self) -> None:
        """Back to the beginning."""
        self._place = ()

    def remaining(self) -> int:
        """Ids that are lacking, if it is to be the longest alternative."""
        return 0 if self.completed else self.seqlen - len(self._place)


class PhrasalConstraint(Constraint):
    """These ids must occur, one behind the other.

    Args:
      token_ids: int [n], at least one.

    Raises:
      ConfigError: no ids, or negative ones.
    """

    def __init__(self, token_ids: Iterable[int]):
        ids = _tuple(token_ids)
        if not _is_phrase(ids):
            _refuse(self, "token_ids must be a list of ids of at least 0, not empty", token_ids)
        super().__init__(ids)

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        return (self.token_ids,)

    def advance(self) -> int | None:
        """The id that leads on from here, None when completed."""
        return next(iter(self._next()), None)


class DisjunctiveConstraint(Constraint):
    """One of several phrases must occur.

    Args:
      nested_token_ids: lists of ids, at least one, none the beginning of another.

    Raises:
      ConfigError: no lists, an empty one, negative ids, or a list that begins another or is equal to it.
    """

    def __init__(self, nested_token_ids: Iterable[Iterable[int]]):
        ids = _tuple(nested_token_ids)
        if not (isinstance(ids, tuple) and ids and all(map(_is_phrase, ids))):
            rule = "nested_token_ids must be a list of lists of ids of at least 0, none empty"
            _refuse(self, rule, nested_token_ids)
        ordered = sorted(ids)  # a phrase's beginnings stand before it, nothing else between the last of them and it
        begun = [(a, b) for a, b in itertools.pairwise(ordered) if b[: len(a)] == a]
        if begun:
            first, second = (list(p) for p in begun[0])
            rule = "nested_token_ids must hold no list that is the beginning of another or equal to it"
            _refuse(self, rule, f"{first} and {second}")
        super().__init__(ids)

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        return self.token_ids


def _tuple(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_tuple, value)) if isinstance(value, list | tuple) else value


def _is_phrase(ids: Any) -> bool:
    return isinstance(ids, tuple) and bool(ids) and all(type(i) is int and i >= 0 for i in ids)


def _refuse(constraint: Constraint, rule: str, value: Any) -> None:
    raise ConfigError(type(constraint).__name__, [f"{rule}, got {value}"])


def from_config(c: Any, vocab: int) -> tuple[Constraint, ...]:
    """The constraints that a generation config asks for: its `constraints`, then those of `force_words_ids`.

    Raises:
      ConfigError: phrases that a constraint refuses.
      InputError: what is no constraint, or ids outside the vocabulary.
    """
    made = list(c.constraints or ())
    strange = [x for x in made if not isinstance(x, PhrasalConstraint | DisjunctiveConstraint)]
    if strange:
        problem = f"constraints must be of PhrasalConstraint and DisjunctiveConstraint, got {strange}"
        raise InputError("generate", [problem])
    for ids in c.force_words_ids or ():
        made.append(DisjunctiveConstraint(ids) if isinstance(ids[0], tuple) else PhrasalConstraint(ids))
    wrong = sorted({i for x in made for phrase in x.phrases for i in phrase if i >= vocab})
    if wrong:
        raise InputError("generate", [f"constraints must hold ids below the vocabulary's {vocab}, got {wrong}"])
    return tuple(made)


# ------------------------------------------------------------------------------------------------------ the program


class Progress(NamedTuple):
    """How far texts [...] have got with N constraints: a pytree."""

    complete: jax.Array  # bool [..., N]
    turn: jax.Array  # int32 [..., N]: of those that wait, the one with the least turn is tried first
    hand: jax.Array  # int32 [...]: the constraint that is begun, -1 if none
    node: jax.Array  # int32 [...]: how far that one has got


class Tables(NamedTuple):
    """The phrases of all constraints as a forest, with D nodes of at most A children, and R children of its roots."""

    child: np.ndarray  # int32 [D, A]: the ids that lead on from a node, -1 at fill
    target: np.ndarray  # int32 [D, A]: where they lead
    leaf: np.ndarray  # bool [D]
    worth: np.ndarray  # int32 [D]: what a node adds to the bank
    offer: np.ndarray  # int32 [D, A]: what an id adds to the bank of the beam that it is offered to
    first: np.ndarray  # int32 [R]: the ids that begin a constraint,
    owner: np.ndarray  # int32 [R]: and which


@dataclasses.dataclass(frozen=True)
class Automaton:
    """Follows texts through constraints: static under `jit`, its methods are pure functions of arrays.

    At most one constraint is in hand. A token that does not lead on makes it start anew, behind the others that wait,
    and is not read as the beginning of any; a constraint that is complete stays so.
    """

    constraints: tuple[Constraint, ...]

    @property
    def tables(self) -> Tables:
        return _tables(self.constraints)

    @property
    def longest(self) -> int:
        return max(c.seqlen for c in self.constraints)

    def begin(self, rows: int) -> Progress:
        n = len(self.constraints)
        turn = jnp.broadcast_to(jnp.arange(n, dtype=jnp.int32), (rows, n))
        hand = jnp.full(rows, -1, jnp.int32)
        return Progress(jnp.zeros((rows, n), bool), turn, hand, jnp.zeros_like(hand))

    def read(self, tokens: jax.Array, valid: jax.Array) -> Progress:
        """The progress of texts int32 [R, L], with the tokens left out that are not valid."""

        def one(progress, column):
            token, real = column
            after = self.add(progress, token)
            return jax.tree.map(lambda a, b: jnp.where(_over(real, a), a, b), after, progress), None

        return jax.lax.scan(one, self.begin(len(tokens)), (tokens.T, valid.T))[0]

    def add(self, progress: Progress, token: jax.Array) -> Progress:
        """The progress after one token more, int32 [...]."""
        t, n = self.tables, len(self.constraints)
        child, target, leaf = map(jnp.asarray, (t.child, t.target, t.leaf))

        def lead(node, token):
            """Where a token leads, -1 if nowhere."""
            return jnp.where(child[node] == token[..., None], target[node], -1).max(-1)

        free = progress.hand < 0
        begun = lead(jnp.arange(n), jnp.broadcast_to(token[..., None], progress.complete.shape))
        waits = jnp.where((begun >= 0) & ~progress.complete, progress.turn, np.iinfo(np.int32).max)
        next_one = jnp.argmin(waits, -1).astype(jnp.int32)
        taken = jnp.where((waits < np.iinfo(np.int32).max).any(-1), _at(begun, next_one), -1)
        which = jnp.where(free, next_one, progress.hand)
        node = jnp.where(free, taken, lead(progress.node, token))
        mine = jnp.arange(n) == which[..., None]
        stepped = node >= 0
        closes = stepped & leaf[node]
        lost = mine & (~free & ~stepped)[..., None]
        last = progress.turn.max(-1, keepdims=True) + 1
        return Progress(
            complete=progress.complete | (mine & closes[..., None]),
            turn=jnp.where(lost, last, progress.turn),
            hand=jnp.where(stepped & ~closes, which, -1),
            node=jnp.maximum(node, 0),
        )

    def bank(self, progress: Progress) -> jax.Array:
        """int32 [...]: how much has been done, by which beams are ranked."""
        done = progress.complete.sum(-1, dtype=jnp.int32) * self.longest
        return done + jnp.where(progress.hand >= 0, jnp.asarray(self.tables.worth)[progress.node], 0)

    def offers(self, progress: Progress) -> tuple[jax.Array, jax.Array, jax.Array]:
        """The tokens that lead on: int32 [..., C]; where there is one: bool [..., C]; and what ranks it instead of its
        bank, if that is at least 0: int32 [..., C], see `_offers`.
        """
        t = self.tables
        held, begins = progress.hand[..., None] >= 0, jnp.asarray(t.first)
        size = max(t.child.shape[1], len(begins))
        child = jnp.pad(jnp.asarray(t.child), ((0, 0), (0, size - t.child.shape[1])), constant_values=-1)
        first = jnp.pad(begins, (0, size - len(begins)), constant_values=-1)
        owner = jnp.pad(jnp.asarray(t.owner), (0, size - len(begins)))
        same = jnp.tril(first[:, None] == first, -1)  # constraints may begin alike: one of them offers the token
        waits = ~progress.complete[..., owner] & (first >= 0)
        waits &= ~(same & waits[..., None, :]).any(-1)
        token = jnp.where(held, child[progress.node], first)
        there = jnp.where(held, token >= 0, waits)
        offer = jnp.pad(jnp.asarray(t.offer), ((0, 0), (0, size - t.child.shape[1])))[progress.node]
        done = progress.complete.sum(-1, dtype=jnp.int32)[..., None] * self.longest
        return token, there, jnp.where(held, done + offer, -1)


def _at(x: jax.Array, index: jax.Array) -> jax.Array:
    return jnp.take_along_axis(x, index[..., None], -1)[..., 0]


def _over(mask: jax.Array, x: jax.Array) -> jax.Array:
    return mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))


@functools.lru_cache(maxsize=64)
def _tables(constraints: tuple[Constraint, ...]) -> Tables:
    longest = max(c.seqlen for c in constraints)
    nodes: list[dict[int, int]] = [{} for _ in constraints]  # the roots come first, in the constraints' order
    depth, owner = [0] * len(constraints), list(range(len(constraints)))
    for n, constraint in enumerate(constraints):
        for phrase in constraint.phrases:
            at = n
            for token in phrase:
                if token not in nodes[at]:
                    nodes[at][token] = len(nodes)
                    nodes.append({})
                    depth.append(depth[at] + 1)
                    owner.append(n)
                at = nodes[at][token]
    worth = [longest - constraints[owner[i]].seqlen + depth[i] for i in range(len(nodes))]
    width = max(map(len, nodes))
    child, target, offer = (np.full((len(nodes), width), fill, np.int32) for fill in (-1, -1, 0))
    for i, children in enumerate(nodes):
        child[i, : len(children)], target[i, : len(children)] = list(children), list(children.values())
        offer[i, : len(children)] = _offers(nodes, worth, longest, i)
    begins = [(token, n) for n in range(len(constraints)) for token in nodes[n]]
    first, whose = (np.asarray(x, np.int32) for x in zip(*begins, strict=True))
    leaf = np.asarray([not children for children in nodes])
    return Tables(child, target, leaf, np.asarray(worth, np.int32), offer, first, whose)


def _offers(nodes: list[dict[int, int]], worth: list[int], longest: int, start: int) -> list[int]:
    """What each id that leads on from a node is worth to the ranking.

    The reference tries them one by one and forgets to go back in between: where the first alternative leads on, the
    second is looked for behind it. All that led on share the last place, the others count as lost. So it ranks.
    """
    at, led = start, []
    for token in nodes[start]:
        on = token in nodes[at]
        at = nodes[at].get(token, at)
        led.append((on, on and not nodes[at]))
    return [longest if done else worth[at] if on else 0 for on, done in led]
