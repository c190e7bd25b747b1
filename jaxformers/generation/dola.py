"""DoLa: words that the last layer finds likelier than an earlier one does. https://arxiv.org/abs/2309.03883"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxformers.errors import InputError

_LEAST = 0.1  # words less probable than this share of the most probable are banned
_BASE = -1e-3  # what is subtracted from banned words, so that they stay banned


def layers(choice: str | tuple[int, ...], depth: int, tied: bool) -> tuple[int, ...]:
    """The layers to contrast with, 0 being the word embeddings.

    "low" and "high" are every second layer of the lower and upper half of `depth`, at most twenty layers wide; where
    the embeddings are tied to the output layer, "low" leaves them out, as they would only repeat the input.

    Raises:
      InputError: no layer below the last is left.
    """
    if choice == "low":
        first = 0 if not tied else 2 if depth > 2 else depth - 1
        end = depth // 2 if depth <= 40 else 20
        chosen = (first,) if first == depth // 2 else tuple(range(first, end, 2))
    elif choice == "high":
        chosen = tuple(range(depth // 2 if depth <= 40 else depth - 20, depth, 2))
    else:
        chosen = tuple(i for i in choice if isinstance(i, int) and i < depth)
    if not chosen:
        problem = f"dola_layers must name a layer below the last, {depth}, got {choice!r}"
        raise InputError("generate", [problem], "name layers by number")
    return chosen


def contrast(final, early):
    """final float32 [R, S, V] less whichever of early [E, R, S, V] differs most from it by Jensen-Shannon divergence.

    The layer is chosen for every row and token. (The PyTorch library chooses one for the whole batch.)
    """
    if early.shape[0] == 1:
        base = early[0]
    else:
        mean = 0.5 * (jax.nn.softmax(final, -1) + jax.nn.softmax(early, -1))

        def divergence(logits):
            return jnp.where(mean > 0, mean * (jnp.log(mean) - jax.nn.log_softmax(logits, -1)), 0.0).mean(-1)

        chosen = jnp.argmax(divergence(final) + divergence(early), 0)  # [R, S]
        base = jnp.take_along_axis(early, chosen[None, ..., None], 0)[0]
    final, base = jax.nn.log_softmax(final, -1), jax.nn.log_softmax(base, -1)
    banned = final < final.max(-1, keepdims=True) + math.log(_LEAST)
    return jnp.where(banned, -jnp.inf, final) - jnp.where(banned, _BASE, base)
