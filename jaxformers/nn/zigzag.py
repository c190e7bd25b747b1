"""Positions of a causal text dealt to devices so that each has as much to compute.

Of n devices the i-th holds, in a text's own order, the i-th n-th; its last queries see n times as much as the first
device's. Cut into 2 n pieces, device i takes pieces i and 2 n - 1 - i instead, one early and one late: what they see
adds up to the same for all. Inside `shard_map` only.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np


def order(length: int, ways: int) -> np.ndarray:
    """int32 [length]: the positions of each device in turn."""
    pieces = np.arange(length, dtype=np.int32).reshape(2 * ways, -1)
    return np.stack([pieces[:ways], pieces[: ways - 1 : -1]], 1).reshape(-1)


def deal(x, axes, axis: int):
    """A device's own n-th of a text along `axis` -> its two pieces, the early one first."""
    ways, early = jax.lax.axis_size(axes), jax.lax.axis_index(axes) % 2 == 0
    got = [jax.lax.ppermute(half, axes, _way(ways, i)) for i, half in enumerate(jnp.split(x, 2, axis))]
    # Even pieces come the one way and odd ones the other, and a device's two pieces are one of each.
    return jnp.where(early, jnp.concatenate(got, axis), jnp.concatenate(got[::-1], axis))


def back(x, axes, axis: int):
    """What `deal` did, undone."""
    ways, early = jax.lax.axis_size(axes), jax.lax.axis_index(axes) % 2 == 0
    a, b = jnp.split(x, 2, axis)
    halves = jnp.where(early, a, b), jnp.where(early, b, a)
    return jnp.concatenate(
        [jax.lax.ppermute(half, axes, [(to, at) for at, to in _way(ways, i)]) for i, half in enumerate(halves)], axis
    )


def _way(ways: int, odd: int) -> list[tuple[int, int]]:
    """(from, to) of the even or the odd pieces."""
    return [(i, min(piece, 2 * ways - 1 - piece)) for i, piece in enumerate(range(odd, 2 * ways, 2))]
