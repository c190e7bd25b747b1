"""`gather`: arrays that lie over devices and processes as arrays of NumPy, one at a time."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec


def spread(tree: Any) -> bool:
    """Do arrays of a tree lie over several processes, none of which holds them whole?"""
    return any(isinstance(x, jax.Array) and not x.is_fully_addressable for x in jax.tree.leaves(tree))


def gather(tree: Any) -> Any:
    """Every array of a tree whole, in every process, as NumPy's. All processes must call it alike.

    For results: of parameters each is copied to every device in turn; `jf.save` keeps but one.
    """
    return jax.tree.map(fetch, tree)


def local(tree: Any) -> Any:
    """A tree whose arrays that lie over several processes are whole in each of them; the others are as they were."""
    return jax.tree.map(lambda x: fetch(x) if isinstance(x, jax.Array) and not x.is_fully_addressable else x, tree)


def fetch(x: Any, at: tuple[int, ...] = (), here: bool = True) -> np.ndarray | None:
    """What lies at the index `at` of an array's leading axes (() is all of it), in memory that is freed after use.

    An array keeps the copy that `np.asarray` makes of it; fetching a tree so would hold all of it in memory.

    Args:
      x: an array of JAX, perhaps over several processes, or of NumPy.
      at: an index of its leading axes.
      here: False in processes that take part in the transfer and have no use for the array: they get None.
    """
    if not isinstance(x, jax.Array):
        return np.asarray(x[at] if at else x) if here else None
    if not x.is_fully_addressable and not (x.is_fully_replicated and not at):
        x, at = _whole(x, tuple(map(np.int32, at)), mesh=_mesh(x)), ()
    if not here:
        x.block_until_ready()
        return None
    if x.is_fully_replicated:
        x = x.addressable_data(0)
    if at:
        return np.asarray(x[at])
    parts = [shard.data for shard in x.addressable_shards]
    return np.asarray(jax.make_array_from_single_device_arrays(x.shape, x.sharding, parts))


def _mesh(x: jax.Array) -> jax.sharding.Mesh:
    if isinstance(x.sharding, NamedSharding):
        return x.sharding.mesh  # type: ignore[return-value]
    devices: Any = sorted(x.sharding.device_set, key=lambda d: d.id)  # type: ignore[attr-defined]
    return jax.sharding.Mesh(np.asarray(devices, object), ("all",))


@functools.partial(jax.jit, static_argnames="mesh")
def _whole(x, at, *, mesh):
    for i in at:
        x = jax.lax.dynamic_index_in_dim(x, i, 0, keepdims=False)
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, PartitionSpec()))
