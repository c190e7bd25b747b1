"""One decoding step of any generating head: decoders that continue a prompt, and encoder-decoders that write anew."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxformers.model import arguments
from jaxformers.nn.cache import select


class Decoding(NamedTuple):
    """What a step needs beside the parameters: a pytree of arrays for R rows."""

    cache: Any
    positions: jax.Array  # int32 [R]: position of the next token, counted without padding
    inputs: dict[str, jax.Array]  # constant inputs: an encoder's output and its mask


def forward(head, config, params, tokens, valid, state: Decoding) -> tuple[jax.Array, Decoding]:
    """Reads tokens int32 [R, S], real where valid [R, S], and scores what follows the last: float32 [R, V]."""
    known = arguments(head.apply)
    steps = jnp.cumsum(valid, -1)
    inputs: dict[str, Any] = dict(state.inputs)
    if config.is_encoder_decoder:
        inputs |= {"decoder_input_ids": tokens, "decoder_attention_mask": valid}
    else:
        inputs |= {"input_ids": tokens, "attention_mask": valid}
        inputs["position_ids"] = jnp.maximum(state.positions[:, None] + steps - 1, 0)
    if "logits_to_keep" in known:
        inputs["logits_to_keep"] = 1
    out = head.apply(params, config, past_key_values=state.cache, **inputs)
    kept = dict(state.inputs)
    if config.is_encoder_decoder and "encoder_outputs" not in kept:
        kept = {"encoder_outputs": out.encoder_last_hidden_state, "attention_mask": kept["attention_mask"]}
    return out.logits[:, -1].astype(jnp.float32), Decoding(out.past_key_values, state.positions + steps[:, -1], kept)


def start(head, config, params, prompt, valid, slots: int, dtype, stacked: bool, inputs) -> tuple[jax.Array, Decoding]:
    """Reads the prompt int32 [B, P] into a new cache of `slots` slots; scores of the first new token [B, V]."""
    cache = head.cache(config, prompt.shape[0], slots, dtype, stacked)
    return forward(head, config, params, prompt, valid, Decoding(cache, jnp.zeros(prompt.shape[0], jnp.int32), inputs))


def rows(state: Decoding, index) -> Decoding:
    """The state of rows `index` int [R'] of R: repeats rows for beams, and follows beams that overtake others."""
    inputs = {name: x[index] for name, x in state.inputs.items()}
    return Decoding(select(state.cache, index), state.positions[index], inputs)
