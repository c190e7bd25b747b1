"""Diverse beam search: groups of beams that avoid each other's tokens."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.beams import NEVER, BeamSearch, pick
from jaxformers.generation.loop import Method
from jaxformers.generation.rules import HammingDiversity, PrefixAllowed


@dataclasses.dataclass(frozen=True)
class GroupBeamSearch(BeamSearch):
    """Beam search in groups, each with a list of its own of hypotheses that ended.

    What is listed, and when a group is over, is as in the `BeamSearchScorer` of transformers 4.53.3 and not as in
    `BeamSearch`: an ended hypothesis ends with the first of the ids in `eos`, the best candidate counts for whether a
    list can still become better even if it ends itself, and beams that still run at the end join their group's list.
    In one point it is not as there: a stopping rule ends a hypothesis, where there it can only end all rows at once.
    `beam_indices` are rows of `scores`, where there they are numbers within a group.

    For B prompts, G groups and M = K / G beams a group, the beams' state is that of `BeamSearch` with [B, G, M] for
    [B, K], and instead of `finished` and `hopeful`

    * `lengths` int [B, G, M]: tokens of the hypotheses that ended, 0 in a free place of the list;
    * `over` bool [B, G, 1]: the list is not added to any more.

    Args:
      groups: how many.
      penalty: what a token loses for each beam of an earlier group that takes it. https://arxiv.org/abs/1610.02424
    """

    groups: int = 1
    penalty: float = 0.0

    @property
    def size(self) -> int:
        """Beams of a group."""
        return self.beams // self.groups

    def begin_beams(self, task):
        """The beams before the first token, under `lists`: [B, G, ...]."""
        shape = len(task.prompt), self.groups, self.size
        blank, nowhere = (jnp.full((*shape, self.slots), x, jnp.int32) for x in (self.fill, -1))
        return {
            "lists": {
                "running": jnp.broadcast_to(jnp.where(jnp.arange(self.size) == 0, 0.0, NEVER), shape),
                "new": blank,
                "origin": nowhere,
                "ended_scores": jnp.full(shape, -jnp.inf),
                "ended_new": blank,
                "ended_origin": nowhere,
                "lengths": jnp.zeros(shape, jnp.int32),
                "over": jnp.zeros((*shape[:2], 1), bool),
            }
        }

    def processed(self, seen, scores, current=None, group=0):
        """scores [B * M, V] of one group after all rules; `current` int [B * K] are the tokens of earlier ones."""
        if self.groups > 1:
            scores = HammingDiversity(self.penalty, self.beams, self.groups)(seen, scores, current, group)
        for rule in self.rules:
            if isinstance(rule, PrefixAllowed):
                rule = dataclasses.replace(rule, beams=self.size)
            scores = rule(seen, scores)
        return scores

    def _extend(self, task, state, reading, first=False):
        """Writes one token: group after group, as each must know the tokens of those before."""
        seen, batch = state["seen"], len(task.prompt)

        def split(x):  # [B * K, ...] -> [G, B, M, ...]
            return jnp.moveaxis(x.reshape(batch, self.groups, self.size, *x.shape[1:]), 1, 0)

        def join(x):
            return jnp.moveaxis(x, 0, 1).reshape(-1, *x.shape[3:])

        def extend(current, group):
            number, scores, tokens, valid, lists = group
            here = seen._replace(**{n: x.reshape(-1, x.shape[-1]) for n, x in (("tokens", tokens), ("valid", valid))})
            scores = self.processed(here, scores.reshape(-1, scores.shape[-1]), current.reshape(-1), number)
            scores = scores.reshape(*tokens.shape[:2], -1)
            lists, token, *more = self._choose(task, here, lists, scores, number)
            return jax.lax.dynamic_update_slice(current, token, (0, number * self.size)), (lists, scores, *more)

        scores = self.log_probs(reading)
        lists = jax.tree.map(lambda x: jnp.moveaxis(x, 1, 0), state["lists"])
        groups = jnp.arange(self.groups), *map(split, (scores, seen.tokens, seen.valid)), lists
        token = jnp.zeros((batch, self.beams), jnp.int32)
        token, (lists, scores, parents, sound) = jax.lax.scan(extend, token, groups)
        state = self.keep(state, reading, join(scores)[None], first)

        count = seen.length - seen.prompt + 1
        flat, width = join(lists["new"]), task.prompt.shape[1]
        real = jnp.broadcast_to(jnp.arange(self.slots) < count, flat.shape)
        go = (count < task.limit) & ~lists["over"].all()
        if self.eos:  # beams run on behind such a token only where a constraint asks for it
            go &= ~self._closes(token).all()
        return {
            **state,
            "lists": jax.tree.map(lambda x: jnp.moveaxis(x, 0, 1), lists),
            "seen": seen._replace(
                tokens=jnp.concatenate([seen.tokens[:, :width], flat], 1),
                valid=jnp.concatenate([seen.valid[:, :width], real], 1),
                length=seen.length + 1,
            ),
            "go": go,
            "sound": state["sound"] & sound.all(0),
            "token": token.reshape(-1),
            "parent": join(parents),
        }

    def _choose(self, task, seen, lists, scores, number):
        """Writes one token of a group, whose lists are [B, M, ...] and whose processed scores are [B, M, V].

        Returns:
          its lists, its tokens int [B, M], the rows [B, M] that they follow, and whether the scores were numbers and
          left a token: bool [B].
        """
        written, over = seen.length - seen.prompt, lists["over"]
        offsets = (self.offsets(len(task.prompt)) + number * self.size).astype(jnp.int32)
        top, parents, token = self.candidates(task, {"running": lists["running"], "seen": seen}, scores)
        last = jnp.where(self._closes(token), self.eos[0], token) if self.eos else token
        history = pick(lists["new"], parents).at[:, :, written].set(last)
        origin = pick(lists["origin"], parents).at[:, :, written].set(parents + offsets)
        ended = self.ends(task, seen, history)
        scaled = top / self.norm(written + 1)
        best = jnp.arange(ended.shape[1]) < self.size
        counts, stuck = self.counts(lists, parents, token), ended.all(1, keepdims=True)
        counts |= stuck & ((counts & best).sum(1, keepdims=True) < self.returned)
        listed = ended & best & ~over & counts
        lengths = jnp.broadcast_to(written + 1, token.shape)
        done = self._list(lists, jnp.where(listed, scaled, -jnp.inf), history, origin, lengths)

        # Can the best candidate still beat the worst that ended?
        later = self.early_stopping == "never" and self.length_penalty > 0
        hope = top[:, :1] / self.norm(task.limit) if later else scaled[:, :1]
        beaten = (self.early_stopping is True) | (done["ended_scores"].min(1, keepdims=True) >= hope)
        now_over = over | stuck | ((done["lengths"] > 0).all(1, keepdims=True) & beaten)

        # The best that do not end go on.
        _, order = jax.lax.top_k(jnp.where(ended, -1.0, 0.0) - jnp.arange(ended.shape[1]) / ended.shape[1], self.size)
        going = top + jnp.where(ended, NEVER, 0.0), parents, token
        (running, parents, token), more = self.steer(lists, scores, tuple(pick(x, order) for x in going))
        token = jnp.where(over, self.fill, token)  # what the groups behind this one see of it
        lists = {
            **done,
            **more,
            "running": running,
            "new": pick(lists["new"], parents).at[:, :, written].set(token),
            "origin": pick(lists["origin"], parents).at[:, :, written].set(parents + offsets),
            "over": now_over,
        }
        sound = ~jnp.isnan(scores).any((1, 2)) & (top[:, 0] > -jnp.inf)
        return lists, token, parents + offsets, sound | over[:, 0]

    def steer(self, lists, scores, going):
        """The beams that go on, given the best: scores, parents and tokens [B, M]; and what more the lists hold."""
        return going, {}

    def counts(self, lists, parents, token):
        """bool [B, C]: may candidates that end be listed?"""
        return jnp.ones(token.shape, bool)

    def joins(self, lists):
        """bool [B, G, M]: which beams that still run at the end join the list?"""
        return jnp.ones(lists["running"].shape, bool)

    def _closes(self, token):
        return jnp.isin(token, jnp.asarray(self.eos, jnp.int32))

    def _list(self, lists, scores, new, origin, lengths):
        """The best M of a list and of hypotheses [B, C] beside it, as parts of the lists."""
        more = {"ended_scores": scores, "ended_new": new, "ended_origin": origin, "lengths": lengths}
        both = {name: jnp.concatenate([lists[name], x], 1) for name, x in more.items()}
        _, order = jax.lax.top_k(both["ended_scores"], self.size)
        return {name: pick(x, order) for name, x in both.items()}

    def result(self, task, state):
        """As for `BeamSearch`; the beams that still run join the lists, and the best of all groups are returned."""
        lists, count = state["lists"], state["seen"].length - state["seen"].prompt
        new, lengths = lists["new"], jnp.broadcast_to(count, lists["lengths"].shape)
        if self.eos:  # where all ended before the limit, with a token that a constraint had asked for
            new = jnp.where((jnp.arange(self.slots) == count) & (count < task.limit), self.eos[0], new)
            lengths = lengths + (count < task.limit)
        scores = jnp.where(self.joins(lists) & ~lists["over"], lists["running"] / self.norm(count), -jnp.inf)
        ended = jax.vmap(self._list, in_axes=1, out_axes=1)(lists, scores, new, lists["origin"], lengths)
        ended = {name: x.reshape(-1, self.beams, *x.shape[3:]) for name, x in ended.items()}
        scores, order = jax.lax.top_k(ended["ended_scores"], self.returned)
        new, origin, lengths = (
            pick(ended[n], order).reshape(-1, *ended[n].shape[2:]) for n in ("ended_new", "ended_origin", "lengths")
        )
        new = jnp.where(jnp.arange(self.slots) < lengths[:, None], new, self.fill)
        return {
            **Method.result(self, task, state),
            "tokens": jnp.concatenate([jnp.repeat(task.prompt, self.returned, 0), new], 1),
            "written": lengths.max(),
            "steps": count,
            "sequences_scores": scores.reshape(-1),
            "beam_indices": origin,
        }
