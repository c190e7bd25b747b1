"""Experts on several devices: tokens go to the devices that own their experts, and what these make of them comes back.

Where all devices have all experts each reads its own tokens: XLA would bring it all others', to sort them by expert.

https://arxiv.org/abs/2006.16668, without its dropping: a device has room for all the tokens of all others. Where the
backend can send parts of unequal length (TPU and GPU) only tokens travel, elsewhere that room does.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from jaxformers import context, sharding
from jaxformers.nn.device import free_mesh, platform


@dataclasses.dataclass(frozen=True)
class Owners:
    """Who has what: the mesh axes that experts go over, and those of the tokens' rows and positions."""

    mesh: Any
    experts: tuple[str, ...]
    tokens: tuple[tuple[str, ...], ...]


def owners(num: int, shape: tuple[int, ...]) -> Owners | None:
    """How the run context's rules split `num` experts and tokens [.., D] of this shape; None if neither.

    Where experts are split, positions go over the axes of the stream between layers and over those that would split
    the experts' own products: there is room for more rows than come, and sums of products would take the time that all
    would. Whole experts are brought there instead. Else XLA splits the products.
    """
    mesh, free = free_mesh()
    if mesh is None:
        return None
    table = context.current().rules.axes
    rows, inside, inner = (sharding.rules.over(table.get(axis)) for axis in ("batch", "mlp", "sequence"))
    stream = sharding.rules.over(table.get("residual")) or inner

    def over(axes: tuple[str, ...], sizes: tuple[int, ...], rules: sharding.Rules) -> tuple[tuple[str, ...], ...]:
        found = [*sharding.partition(axes, sizes, free, rules), *[None] * len(sizes)]
        parts = [sharding.rules.over(part) for part in found[: len(sizes)]]
        return tuple(tuple(a for a in part if free.shape[a] > 1) for part in parts)

    rules = sharding.Rules({"batch": rows, "experts": table.get("experts")})
    (experts,) = over(("experts",), (num,), rules)
    positions = dict.fromkeys((*stream, *inside) if experts else inner)
    rules = sharding.Rules({"batch": rows, "sequence": tuple(a for a in positions if a not in rows)})
    lead = min(2, len(shape) - 1)
    tokens = over(("batch", "sequence")[:lead], shape[:lead], rules)
    held = {a for part in tokens for a in part}
    if not set(experts) <= held:  # then every owner reads the same tokens
        tokens = tuple(tuple(a for a in part if a not in experts) for part in tokens)
    return Owners(mesh, experts, tokens) if experts or any(tokens) else None


def mix(own: Owners, way: Callable, p: dict, x, weights, chosen, expert: Callable, key=None):
    """`moe.mix` of tokens [.., D] over the owners, each computing the experts that it has by `way`."""
    names = {*own.experts, *(a for part in own.tokens for a in part)}
    exchanged = set(own.experts) <= {a for part in own.tokens for a in part}
    one = functools.partial(_exchanged if exchanged else _shared, own.experts) if own.experts else _alone

    def run(p, x, weights, chosen, key):
        flat = (a.reshape(-1, a.shape[-1]) for a in (x, weights, chosen))
        noisy = expert
        if key is not None:
            noisy = functools.partial(expert, key=jax.random.fold_in(key, jax.lax.axis_index(tuple(sorted(names)))))
        return one(way, p, *flat, noisy).reshape(x.shape)

    tokens = PartitionSpec(*own.tokens)
    specs = {"in_specs": (PartitionSpec(own.experts), *[tokens] * 3, PartitionSpec()), "out_specs": tokens}
    program = jax.shard_map(run, mesh=own.mesh, **specs, axis_names=names, check_vma=False)
    return program(p, x, weights, chosen, key)


def _alone(way, p, x, weights, chosen, expert):
    return way(p, x, weights, chosen, expert)


def _shared(axes, way, p, x, weights, chosen, expert):
    """Every owner reads all tokens; what they make of them is added up."""
    num = jax.tree.leaves(p)[0].shape[0]
    local = chosen - jax.lax.axis_index(axes) * num
    local = jnp.where((local >= 0) & (local < num), local, num)  # num is nobody
    return jax.lax.psum(way(p, x, weights, local, expert), axes)


def _exchanged(axes, way, p, x, weights, chosen, expert):
    """Every owner has tokens of its own, and sends them to where their experts are."""
    (tokens, count), num = chosen.shape, jax.tree.leaves(p)[0].shape[0]
    flat = chosen.reshape(-1)
    order = jnp.argsort(flat, stable=True)  # by expert, and so by owner
    sizes = jnp.bincount(flat, length=num * jax.lax.axis_size(axes)).astype(jnp.int32).reshape(-1, num)
    trip = Trip(axes, sizes, tokens * min(count, num), tokens * count)
    rows, local = trip.there(x[order // count]), trip.experts()
    ones = jnp.ones((len(local), 1), x.dtype)
    y = trip.back(way(p, rows, ones, local[:, None], expert))
    y = y[jnp.argsort(order)].reshape(tokens, count, -1)
    return (y * weights[..., None]).sum(-2)


class Trip:
    """Rows, sorted by expert, to the experts' owners and back.

    Args:
      axes: the owners' mesh axes.
      sizes: int [owners, experts of each], how many rows of this device go to each.
      room: at most so many go to one owner; there is room for so many from each device.
      length: how many rows there are.
    """

    def __init__(self, axes, sizes, room: int, length: int):
        self.axes, self.room, self.length = axes, room, length
        self.sent, self.got = sizes.sum(1), _all_to_all(sizes, axes)  # [owners], and [devices, own experts]
        self.starts = jnp.cumsum(self.sent) - self.sent
        self.ragged = platform() != "cpu"

    def experts(self):
        """int [devices * room]: which of this owner's experts each row that came is for; their number for no row."""
        ends = jnp.cumsum(self.got, 1)
        return (jnp.arange(self.room)[None, :, None] >= ends[:, None, :]).sum(-1).reshape(-1)

    def there(self, x):
        """[length, D] -> [devices * room, D], where the rows of each device begin at a multiple of `room`."""
        devices = len(self.sent)
        if self.ragged:
            into = jnp.zeros((devices * self.room, x.shape[1]), x.dtype)
            at = jnp.full(devices, jax.lax.axis_index(self.axes) * self.room, jnp.int32)
            return self._send(x, into, self.starts, self.sent, at, self.got.sum(1))
        slots = jnp.arange(self.room)
        rows = x[jnp.minimum(self.starts[:, None] + slots, self.length - 1)]
        rows = jnp.where((slots < self.sent[:, None])[..., None], rows, 0)
        return _all_to_all(rows, self.axes).reshape(-1, x.shape[1])

    def back(self, y):
        """[devices * room, D] -> [length, D]."""
        devices = len(self.sent)
        if self.ragged:
            into = jnp.zeros((self.length, y.shape[1]), y.dtype)
            begin = jnp.arange(devices, dtype=jnp.int32) * self.room
            return self._send(y, into, begin, self.got.sum(1), _all_to_all(self.starts, self.axes), self.sent)
        rows = _all_to_all(y.reshape(devices, self.room, -1), self.axes).reshape(-1, y.shape[1])
        owner = jnp.repeat(jnp.arange(devices), self.sent, total_repeat_length=self.length)
        return rows[owner * self.room + jnp.arange(self.length) - self.starts[owner]]

    def _send(self, x, into, begin, sizes, at, got):
        return jax.lax.ragged_all_to_all(x, into, begin, sizes, at, got, axis_name=self.axes)


def _all_to_all(x, axes):
    return jax.lax.all_to_all(x, axes, 0, 0, tiled=True)
