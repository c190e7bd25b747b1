"""Assisted decoding: cheap guesses, of which one reading by the model keeps those that it would have written itself.

Speculative decoding (https://arxiv.org/abs/2211.17192) with guesses by a smaller model or by looking up what followed
the last tokens before. A guess stands if it is the very token that the model chooses there. When sampling, guesses
and model draw with the same noise (https://arxiv.org/abs/2408.07978), so they often agree; and whatever the guesses
are, the text is the one that plain decoding writes with the same key.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers.generation.decoder import Decoder
from jaxformers.generation.loop import Method, put

_NONE = -1  # no guess


@dataclasses.dataclass(frozen=True)
class Assisted(Method):
    """Writes as many tokens a step as the guesses of every row allow, and one more.

    The state adds `done` bool [R], the decoder's `state`, in which the last token is not read yet, the `draft`'s, and
    `wanted` int32 []: guesses to make.

    Args:
      guesses: most guesses a step.
      draft: the smaller model; None looks guesses up in the text.
      least: a draft leaves off after a guess less probable than this.
      adapts: make two guesses more after a step in which all stood, one less after others.
      ngram: most tokens that must have occurred before, for a look-up.
    """

    guesses: int = 20
    draft: Decoder | None = None
    least: float = 0.0
    adapts: bool = False
    ngram: int = 2

    @property
    def buffer(self) -> int:
        return self.slots + self.guesses + 1  # a step's guesses may go beyond the end

    def first(self, weights, task):
        seen = self.begin_seen(task)
        rows = jnp.zeros(len(task.prompt), bool)
        reading, read = self.decoder.start(weights["model"], task, self.buffer)
        state = {"seen": seen, "state": read, "wanted": jnp.asarray(self.guesses, jnp.int32)}
        if self.draft is not None:
            # Behind the prompts' own inputs come those that guidance moves the model away from.
            own = {n: x[: len(task.prompt)] for n, x in task.inputs.items()}
            _, state["draft"] = self.draft.start(weights["draft"], task._replace(inputs=own), self.buffer)
        token, scores, sound = self.choose(seen, reading.scores[:, -1], task.keys)
        state = self.keep(state, reading, scores[None], first=True)
        after = put(seen, token, ~rows)
        ended = self.ended(task, after)
        return {**state, "seen": after, "done": ended, "sound": sound, "go": (task.limit > 1) & ~ended.all()}

    def step(self, weights, task, state):
        seen, done = state["seen"], state["done"]
        start = seen.length
        guesses, state = self._guess(weights, task, state)
        last = jax.lax.dynamic_slice_in_dim(seen.tokens, start - 1, 1, 1)
        tokens = jnp.concatenate([last, jnp.maximum(guesses, 0)], 1)
        real = jnp.ones(tokens.shape, bool)
        reading, read = self.decoder.read(weights["model"], tokens, real, state["state"], keep=tokens.shape[1])
        chosen, scores, sound, ends = self._choices(task, seen, done, guesses, reading)

        # A row may take the tokens up to the first guess that it does not stand by; all that follows its end is fill.
        count = tokens.shape[1]
        stand = jnp.cumprod(guesses == chosen[:, :-1], 1).sum(1)
        end = jnp.where(ends.any(1), jnp.argmax(ends, 1), count)
        needed = jnp.minimum(stand, end) + 1
        taken = jnp.where(done | (end <= stand), count, needed).min()
        taken = jnp.minimum(taken, jnp.where(done, 1, needed).max())
        taken = jnp.minimum(taken, task.limit - (start - seen.prompt))

        steps = jnp.arange(count)
        live = ~done[:, None] & (steps <= end[:, None])
        state = self.keep(state, reading, scores, first=False)
        after = seen._replace(
            tokens=jax.lax.dynamic_update_slice(seen.tokens, jnp.where(live, chosen, self.fill), (0, start)),
            valid=jax.lax.dynamic_update_slice(seen.valid, live & (steps < taken), (0, start)),
            length=start + taken,
        )
        wanted = jnp.where(taken == state["wanted"] + 1, state["wanted"] + 2, state["wanted"] - 1)
        ended = done | (end < taken)
        return {
            **state,
            "seen": after,
            "state": self.decoder.rewind(read, after.length - 1),
            "done": ended,
            "sound": state["sound"] & (sound | ~live | (steps >= taken)).all(1),
            "wanted": jnp.clip(wanted, 1, self.guesses) if self.adapts else state["wanted"],
            "go": (after.length - after.prompt < task.limit) & ~ended.all(),
        }

    def _choices(self, task, seen, done, guesses, reading):
        """What the model writes at each place, were all guesses before it right.

        Returns:
          tokens int32 [R, n], processed scores [n, R, V] (None unless kept), sound bool [R, n], ends bool [R, n].
        """
        tokens = jax.lax.dynamic_update_slice(seen.tokens, jnp.maximum(guesses, 0), (0, seen.length))
        slots = jnp.arange(tokens.shape[1])

        def place(_, x):
            i, scores = x
            real = seen.valid | ((slots >= seen.length) & (slots < seen.length + i))
            before = seen._replace(tokens=tokens, valid=real, length=seen.length + i)
            token, scores, sound = self.choose(before, scores, task.keys)
            ends = self.ended(task, put(before, token, ~done))
            return None, (token, scores if "scores" in self.keeps else None, sound, ends)

        places = jnp.arange(reading.scores.shape[1]), jnp.moveaxis(reading.scores, 1, 0)
        _, (chosen, scores, sound, ends) = jax.lax.scan(place, None, places)
        return chosen.T, scores, sound.T, ends.T

    # -------------------------------------------------------------------------------------------- guesses

    def _guess(self, weights, task, state):
        """Guesses int32 [R, guesses], -1 where there is none, and the state."""
        if self.draft is None:
            return self._look_up(state["seen"]), state
        seen, params = state["seen"], weights["draft"]
        # The draft has read all but the last two tokens at least, the guesses of the step before perhaps too many.
        draft = self.draft.rewind(state["draft"], seen.length - 2)
        tokens, real = (jax.lax.dynamic_slice_in_dim(x, seen.length - 2, 2, 1) for x in (seen.tokens, seen.valid))
        reading, draft = self.draft.read(params, tokens, real, draft)
        token, sure = self._draw(task, seen, reading)
        guesses = jnp.full((len(token), self.guesses), _NONE, jnp.int32).at[:, 0].set(token)
        ones = jnp.ones((len(token), 1), bool)

        def more(loop):
            i, _, _, _, _, sure = loop
            return (i < state["wanted"]) & (sure & ~state["done"]).any()

        def guess(loop):
            i, guesses, token, trial, draft, sure = loop
            trial = put(trial, token, ones[:, 0])
            reading, draft = self.draft.read(params, token[:, None], ones, draft)
            token, still = self._draw(task, trial, reading)
            return i + 1, guesses.at[:, i].set(jnp.where(sure, token, _NONE)), token, trial, draft, sure & still

        loop = (jnp.asarray(1), guesses, token, seen, draft, sure)
        _, guesses, _, _, draft, _ = jax.lax.while_loop(more, guess, loop)
        return guesses, {**state, "draft": draft}

    def _draw(self, task, seen, reading):
        """The draft's token [R], and whether it is probable enough to go on."""
        token, scores, _ = self.choose(seen, reading.scores[:, -1], task.keys)
        probs = jax.nn.softmax(scores, -1)
        return token, jnp.take_along_axis(probs, token[:, None], 1)[:, 0] >= self.least

    def _look_up(self, seen):
        """What followed the first place where the last tokens, as many as possible, stood before."""
        slots = jnp.arange(seen.tokens.shape[1])
        found = jnp.zeros(len(seen.tokens), bool)
        begin = jnp.zeros(len(seen.tokens), jnp.int32)
        for n in range(min(self.ngram, seen.tokens.shape[1] - 1), 0, -1):
            at = seen.length - n
            last = jax.lax.dynamic_slice_in_dim(seen.tokens, jnp.maximum(at, 0), n, 1)
            real = jax.lax.dynamic_slice_in_dim(seen.valid, jnp.maximum(at, 0), n, 1).all(1) & (at >= 0)
            same = real[:, None] & (slots + n < seen.length)
            for i in range(n):  # over the n-gram's tokens; places are compared all at once
                token, known = (jnp.roll(x, -i, 1) for x in (seen.tokens, seen.valid))
                same &= known & (token == last[:, i : i + 1])
            begin = jnp.where(found, begin, jnp.argmax(same, 1).astype(jnp.int32) + n)
            found |= same.any(1)
        index = begin[:, None] + jnp.arange(self.guesses)
        tokens = jnp.take_along_axis(seen.tokens, jnp.minimum(index, len(slots) - 1), 1)
        return jnp.where(found[:, None] & (index < seen.length), tokens, _NONE)
