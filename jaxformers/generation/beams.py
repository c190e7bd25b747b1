"""Beam search, with the reference's rules for ending, penalising and stopping."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.loop import Method
from jaxformers.generation.rules import Seen
from jaxformers.generation.stopping import expired, stopped

NEVER = -1e9  # the score of what must not be chosen


def pick(x, index):
    """x [B, M, ...] at index int [B, M'], in [0, M), along its second axis."""
    index = index.reshape(*index.shape, *[1] * (x.ndim - 2))
    return jnp.take_along_axis(x, index, 1, mode="promise_in_bounds")


@dataclasses.dataclass(frozen=True)
class BeamSearch(Method):
    """Keeps `beams` continuations of each prompt and returns the `returned` best that ended.

    The state adds, for B prompts and K beams,

    * `running` [B, K], `new` [B, K, slots], `origin` [B, K, slots]: the beams that go on: their scores, new tokens,
      and the row that each token came from;
    * `ended_scores`, `ended_new`, `ended_origin`, `finished` bool [B, K]: the best that ended;
    * `hopeful` bool [B, 1]: a running beam may still beat them;
    * `token`, `parent` and the decoder's `state` of the B * K rows.

    Args:
      length_penalty: scores are sums of log-probabilities over length^length_penalty.
      early_stopping: True ends a prompt with as many ended beams as there are beams, False when no running beam looks
        better at its present length, "never" when none can become better.
    """

    beams: int = 2
    length_penalty: float = 1.0
    early_stopping: bool | str = False
    returned: int = 1

    def norm(self, count):
        return jnp.asarray(count, jnp.float32) ** self.length_penalty

    def offsets(self, batch: int):
        """int [B, 1]: the first row of each prompt."""
        return jnp.arange(batch)[:, None] * self.beams

    def first(self, weights, task):
        batch = len(task.prompt)
        reading, read = self.decoder.start(weights["model"], task, self.slots)
        every = jnp.repeat(jnp.arange(batch), self.beams)
        seen = self.begin_seen(task)
        state = {
            "state": self.decoder.rows(read, every),
            "seen": seen._replace(tokens=seen.tokens[every], valid=seen.valid[every]),
            "sound": jnp.ones(batch, bool),
            **self.begin_beams(task),
        }
        encoder = {n: x for n, x in reading.more.items() if n.startswith("encoder_")}
        reading = jax.tree.map(lambda x: x[every], reading)
        return self._extend(task, state, reading._replace(more={**reading.more, **encoder}), first=True)

    def begin_beams(self, task):
        """The beams before the first token: all alike, so only the first one counts; and none that ended."""
        shape = len(task.prompt), self.beams
        blank, nowhere = (jnp.full((*shape, self.slots), x, jnp.int32) for x in (self.fill, -1))
        return {
            "running": jnp.broadcast_to(jnp.where(jnp.arange(self.beams) == 0, 0.0, NEVER), shape),
            "new": blank,
            "origin": nowhere,
            "ended_scores": jnp.full(shape, NEVER),
            "ended_new": blank,
            "ended_origin": nowhere,
            "finished": jnp.zeros(shape, bool),
            "hopeful": jnp.ones((shape[0], 1), bool),
        }

    def step(self, weights, task, state):
        token = state["token"][:, None]
        read = self.decoder.rows(state["state"], state["parent"])
        reading, read = self.decoder.read(weights["model"], token, jnp.ones(token.shape, bool), read)
        return self._extend(task, {**state, "state": read}, reading)

    def candidates(self, task, state, scores):
        """The best extensions of the running beams by one token.

        Args:
          scores: float32 [B, K, V] of the tokens, added to those of the beams.

        Returns:
          scores [B, C], parent beams [B, C] and tokens [B, C].
        """
        batch, beams, vocab = scores.shape
        scores = (scores + state["running"][..., None]).reshape(batch, -1)
        ranked = scores
        if self.sample:  # the top of scores with Gumbel noise is a draw without replacement
            written = state["seen"].length - state["seen"].prompt
            draws = jax.vmap(lambda key: jax.random.fold_in(key, written))(task.keys)
            ranked = scores + jax.vmap(lambda key: jax.random.gumbel(key, scores.shape[1:]))(draws)
        # So many that enough are left when the best ones end.
        _, index = jax.lax.top_k(ranked, max(2, 1 + len(self.eos)) * beams)
        return jnp.take_along_axis(scores, index, 1), index // vocab, (index % vocab).astype(jnp.int32)

    def ends(self, task, seen: Seen, history):
        """bool [B, C]: which of the candidates, whose new tokens are history [B, C, slots], end with their last?"""
        written = seen.length - seen.prompt
        token = history[:, :, written]
        out = jnp.isin(token, jnp.asarray(self.eos, jnp.int32)) if self.eos else jnp.zeros(token.shape, bool)
        if self.stops or self.timed:
            tokens, valid = (jnp.repeat(x, token.shape[1], 0) for x in (task.prompt, task.valid))
            flat = history.reshape(-1, self.slots)
            after = seen._replace(
                tokens=jnp.concatenate([tokens, flat], 1),
                valid=jnp.concatenate([valid, jnp.broadcast_to(jnp.arange(self.slots) <= written, flat.shape)], 1),
                length=seen.length + 1,
            )
            out |= stopped(self.stops, after).reshape(token.shape)
            out |= expired(after, task.until) if self.timed else False
        return out

    def _extend(self, task, state, reading, first=False):
        """Writes one token: of the candidates, as many as there are beams go on, and some end."""
        seen, offsets = state["seen"], self.offsets(len(task.prompt))
        written = seen.length - seen.prompt
        scores = self.processed(seen, self.log_probs(reading))
        state = self.keep(state, reading, scores[None], first)
        top, parents, token = self.candidates(task, state, scores.reshape(-1, self.beams, scores.shape[-1]))
        history = pick(state["new"], parents).at[:, :, written].set(token)
        origin = pick(state["origin"], parents).at[:, :, written].set((parents + offsets).astype(jnp.int32))
        ended = self.ends(task, seen, history) | (written + 1 >= task.limit)

        running, order = jax.lax.top_k(top + jnp.where(ended, NEVER, 0.0), self.beams)
        going = {"running": running, "new": pick(history, order), "origin": pick(origin, order)}
        done = self._finish(state, top / self.norm(written + 1), ended, history, origin)

        # Can the best running beam still beat the worst that ended?
        far = task.limit if self.early_stopping == "never" and self.length_penalty > 0 else written + 1
        worst = jnp.where(done["finished"], done["ended_scores"].min(1, keepdims=True), NEVER)
        hopeful = state["hopeful"] & (running[:, :1] / self.norm(far) > worst).any(1, keepdims=True)
        full = done["finished"].all() & (self.early_stopping is True)

        flat = going["new"].reshape(-1, self.slots)
        real = jnp.broadcast_to(jnp.arange(self.slots) <= written, flat.shape)
        width = task.prompt.shape[1]
        nan = jnp.isnan(scores).any(-1).reshape(-1, self.beams).any(-1)
        return {
            **state,
            **going,
            **done,
            "seen": seen._replace(
                tokens=jnp.concatenate([seen.tokens[:, :width], flat], 1),
                valid=jnp.concatenate([seen.valid[:, :width], real], 1),
                length=seen.length + 1,
            ),
            "hopeful": hopeful,
            "go": hopeful.any() & ~full & ~ended.all(),
            "sound": state["sound"] & ~nan & (top[:, 0] > -jnp.inf),
            "token": pick(token, order).reshape(-1),
            "parent": (pick(parents, order) + offsets).reshape(-1),
        }

    def _finish(self, state, scores, ended, history, origin):
        """The best of the hypotheses that ended before and of the candidates [B, C] that end now.

        Of those only the best candidates count, as many as there are beams: the others are there to go on with.
        """
        best = ended & (jnp.arange(ended.shape[1]) < self.beams)
        full = state["finished"].all(1, keepdims=True) & (self.early_stopping is True)
        scores = scores + jnp.where(full, NEVER, 0.0) + jnp.where(state["hopeful"], 0.0, NEVER)
        scores = jnp.concatenate([state["ended_scores"], scores + jnp.where(best, 0.0, NEVER)], 1)
        ended_scores, order = jax.lax.top_k(scores, self.beams)
        return {
            "ended_scores": ended_scores,
            "ended_new": pick(jnp.concatenate([state["ended_new"], history], 1), order),
            "ended_origin": pick(jnp.concatenate([state["ended_origin"], origin], 1), order),
            "finished": pick(jnp.concatenate([state["finished"], best], 1), order),
        }

    def result(self, task, state):
        """Adds `sequences_scores` float32 [B * returned] and `beam_indices` int32 [B * returned, slots], -1 at fill.

        `written` is the longest that is returned, of so many `steps`.
        """
        names = ("ended_scores", "ended_origin", "ended_new")
        scores, origin, new = (x[:, : self.returned].reshape(-1, *x.shape[2:]) for x in map(state.get, names))
        return {
            **super().result(task, state),
            "tokens": jnp.concatenate([jnp.repeat(task.prompt, self.returned, 0), new], 1),
            "written": (origin >= 0).sum(1).max(),
            "steps": state["seen"].length - state["seen"].prompt,
            "sequences_scores": scores,
            "beam_indices": origin,
        }
