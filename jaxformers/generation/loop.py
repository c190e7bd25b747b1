"""Greedy decoding and sampling as one XLA program: the prompt is read, then a `while_loop` writes token by token."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers.generation import decoder
from jaxformers.generation.rules import Seen


@dataclasses.dataclass(frozen=True)
class Plan:
    """What of a call is part of the program; everything else is an array.

    Args:
      rules: logits rules, applied in order.
      eos, fill: token ids that end a row, and the one written after its end.
      sample: draw from the processed distribution instead of taking its top.
      slots: buffer slots for new tokens; at most as many are written.
      dtype, stacked: of the cache.
      scores: also return the processed logits of every step.
      beams, length_penalty, early_stopping, returned: of beam search.
    """

    rules: tuple
    eos: tuple[int, ...]
    fill: int
    sample: bool
    slots: int
    dtype: Any
    stacked: bool
    scores: bool = False
    beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | str = False
    returned: int = 1


def ends(tokens, eos: tuple[int, ...]):
    """bool like tokens: is it one of the ending ids?"""
    return jnp.isin(tokens, jnp.asarray(eos, jnp.int32)) if eos else jnp.zeros(tokens.shape, bool)


def begin_seen(prompt, valid, slots: int, inputs) -> Seen:
    """What has been written before the first new token: the prompt, and `slots` empty slots behind it."""
    blank = jnp.zeros((prompt.shape[0], slots), jnp.int32)
    length = jnp.asarray(prompt.shape[1], jnp.int32)
    source = inputs.get("input_ids"), inputs.get("attention_mask")
    tokens, real = jnp.concatenate([prompt, blank], 1), jnp.concatenate([valid, blank.astype(bool)], 1)
    return Seen(tokens, real, length, length, *source)


def choose(plan: Plan, seen: Seen, logits, keys, written):
    """The next token [R] by the plan, and the processed logits [R, V]. Each row draws by its own key."""
    for rule in plan.rules:
        logits = rule(seen, logits)
    if not plan.sample:
        return jnp.argmax(logits, -1).astype(jnp.int32), logits
    draws = jax.vmap(lambda key: jax.random.fold_in(key, written))(keys)
    return jax.vmap(jax.random.categorical)(draws, logits).astype(jnp.int32), logits


@dataclasses.dataclass(frozen=True)
class Writing:
    """The loop's steps. Its state is a dict: `seen`, `done` bool [R], `token` int32 [R], `state`, maybe `scores`."""

    head: Any
    config: Any
    plan: Plan
    params: Any
    keys: Any

    def first(self, prompt, valid, inputs):
        """Reads the prompt and writes the first token."""
        plan = self.plan
        width = prompt.shape[1] + plan.slots
        logits, state = decoder.start(
            self.head, self.config, self.params, prompt, valid, width, plan.dtype, plan.stacked, inputs
        )
        loop = {
            "seen": begin_seen(prompt, valid, plan.slots, inputs),
            "done": jnp.zeros(prompt.shape[0], bool),
            "state": state,
        }
        if plan.scores:
            loop["scores"] = jnp.zeros((plan.slots, *logits.shape), jnp.float32)
        return self.write(loop, logits)

    def write(self, loop, logits):
        """Chooses a token for every row and writes it into the next slot."""
        plan, seen, done = self.plan, loop["seen"], loop["done"]
        written = seen.length - seen.prompt
        token, processed = choose(plan, seen, logits, self.keys, written)
        token = jnp.where(done, plan.fill, token)
        at = (0, seen.length)
        seen = seen._replace(
            tokens=jax.lax.dynamic_update_slice(seen.tokens, token[:, None], at),
            valid=jax.lax.dynamic_update_slice(seen.valid, ~done[:, None], at),
            length=seen.length + 1,
        )
        loop = {**loop, "seen": seen, "done": done | ends(token, plan.eos), "token": token}
        if plan.scores:
            loop["scores"] = jax.lax.dynamic_update_slice(loop["scores"], processed[None], (written, 0, 0))
        return loop

    def step(self, loop):
        """Reads the token written last, and writes the next."""
        token = loop["token"][:, None]
        valid = jnp.ones(token.shape, bool)
        logits, state = decoder.forward(self.head, self.config, self.params, token, valid, loop["state"])
        return self.write({**loop, "state": state}, logits)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def run(head, config, plan: Plan, params, prompt, valid, inputs, limit, keys):
    """Writes up to `limit` (int32 []) tokens after each prompt.

    Returns:
      tokens int32 [R, P + slots], the number of tokens written int32 [], scores [slots, R, V] or None.
    """
    writing = Writing(head, config, plan, params, keys)

    def going(loop):
        seen = loop["seen"]
        return (seen.length - seen.prompt < limit) & ~loop["done"].all()

    loop = jax.lax.while_loop(going, writing.step, writing.first(prompt, valid, inputs))
    return loop["seen"].tokens, loop["seen"].length - loop["seen"].prompt, loop.get("scores")


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def begin(head, config, plan: Plan, params, prompt, valid, inputs, keys):
    """The first token and the loop's state, for streaming."""
    return Writing(head, config, plan, params, keys).first(prompt, valid, inputs)


@functools.partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=(5,))
def advance(head, config, plan: Plan, params, keys, loop):
    """One more token, for streaming; `loop` is donated."""
    return Writing(head, config, plan, params, keys).step(loop)
