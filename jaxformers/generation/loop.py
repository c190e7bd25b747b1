"""A way of writing as one XLA program: the prompt is read, then a `while_loop` takes step after step.

Each way of writing is a `Method`: `Sampling`, `BeamSearch`, `ContrastiveSearch`, `Assisted`. `run` writes to the end
in one program; `begin` and `advance` are the same steps one by one, for streaming.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers.generation import outputs
from jaxformers.generation.decoder import Decoder, Reading, Task
from jaxformers.generation.rules import Seen
from jaxformers.generation.stopping import expired, stopped

State = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Method(abc.ABC):
    """What of a call is part of the program; everything else is an array.

    A state is a dict that holds at least `seen` (what has been written), `go` (bool []: another step is wanted) and
    `sound` (bool [R]: the scores of every step had a best token).

    Args:
      decoder: the model.
      rules: logits rules, applied in order.
      stops: stopping rules.
      eos, fill: token ids that end a row, and the one written after its end.
      sample: draw from the processed distribution instead of taking its top.
      slots: buffer slots for new tokens; at most as many are written.
      timed: does `Task.until` count?
      keeps: of "scores" and "logits", what to report of every step, beside what the decoder keeps.
    """

    decoder: Decoder
    rules: tuple
    stops: tuple
    eos: tuple[int, ...]
    fill: int
    sample: bool
    slots: int
    timed: bool = False
    keeps: tuple[str, ...] = ()

    @abc.abstractmethod
    def first(self, weights, task: Task) -> State:
        """Reads the prompts and writes the first token."""

    @abc.abstractmethod
    def step(self, weights, task: Task, state: State) -> State:
        """Writes one token more, or several."""

    def result(self, task: Task, state: State) -> dict[str, Any]:
        """`tokens` int32 [R, P + slots], `written` int32 [], `sound` bool [R], and what else there is to report."""
        seen = state["seen"]
        kept = {"kept": state["kept"]} if "kept" in state else {}
        return {"tokens": seen.tokens, "written": seen.length - seen.prompt, "sound": state["sound"], **kept}

    @property
    def buffer(self) -> int:
        """Slots for new tokens in buffers and caches."""
        return self.slots

    # -------------------------------------------------------------------------------------------- parts of a step

    def begin_seen(self, task: Task) -> Seen:
        """What has been written before the first new token: the prompt, and empty slots behind it."""
        blank = jnp.zeros((task.prompt.shape[0], self.buffer), jnp.int32)
        length = jnp.asarray(task.prompt.shape[1], jnp.int32)
        tokens = jnp.concatenate([task.prompt, blank], 1)
        real = jnp.concatenate([task.valid, blank.astype(bool)], 1)
        read = (task.inputs.get(n) for n in ("input_ids", "attention_mask"))
        source, mask = (None if x is None else x[: len(task.prompt)] for x in read)  # guidance reads more behind them
        return Seen(tokens, real, length, length, source, mask)

    def processed(self, seen: Seen, scores):
        """scores [R, V] after all rules."""
        for rule in self.rules:
            scores = rule(seen, scores)
        return scores

    def log_probs(self, reading: Reading):
        """Log-probabilities [R, V] of the next token, for beams. Guided ones are not made to sum to 1 again."""
        scores = reading.scores[:, -1]
        return scores if self.decoder.guidance is not None else jax.nn.log_softmax(scores, -1)

    def choose(self, seen: Seen, scores, keys):
        """The next token int32 [R], processed scores [R, V], and whether a token was left: bool [R]."""
        scores = self.processed(seen, scores)
        ranked = scores
        if self.sample:  # the top of scores with Gumbel noise is a draw; each row's noise is its own
            rows = jax.vmap(lambda key: jax.random.fold_in(key, seen.length - seen.prompt))(keys)
            ranked = scores + jax.vmap(lambda key: jax.random.gumbel(key, scores.shape[1:]))(rows)
        token = jnp.argmax(ranked, -1).astype(jnp.int32)
        best = jnp.take_along_axis(ranked, token[:, None], 1)[:, 0]
        return token, scores, best > -jnp.inf  # False for nan too, which argmax takes for the largest

    def ended(self, task: Task, seen: Seen):
        """bool [R]: does the token written last end its row?"""
        token = jax.lax.dynamic_slice_in_dim(seen.tokens, seen.length - 1, 1, 1)[:, 0]
        out = jnp.isin(token, jnp.asarray(self.eos, jnp.int32)) if self.eos else jnp.zeros(token.shape, bool)
        out |= stopped(self.stops, seen)
        return out | expired(seen, task.until) if self.timed else out

    def keep(self, state: State, reading: Reading, scores, first: bool) -> State:
        """The state with what is to be reported of n tokens, whose processed scores are [n, R, V]."""
        seen = state["seen"]
        kept = outputs.begin(reading, self.buffer) if first else state.get("kept", {})
        values = {"scores": scores, "logits": jnp.moveaxis(reading.logits, 1, 0)}
        values = {name: value for name, value in values.items() if name in self.keeps}
        kept = outputs.add(kept, seen.length - seen.prompt, self.buffer, first, reading.more, **values)
        return {**state, "kept": kept} if kept else state


def put(seen: Seen, token, real) -> Seen:
    """`seen` with one token int32 [R] more, real where bool [R]."""
    at = (0, seen.length)
    return seen._replace(
        tokens=jax.lax.dynamic_update_slice(seen.tokens, token[:, None], at),
        valid=jax.lax.dynamic_update_slice(seen.valid, real[:, None], at),
        length=seen.length + 1,
    )


# ------------------------------------------------------------------------------------------------------ programs


@functools.partial(jax.jit, static_argnums=0)
def run(method: Method, weights, task: Task) -> dict[str, Any]:
    """Writes to the end. `weights` are the parameters, by whose they are: {"model": ..., "draft": ...}."""
    step = functools.partial(method.step, weights, task)
    return method.result(task, jax.lax.while_loop(lambda state: state["go"], step, method.first(weights, task)))


@functools.partial(jax.jit, static_argnums=0)
def begin(method: Method, weights, task: Task) -> State:
    """The state after the first token, for streaming."""
    return method.first(weights, task)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=3)
def advance(method: Method, weights, task: Task, state: State) -> State:
    """The state a step later, for streaming; the state given is donated."""
    return method.step(weights, task, state)
