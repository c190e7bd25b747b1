"""Beam search as one XLA program, with the reference's rules for ending, penalising and stopping."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers.generation import decoder
from jaxformers.generation.loop import Plan, begin_seen, ends

_NEVER = -1e9  # the score of what must not be chosen


def _pick(x, index):
    """x [B, M, ...] at index int [B, M'] along its second axis."""
    return jnp.take_along_axis(x, index.reshape(*index.shape, *[1] * (x.ndim - 2)), 1)


@dataclasses.dataclass(frozen=True)
class Search:
    """The steps of the search. Its state is a dict with, for B prompts and K beams,

    * `running` [B, K], `new` [B, K, slots], `origin` [B, K, slots]: the beams that go on, their scores, new tokens,
      and the row that each token came from;
    * `ended_scores`, `ended_new`, `ended_origin`, `finished` bool [B, K]: the best that ended;
    * `hopeful` bool [B, 1]: a running beam may still beat them; `go` bool []: another step is worth it;
    * `seen`, `token`, `parent`, `state` of the B * K rows.
    """

    head: Any
    config: Any
    plan: Plan
    params: Any
    keys: Any
    limit: Any
    batch: int

    def norm(self, count):
        return jnp.asarray(count, jnp.float32) ** self.plan.length_penalty

    @property
    def offsets(self):
        return jnp.arange(self.batch)[:, None] * self.plan.beams

    def first(self, prompt, valid, inputs):
        plan, shape = self.plan, (self.batch, self.plan.beams)
        width = prompt.shape[1] + plan.slots
        logits, state = decoder.start(
            self.head, self.config, self.params, prompt, valid, width, plan.dtype, plan.stacked, inputs
        )
        every = jnp.repeat(jnp.arange(self.batch), plan.beams)
        repeated = {name: x[every] for name, x in inputs.items()}
        blank, nowhere = (jnp.full((*shape, plan.slots), x, jnp.int32) for x in (plan.fill, -1))
        loop = {
            "state": decoder.rows(state, every),
            "seen": begin_seen(prompt[every], valid[every], plan.slots, repeated),
            "running": jnp.broadcast_to(jnp.where(jnp.arange(plan.beams) == 0, 0.0, _NEVER), shape),
            "new": blank,
            "origin": nowhere,
            "ended_scores": jnp.full(shape, _NEVER),
            "ended_new": blank,
            "ended_origin": nowhere,
            "finished": jnp.zeros(shape, bool),
            "hopeful": jnp.ones((self.batch, 1), bool),
        }
        return self.extend(loop, logits[every])

    def step(self, loop):
        token = loop["token"][:, None]
        state = decoder.rows(loop["state"], loop["parent"])
        valid = jnp.ones(token.shape, bool)
        logits, state = decoder.forward(self.head, self.config, self.params, token, valid, state)
        return self.extend({**loop, "state": state}, logits)

    def candidates(self, loop, logits):
        """The best extensions of all beams by one token: scores [B, C], parent beams [B, C] and tokens [B, C]."""
        plan, seen = self.plan, loop["seen"]
        scores = jax.nn.log_softmax(logits, -1)
        for rule in plan.rules:
            scores = rule(seen, scores)
        vocab = scores.shape[-1]
        scores = scores.reshape(self.batch, plan.beams, vocab) + loop["running"][..., None]
        scores = scores.reshape(self.batch, -1)
        ranked = scores
        if plan.sample:  # the top of scores with Gumbel noise is a draw without replacement
            rows = self.keys.reshape(self.batch, plan.beams)[:, 0]
            draws = jax.vmap(lambda key: jax.random.fold_in(key, seen.length - seen.prompt))(rows)
            ranked = scores + jax.vmap(lambda key: jax.random.gumbel(key, scores.shape[1:]))(draws)
        # So many that enough are left when the best ones end.
        _, index = jax.lax.top_k(ranked, max(2, 1 + len(plan.eos)) * plan.beams)
        return jnp.take_along_axis(scores, index, 1), index // vocab, (index % vocab).astype(jnp.int32)

    def extend(self, loop, logits):
        """Writes one token: of the candidates, as many as there are beams go on, and some end."""
        plan, seen = self.plan, loop["seen"]
        written = seen.length - seen.prompt
        top, parents, token = self.candidates(loop, logits)
        history = _pick(loop["new"], parents).at[:, :, written].set(token)
        origin = _pick(loop["origin"], parents).at[:, :, written].set((parents + self.offsets).astype(jnp.int32))
        ended = ends(token, plan.eos) | (written + 1 >= self.limit)

        running, order = jax.lax.top_k(top + jnp.where(ended, _NEVER, 0.0), plan.beams)
        going = {"running": running, "new": _pick(history, order), "origin": _pick(origin, order)}
        done = self.finish(loop, top / self.norm(written + 1), ended, history, origin)

        # Can the best running beam still beat the worst that ended?
        far = self.limit if plan.early_stopping == "never" and plan.length_penalty > 0 else written + 1
        worst = jnp.where(done["finished"], done["ended_scores"].min(1, keepdims=True), _NEVER)
        hopeful = loop["hopeful"] & (running[:, :1] / self.norm(far) > worst).any(1, keepdims=True)
        full = done["finished"].all() & (plan.early_stopping is True)

        slots, width = plan.slots, seen.tokens.shape[1] - plan.slots
        flat = going["new"].reshape(-1, slots)
        real = jnp.broadcast_to(jnp.arange(slots) <= written, flat.shape)
        seen = seen._replace(
            tokens=jnp.concatenate([seen.tokens[:, :width], flat], 1),
            valid=jnp.concatenate([seen.valid[:, :width], real], 1),
            length=seen.length + 1,
        )
        return {
            **loop,
            **going,
            **done,
            "seen": seen,
            "hopeful": hopeful,
            "go": hopeful.any() & ~full & ~ended.all(),
            "token": _pick(token, order).reshape(-1),
            "parent": (_pick(parents, order) + self.offsets).reshape(-1),
        }

    def finish(self, loop, scores, ended, history, origin):
        """The best of the hypotheses that ended before and of the candidates [B, C] that end now.

        Of those only the best candidates count, as many as there are beams: the others are there to go on with.
        """
        plan = self.plan
        best = ended & (jnp.arange(ended.shape[1]) < plan.beams)
        full = loop["finished"].all(1, keepdims=True) & (plan.early_stopping is True)
        scores = scores + jnp.where(full, _NEVER, 0.0) + jnp.where(loop["hopeful"], 0.0, _NEVER)
        scores = jnp.concatenate([loop["ended_scores"], scores + jnp.where(best, 0.0, _NEVER)], 1)
        ended_scores, order = jax.lax.top_k(scores, plan.beams)
        return {
            "ended_scores": ended_scores,
            "ended_new": _pick(jnp.concatenate([loop["ended_new"], history], 1), order),
            "ended_origin": _pick(jnp.concatenate([loop["ended_origin"], origin], 1), order),
            "finished": _pick(jnp.concatenate([loop["finished"], best], 1), order),
        }


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def run(head, config, plan: Plan, params, prompt, valid, inputs, limit, keys):
    """Keeps `plan.beams` continuations of each prompt [B, P] and returns the `plan.returned` best that ended.

    Returns:
      tokens int32 [B * returned, P + slots], number of tokens written int32 [], scores float32 [B * returned] (sums of
      log-probabilities over length^length_penalty), and beam indices int32 [B * returned, slots], -1 after the end.
    """
    search = Search(head, config, plan, params, keys, limit, prompt.shape[0])
    loop = jax.lax.while_loop(lambda loop: loop["go"], search.step, search.first(prompt, valid, inputs))
    origin, new = (loop[n][:, : plan.returned].reshape(-1, plan.slots) for n in ("ended_origin", "ended_new"))
    tokens = jnp.concatenate([jnp.repeat(prompt, plan.returned, 0), new], 1)
    return tokens, (origin >= 0).sum(1).max(), loop["ended_scores"][:, : plan.returned].reshape(-1), origin
