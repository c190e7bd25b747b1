"""Greedy decoding and sampling: one token a step for every row."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers.generation.loop import Method, put


@dataclasses.dataclass(frozen=True)
class Sampling(Method):
    """The likeliest token, or one drawn.

    The state adds `done` bool [R], `token` int32 [R] and the decoder's `state`.
    """

    def first(self, weights, task):
        seen = self.begin_seen(task)
        reading, state = self.decoder.start(weights["model"], task, self.slots)
        rows = jnp.zeros(len(task.prompt), bool)
        return self._write(task, {"seen": seen, "done": rows, "sound": ~rows, "state": state}, reading, first=True)

    def step(self, weights, task, state):
        token = state["token"][:, None]
        reading, read = self.decoder.read(weights["model"], token, jnp.ones(token.shape, bool), state["state"])
        return self._write(task, {**state, "state": read}, reading)

    def _write(self, task, state, reading, first=False):
        """Chooses a token for every row and writes it into the next slot."""
        seen, done = state["seen"], state["done"]
        token, scores, sound = self.choose(seen, reading.scores[:, -1], task.keys)
        state = self.keep(state, reading, scores[None], first)
        token = jnp.where(done, self.fill, token)
        after = put(seen, token, ~done)
        ended = done | self.ended(task, after)
        go = (after.length - after.prompt < task.limit) & ~ended.all()
        more = {"seen": after, "token": token, "done": ended, "sound": state["sound"] & (sound | done), "go": go}
        return {**state, **more}
