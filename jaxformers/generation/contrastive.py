"""Contrastive search: probable tokens that do not repeat what the text already says. https://arxiv.org/abs/2202.06417"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.loop import Method, put

_LOW = jnp.finfo(jnp.float32).min


@dataclasses.dataclass(frozen=True)
class ContrastiveSearch(Method):
    """Of the `candidates` likeliest tokens the one with the best (1 - alpha) * probability - alpha * likeness.

    Likeness is the largest cosine between the candidate's last hidden state and those of all tokens before it, so
    every candidate is read before one is chosen. The state adds `done` bool [R], the decoder's `state` with the chosen
    token read, its `reading`, and `context` float32 [R, P + slots, D]: hidden states of length 1.
    """

    alpha: float = 0.6
    candidates: int = 4

    def first(self, weights, task):
        seen = self.begin_seen(task)
        reading, read = self.decoder.start(weights["model"], task, self.slots)
        hidden = _unit(reading.hidden)
        context = jnp.zeros((*seen.tokens.shape, hidden.shape[-1]), jnp.float32)
        rows = jnp.zeros(len(task.prompt), bool)
        state = {"seen": seen, "done": rows, "sound": ~rows, "state": read}
        return self._write(weights, task, {**state, "context": context.at[:, : hidden.shape[1]].set(hidden)}, reading)

    def step(self, weights, task, state):
        return self._write(weights, task, state, state["reading"])

    def _write(self, weights, task, state, reading):
        seen, done = state["seen"], state["done"]
        first = "reading" not in state
        rows = jnp.arange(len(done))
        scores = self.processed(seen, reading.scores[:, -1])
        k = min(self.candidates, scores.shape[-1])
        state = self.keep(state, reading, scores[None], first)
        probs, tokens = jax.lax.top_k(jax.nn.softmax(scores, -1), k)  # [R, k]
        tokens = tokens.astype(jnp.int32)

        every = self.decoder.rows(state["state"], jnp.repeat(rows, k))
        ones = jnp.ones((len(done) * k, 1), bool)
        readings, every = self.decoder.read(weights["model"], tokens.reshape(-1, 1), ones, every)
        hidden = _unit(readings.hidden[:, -1]).reshape(len(done), k, -1)
        likeness = jnp.einsum("rtd,rkd->rkt", state["context"], hidden)
        likeness = jnp.where(seen.valid[:, None], likeness, _LOW).max(-1)
        best = jnp.argmax((1 - self.alpha) * probs - self.alpha * likeness, -1)

        chosen = rows * k + best
        token = jnp.where(done, self.fill, tokens[rows, best])
        after = put(seen, token, ~done)
        ended = done | self.ended(task, after)
        at = (0, seen.length, 0)
        return {
            **state,
            "seen": after,
            "done": ended,
            "sound": state["sound"] & (done | (probs[:, 0] > 0)),  # nan is not
            "go": (after.length - after.prompt < task.limit) & ~ended.all(),
            "state": self.decoder.rows(every, chosen),
            "reading": jax.tree.map(lambda x: x[chosen], readings),
            "context": jax.lax.dynamic_update_slice(state["context"], hidden[rows, best][:, None], at),
        }


def _unit(x):
    x = x.astype(jnp.float32)
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)
