"""What a call reports beside its tokens: kept in buffers while it runs, then given the reference's form."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers.errors import InputError

Kept = dict[str, Any]


def begin(reading, slots: int) -> Kept:
    """Empty buffers for what the decoder reports, and what it said of the prompt itself."""
    if not reading.more:
        return {}

    def blank(x):
        return jnp.zeros((slots, *x.shape[:-2], 1, x.shape[-1]), x.dtype)

    steps = {n: x for n, x in reading.more.items() if not n.startswith("encoder_")}
    return {"prompt": reading.more, **jax.tree.map(blank, steps)}


def add(kept: Kept, at, slots: int, first: bool = False, more: Any = None, **values: Any) -> Kept:
    """`kept` with one entry more for each of n tokens, the first in slot `at` (int32 []).

    Args:
      slots: how many a new buffer has.
      first: `more` is of the prompt, which `begin` has put aside.
      more: of `Reading.more`: arrays whose last axis but one is the n tokens.
      values: arrays [n, R, ...] by name.
    """
    out = dict(kept)
    for name, value in values.items():
        buffer = out.get(name, jnp.zeros((slots, *value.shape[1:]), value.dtype))
        out[name] = jax.lax.dynamic_update_slice_in_dim(buffer, value, at, 0)
    for name, layers in {} if first else (more or {}).items():
        steps = jax.tree.map(lambda x: jnp.moveaxis(x, -2, 0)[..., None, :], layers)
        out[name] = jax.tree.map(
            lambda buffer, x: jax.lax.dynamic_update_slice_in_dim(buffer, x, at, 0), out[name], steps
        )
    return out


def report(
    kept: Kept, count: int, rows: int, prompt: tuple[int, int], source: tuple[int, int | None], repeats: int = 1
) -> dict[str, Any]:
    """The fields of an output: a tuple with an entry for each of `count` tokens, as in transformers 4.57.6.

    `scores` and `logits` have entries [R, V]. Entries of `hidden_states` are tuples over layers of [R, S, D], those of
    `attentions` of [R, N, S, T]: S is the prompt's length for the first and 1 for the others, T all tokens up to
    there. What an encoder reports is a tuple over its layers.

    Args:
      kept: of the program.
      rows: of the padded batch, how many were asked for.
      prompt: the decoder's prompt: tokens, and slots that they take with padding on the left.
      source: the encoder's input: rows, and tokens with padding on the right; None where nothing was padded.
      repeats: how often each of these rows was read.
    """
    kept = jax.tree.map(np.asarray, kept)
    skipped = prompt[1] - prompt[0]
    at_first = kept.pop("prompt", {})

    def cut(name: str, x, t: int):
        x = x[:rows]
        x = x[..., skipped:, :] if t == 0 else x
        if name.startswith("cross"):
            return x[..., : source[1]]
        return x[..., skipped : prompt[1] + t] if name.endswith("attentions") else x

    out: dict[str, Any] = {}
    for name, first in at_first.items():
        if name.startswith("encoder_"):
            end = source[1] if name.endswith("attentions") else None
            read = slice(0, source[0] * repeats, repeats)
            out[name] = tuple(x[read, ..., : source[1], :end] for x in first)
        else:
            steps = kept.pop(name)
            entries = [first, *([x[t] for x in steps] for t in range(1, count))]
            out[name] = tuple(tuple(cut(name, x, t) for x in layers) for t, layers in enumerate(entries))
    return {**{name: tuple(x[:count, :rows]) for name, x in kept.items()}, **out}


def transition_scores(sequences, scores, beam_indices=None, normalize_logits: bool = False) -> np.ndarray:
    """The scores of the tokens that were written: float32 [R, L], 0 behind a beam's end.

    Args:
      sequences: int [R, P + L].
      scores: an output's `scores`, a tuple of L arrays [R', V].
      beam_indices: int [R, L], of a beam search: the row of `scores` that each token came from, -1 behind the end.
      normalize_logits: make the scores log-probabilities first.

    Raises:
      InputError: the output has no scores.
    """
    if scores is None or not len(scores):
        problem = "scores must be an output's, got none"
        raise InputError("transition_scores", [problem], "generate with return_dict_in_generate and output_scores")
    sequences, table = np.asarray(sequences), np.stack([np.asarray(x) for x in scores])
    if normalize_logits:
        table = np.asarray(jax.nn.log_softmax(table, -1))
    if beam_indices is None:
        beam_indices = np.broadcast_to(np.arange(len(sequences))[:, None], (len(sequences), len(table)))
    beam_indices = np.asarray(beam_indices)
    length = int((beam_indices >= 0).sum(1).max())
    beam_indices = beam_indices[:, :length]
    tokens = sequences[:, sequences.shape[1] - length :]
    picked = table[np.arange(length)[None], np.maximum(beam_indices, 0), tokens]
    return np.where(beam_indices < 0, 0, picked).astype(np.float32)
