"""`constrain`: where activations lie on a mesh, at the few points that decide it for what lies between them."""

from __future__ import annotations

import jax
from jax.sharding import NamedSharding, PartitionSpec

from jaxformers import context, sharding
from jaxformers.nn.device import free_mesh


def constrain(x, axes: str, always: bool = False):
    """x laid over the mesh of the run context as its rules say; x itself where there is none. See `jf.running`.

    Args:
      x: an array.
      axes: a logical axis for each of its dimensions, "-" for one that stays whole, "*" for one that XLA may split as
        it likes: "batch sequence heads -". One that does not divide stays whole.
      always: also where the rules split none of them; else that is left to XLA.
    """
    mesh, free = free_mesh()
    if mesh is None or not free.shape:
        return x
    words = axes.split()
    where = sharding.partition(tuple(words), x.shape, free, context.current().rules)
    if "*" in words:
        parts = [*where, *[None] * (x.ndim - len(where))]
        open_ = PartitionSpec.UNCONSTRAINED
        where = PartitionSpec(*(open_ if w == "*" else p for w, p in zip(words, parts, strict=True)))
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, where)) if where or always else x


def residual(x):
    """The stream between blocks: [B, S, D], or another shape whose first axis is the batch."""
    if x.ndim < 2:
        return x
    return constrain(x, "batch residual -" if x.ndim == 3 else "batch" + " -" * (x.ndim - 1))


def positions_whole(x):
    """What convolutions run along, [B, ..., C]: positions on one device, as neighbours belong together.

    XLA can split a convolution's positions over devices, and its result was seen to be wrong when its channels were
    split as well.
    """
    return constrain(x, "batch" + " -" * (x.ndim - 2) + " *")
