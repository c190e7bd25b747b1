"""Beam search for texts in which given phrases occur."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.beams import pick
from jaxformers.generation.constraints import Automaton, Constraint
from jaxformers.generation.groups import GroupBeamSearch


@dataclasses.dataclass(frozen=True)
class ConstrainedBeamSearch(GroupBeamSearch):
    """Beam search, in one group, that also goes on with tokens that lead towards `constraints`.

    Beams are ranked by banks: those that have got equally far with the constraints. The best of each bank go on first,
    then the second best, and so on (https://arxiv.org/abs/1804.06609), as in the `ConstrainedBeamSearchScorer` of
    transformers 4.53.3. What the prompt holds counts. Only texts in which everything occurs are listed; at the limit
    the others join them if there are too few, so a phrase that does not fit is no error.

    The lists also hold `progress`, how far each beam has got, and `alike` bool [B, G, M, M]: which beams are the same.

    Args:
      constraints: what must occur.
    """

    constraints: tuple[Constraint, ...] = ()

    @property
    def automaton(self) -> Automaton:
        return Automaton(self.constraints)

    def begin_beams(self, task):
        lists = super().begin_beams(task)["lists"]
        read = self.automaton.read(task.prompt, task.valid)
        progress = jax.tree.map(lambda x: jnp.repeat(x[:, None, None], self.beams, 2), read)
        alike = jnp.ones((len(task.prompt), 1, self.beams, self.beams), bool)
        return {"lists": {**lists, "progress": progress, "alike": alike}}

    def counts(self, lists, parents, token):
        before = jax.tree.map(lambda x: pick(x, parents), lists["progress"])
        whole = before.complete.all(-1)
        if not (self.stops or self.timed):
            return whole
        # A token that closes the text is no part of it; the last before a stop is.
        after = self.automaton.add(before, token).complete.all(-1)
        return jnp.where(self._closes(token), whole, after) if self.eos else after

    def joins(self, lists):
        whole = lists["progress"].complete.all(-1)
        return whole | (whole.sum(-1, keepdims=True) < self.returned)

    def steer(self, lists, scores, going):
        machine, progress = self.automaton, lists["progress"]
        _, parents, token = going
        offered, there, instead = machine.offers(progress)

        # Each text once. Beams that are alike offer alike.
        earlier = jnp.tril(jnp.ones((self.size, self.size), bool), -1)
        there &= ~(lists["alike"] & earlier).any(-1, keepdims=True)
        same = pick(lists["alike"], parents)[..., None] & (token[:, :, None, None] == offered[:, None])
        there &= ~same.any(1)

        totals = jnp.take_along_axis(scores, jnp.maximum(offered, 0), -1) + lists["running"][..., None]
        beam = jnp.broadcast_to(jnp.arange(self.size)[:, None], offered.shape)
        offers = (x.reshape(len(x), -1) for x in (totals, beam, offered))
        all_scores, all_parents, all_tokens = (jnp.concatenate(x, 1) for x in zip(going, offers, strict=True))
        after = machine.add(jax.tree.map(lambda x: pick(x, all_parents), progress), all_tokens)
        instead = jnp.pad(instead.reshape(len(token), -1), ((0, 0), (self.size, 0)), constant_values=-1)
        banks = jnp.where(instead >= 0, instead, machine.bank(after))
        real = jnp.pad(there.reshape(len(token), -1), ((0, 0), (self.size, 0)), constant_values=True)
        order = _by_banks(all_scores, banks, real, self.size)
        # Where nothing is offered the ranking of the scores stays.
        order = jnp.where(there.any((1, 2))[:, None], order, jnp.arange(self.size))

        running, parents, token, after = jax.tree.map(
            lambda x: pick(x, order), (all_scores, all_parents, all_tokens, after)
        )
        alike = jnp.take_along_axis(pick(lists["alike"], parents), parents[:, None], 2)
        alike &= token[:, :, None] == token[:, None]
        return (running, parents, token), {"progress": after, "alike": alike}


def _by_banks(scores, banks, real, size: int):
    """The first of candidates [B, C]: the best of each bank, the second of each and so on: int [B, size].

    A bank weighs 100 in log-probability, so one that is very much worse may fall apart into several. Candidates that
    are not `real` come last.
    """
    weighed = (banks * 100).astype(scores.dtype) + scores
    lowest = jnp.finfo(scores.dtype).min  # above -inf, the score of banned tokens
    _, order = jax.lax.top_k(jnp.where(real, jnp.maximum(weighed, lowest), -jnp.inf), scores.shape[1])
    banks, real = pick(banks, order), pick(real, order)
    place = jnp.broadcast_to(jnp.arange(banks.shape[1]), banks.shape)
    new = jnp.concatenate([jnp.ones_like(real[:, :1]), banks[:, 1:] != banks[:, :-1]], 1)
    rank = place - jax.lax.cummax(jnp.where(new, place, 0), axis=1)
    _, first = jax.lax.top_k(jnp.where(real, -rank.astype(scores.dtype), -jnp.inf), size)
    return pick(order, first)
