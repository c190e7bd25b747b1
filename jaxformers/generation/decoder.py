"""How any generating head is read: decoders that continue a prompt, and encoder-decoders that write anew."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxformers.generation import dola
from jaxformers.generation.rules import ClassifierFreeGuidance
from jaxformers.model import arguments
from jaxformers.nn import cache as caches


class Task(NamedTuple):
    """The arrays of a call: a pytree. B prompts of P slots, padded on the left."""

    prompt: jax.Array  # int32 [B, P]: for an encoder-decoder the decoder's first tokens
    valid: jax.Array  # bool [B, P]: False at padding
    inputs: dict[str, jax.Array]  # what else the head reads at first: an encoder's input and its mask
    limit: Any  # int32 []: most tokens to be written
    keys: jax.Array  # a JAX key a row
    until: Any  # uint32 [2]: when writing ends, see `stopping.deadline`
    negative: tuple[jax.Array, jax.Array] | None = None  # the prompt and its mask that guidance moves away from


class Decoding(NamedTuple):
    """What a step needs beside the parameters: a pytree of arrays for R rows."""

    cache: Any
    positions: jax.Array  # int32 [R]: position of the next token, counted without padding
    inputs: dict[str, jax.Array]  # constant inputs, a row a prompt: the mask of what an encoder read


class Reading(NamedTuple):
    """What a head says of the last `keep` tokens it has read."""

    logits: jax.Array  # float32 [R, keep, V]: the model's own
    scores: jax.Array  # float32 [R, keep, V]: those, guided or contrasted with an earlier layer's if so asked for
    hidden: jax.Array | None  # [R, S, D]: the last layer's hidden states of all tokens read, if asked for
    more: dict[str, Any]  # hidden states and attention weights that are to be reported, by the reference's names


@dataclasses.dataclass(frozen=True)
class Decoder:
    """A head together with how it is read: hashable, static under `jit`.

    Args:
      head, config: the model's.
      dtype: of the key/value cache; int8 quantises it.
      stacked: are the layers a stack? The cache then is one too.
      keeps: of "hidden_states" and "attentions", what to report.
      hidden: are the last layer's hidden states needed?
      guidance: classifier-free guidance: every row is read twice, behind its prompt and behind the negative one.
      layers: those that DoLa contrasts the last one with.
      whole: windowed layers keep all keys instead of a ring of the last: tokens can be taken back, and attention
        weights have a column for each token.
    """

    head: Any
    config: Any
    dtype: Any
    stacked: bool
    keeps: tuple[str, ...] = ()
    hidden: bool = False
    guidance: float | None = None
    layers: tuple[int, ...] = ()
    whole: bool = False

    def cache(self, rows: int, slots: int):
        """An empty cache of the head's for `rows` rows, of `slots` slots."""
        ring = {"ring": False} if self.whole and "ring" in arguments(self.head.cache) else {}
        return self.head.cache(self.config, rows, slots, self.dtype, self.stacked, **ring)

    def start(self, params, task: Task, slots: int, keep: int = 1) -> tuple[Reading, Decoding]:
        """Reads the prompts into a new cache with `slots` slots more than they have."""
        tokens, valid, inputs = task.prompt, task.valid, task.inputs
        if self.guidance is not None:
            other, real = task.negative or (tokens, valid)
            tokens, valid = jnp.concatenate([tokens, other]), jnp.concatenate([valid, real])
            if not self.head.reads_source:  # whose inputs are those of both already
                inputs = {n: jnp.concatenate([x, x]) for n, x in inputs.items()}
        cache = self.cache(tokens.shape[0], tokens.shape[1] + slots)
        state = Decoding(cache, jnp.zeros(tokens.shape[0], jnp.int32), inputs)
        return self._read(params, tokens, valid, state, keep)

    def read(self, params, tokens, valid, state: Decoding, keep: int = 1) -> tuple[Reading, Decoding]:
        """Reads tokens int32 [R, S], real where valid [R, S], behind what was read before."""
        if self.guidance is not None:
            tokens, valid = (jnp.concatenate([x, x]) for x in (tokens, valid))
        return self._read(params, tokens, valid, state, keep)

    def _read(self, params, tokens, valid, state, keep):
        known, both = arguments(self.head.apply), self.head.reads_source
        steps = jnp.cumsum(valid, -1)
        inputs: dict[str, Any] = dict(state.inputs)
        if both:
            inputs |= {"decoder_input_ids": tokens, "decoder_attention_mask": valid}
        else:
            inputs |= {"input_ids": tokens, "attention_mask": valid}
            inputs["position_ids"] = jnp.maximum(state.positions[:, None] + steps - 1, 0)
        if "logits_to_keep" in known:
            inputs["logits_to_keep"] = keep
        inputs["output_hidden_states"] = "hidden_states" in self.keeps or self.hidden or bool(self.layers)
        inputs["output_attentions"] = "attentions" in self.keeps
        inputs = {name: x for name, x in inputs.items() if name in known}
        out = self.head.apply(params, self.config, past_key_values=state.cache, **inputs)

        logits = scores = out.logits[:, -keep:].astype(jnp.float32)
        if self.layers:
            words = [self.head.words(params, self.config, out.hidden_states[i][:, -keep:]) for i in self.layers]
            scores = dola.contrast(logits, jnp.stack([x.astype(jnp.float32) for x in words]))
        hidden = out["decoder_hidden_states" if both else "hidden_states"][-1] if self.hidden else None
        more = self._more(out)
        if self.guidance is not None:
            guide = ClassifierFreeGuidance(self.guidance, normalize=True).guide
            scores = guide(jnp.split(scores, 2)[0], jnp.split(logits, 2)[1])
            logits, hidden, more = jax.tree.map(lambda x: x[: x.shape[0] // 2], (logits, hidden, more))
        masks = {"attention_mask"} if both else {"encoder_attention_mask"}
        kept = {name: x for name, x in state.inputs.items() if name in masks}
        return Reading(logits, scores, hidden, more), Decoding(
            out.past_key_values, state.positions + steps[:, -1], kept
        )

    def _more(self, out) -> dict[str, Any]:
        """The outputs that `keeps` names: every field of that kind, so the encoder's and the cross attentions too."""
        names = [n for n in out if any(n.endswith(kind) for kind in self.keeps)]
        return {n: out[n] for n in names}

    def rows(self, state: Decoding, index) -> Decoding:
        """The state of rows `index` int [R'] of R: repeats rows for beams, and follows beams that overtake others.

        Rows of one prompt stay side by side: what an encoder read is kept once a prompt.
        """
        if self.guidance is not None:
            index = jnp.concatenate([index, index + state.positions.shape[0] // 2])
        return Decoding(caches.select(state.cache, index), state.positions[index], state.inputs)

    def rewind(self, state: Decoding, index) -> Decoding:
        """The state as it was when slot `index` (int32 []) was the next to be read."""
        cache = caches.rewind(state.cache, index)
        return Decoding(cache, cache["mask"].sum(1, dtype=jnp.int32), state.inputs)
