"""SpecAugment: spans of time, or of features, hidden at random. https://arxiv.org/abs/1904.08779"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.errors import InputError


def spans(key, rows: int, size: int, share: float, width: int, least: int = 0, lengths=None):
    """bool [rows, size]: True in spans of `width`, each row's starting at places drawn without replacement.

    Args:
      key: a JAX key.
      share: of a row that spans would hide if they did not overlap; how many there are is rounded at random.
      least: spans at least, where there is room.
      lengths: int [rows], how much of each row is real, or None for all of it; spans begin and end there.
    """
    if not 1 <= width <= size:
        raise InputError("spec_augment", [f"spans must be from 1 to {size} wide, got {width}"])
    k_round, k_place = jax.random.split(key)
    most = min(max(int(share * size / width + 1), least), size // width)
    lengths = jnp.full((rows,), size) if lengths is None else lengths
    room = lengths - (width - 1)  # places to start
    wanted = jnp.floor(share * lengths / width + jax.random.uniform(k_round)).astype(jnp.int32)
    wanted = jnp.clip(jnp.maximum(wanted, least), 0, jnp.minimum(most, jnp.maximum(room, 0)))
    places = jnp.where(jnp.arange(size) < room[:, None], jax.random.uniform(k_place, (rows, size)), -1)
    starts = jax.lax.top_k(places, most)[1][..., None]  # [rows, most, 1]
    inside = (starts <= jnp.arange(size)) & (jnp.arange(size) < starts + width)
    return (inside & (jnp.arange(most) < wanted[:, None])[..., None]).any(1)
