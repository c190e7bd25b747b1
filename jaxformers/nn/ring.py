"""Ring attention: blocks of keys and values go from device to device, past queries that stay where they are.

Paper: https://arxiv.org/abs/2310.01889. No device ever holds all keys: the gradient goes round once more instead of
keeping them. Causal texts are dealt as `zigzag` says, and blocks that a mask leaves empty are not computed. Inside
`shard_map` only.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp

from jaxformers.nn import zigzag
from jaxformers.nn.chunked import CHUNK, LOWEST, Cut, score, see_block
from jaxformers.nn.device import platform
from jaxformers.nn.mask import Band

CHUNK_ELSEWHERE = 1024  # than on a CPU


@dataclasses.dataclass(frozen=True)
class Ring:
    """How the blocks go round.

    Args:
      axes: the mesh axes that positions are split over.
      turned: are a device's positions two pieces, as `zigzag.deal` deals them?
      cap: as for `nn.attend`.
    """

    axes: tuple[str, ...]
    turned: bool
    cap: float | None

    def on(self, x):
        """The next device gets it."""
        ways = jax.lax.axis_size(self.axes)
        return jax.tree.map(lambda y: jax.lax.ppermute(y, self.axes, [(i, (i + 1) % ways) for i in range(ways)]), x)

    def source(self, step):
        """Whose block has come after so many steps."""
        return (jax.lax.axis_index(self.axes) - step) % jax.lax.axis_size(self.axes)

    def share(self, x, device, axis: int):
        """A device's own part of what is whole along `axis` (or of one for all)."""
        if x is None or x.shape[axis] == 1:
            return x
        ways, size = jax.lax.axis_size(self.axes), x.shape[axis]
        if not self.turned:
            return jax.lax.dynamic_slice_in_dim(x, device * (size // ways), size // ways, axis)
        piece = size // (2 * ways)
        starts = device * piece, (2 * ways - 1 - device) * piece
        return jnp.concatenate([jax.lax.dynamic_slice_in_dim(x, at, piece, axis) for at in starts], axis)

    def mask(self, mask, source):
        """What this device's queries see of the block that `source` had."""
        if not isinstance(mask, Band):
            return None if mask is None else self.share(mask, source, mask.ndim - 1)
        own = self.share(mask.queries, jax.lax.axis_index(self.axes), 0)
        valid, also = (None if x is None else self.share(x, source, x.ndim - 1) for x in (mask.valid, mask.also))
        return Band(own, self.share(mask.keys, source, 0), valid, mask.window, mask.ahead, also)


def attend(q, k, v, mask, sinks, scale, cap, axes, turned: bool):
    """A device's share of attention, [B, S / n, N, H], from its shares of queries, keys and values.

    mask is whole, of rows [B, 1|N, 1, T] or a `Band` with such rows, or None. The rest is as for `nn.attend`.
    """
    deal = functools.partial(zigzag.deal, axes=axes, axis=1) if turned else lambda x: x
    y = _ring(Ring(axes, turned, cap), deal(q * scale), deal(k), deal(v), sinks, mask)
    return zigzag.back(y, axes, 1) if turned else y


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _ring(ring: Ring, q, k, v, sinks, mask):
    return _forward(ring, q, k, v, sinks, mask)[0]


def _forward(ring: Ring, q, k, v, sinks, mask):
    (rows, length, heads, _), width = q.shape, v.shape[3]
    cut, ways = _cut(ring, q, k), jax.lax.axis_size(ring.axes)
    padded = cut.pad(q, 1, cut.queries)
    chunks = padded.shape[1] // cut.queries
    top = LOWEST if sinks is None else sinks.astype(jnp.float32)[:, None]  # a sink is the first score that is seen
    start = (
        jnp.broadcast_to(top, (chunks, rows, heads, cut.queries)),
        jnp.full((chunks, rows, heads, cut.queries), 0.0 if sinks is None else 1.0),
        jnp.zeros((chunks, rows, heads, cut.queries, width), jnp.float32),
    )

    def see(step, k, v, carry):
        seen = cut.pad_scores(ring.mask(mask, ring.source(step)))
        k, v = cut.pad(k, 1, cut.keys), cut.pad(v, 1, cut.keys)
        block = functools.partial(see_block, cut, padded, k, v, seen, None, ring.cap, 0.0, None)

        def queries(x):
            i, carry = x
            return jax.lax.scan(lambda c, j: (block(i, j, c), None), carry, jnp.arange(k.shape[1] // cut.keys))[0]

        return jax.lax.map(queries, (jnp.arange(chunks), carry))

    def body(carry, step):
        k, v, seen = carry
        return (*ring.on((k, v)), see(step, k, v, seen)), None

    (last_k, last_v, carry), _ = jax.lax.scan(body, (k, v, start), jnp.arange(ways - 1))
    top, total, out = see(ways - 1, last_k, last_v, carry)
    out = (out / jnp.where(total == 0, 1, total)[..., None]).astype(v.dtype)
    # Queries that see nothing give no gradient.
    norm = jnp.where(top <= LOWEST, jnp.inf, top + jnp.log(jnp.where(total == 0, 1, total)))
    out = out.transpose(1, 0, 3, 2, 4).reshape(rows, -1, heads, width)[:, :length]
    return out, (q, k, v, sinks, mask, out, norm)


def _backward(ring: Ring, kept, dy):
    q, k, v, sinks, mask, out, norm = kept
    cut, ways = _cut(ring, q, k), jax.lax.axis_size(ring.axes)
    mean = (dy.astype(jnp.float32) * out.astype(jnp.float32)).sum(-1)  # [B, S, N]
    split = functools.partial(_chunks, cut)
    queries, given, means = split(q), split(dy), split(mean).swapaxes(2, 3)

    def see(step, k, v, dq):
        seen = cut.pad_scores(ring.mask(mask, ring.source(step)))
        k, v = cut.pad(k, 1, cut.keys), cut.pad(v, 1, cut.keys)

        def keys(dq, j):
            def one(carry, x):
                i, own, dy, mean, norm, dq = x
                part = functools.partial(_block_gradient, cut, ring.cap, own, k, v, seen, dy, mean, norm, i, j)
                sums = (*carry, dq)
                if isinstance(seen, Band):
                    some = cut.cut_band(seen, i, j).any_seen()
                    sums = jax.lax.cond(some, part, lambda sums: sums, sums)
                else:
                    sums = part(sums)
                return sums[:2], sums[2]

            zeros = [jnp.zeros((x.shape[0], cut.keys, *x.shape[2:]), jnp.float32) for x in (k, v)]
            each = jnp.arange(len(queries)), queries, given, means, norm, dq
            both, dq = jax.lax.scan(one, tuple(zeros), each)
            return dq, both

        dq, both = jax.lax.scan(keys, dq, jnp.arange(k.shape[1] // cut.keys))
        dk, dv = (x.swapaxes(0, 1).reshape(x.shape[1], -1, *x.shape[3:])[:, : cut.width] for x in both)
        return dk, dv, dq

    def body(carry, step):
        k, v, dk, dv, dq = carry
        more_k, more_v, dq = see(step, k, v, dq)
        return (*ring.on((k, v, dk + more_k, dv + more_v)), dq), None

    zeros = [jnp.zeros(x.shape, jnp.float32) for x in (k, v, queries)]
    (last_k, last_v, dk, dv, dq), _ = jax.lax.scan(body, (k, v, *zeros), jnp.arange(ways - 1))
    more_k, more_v, dq = see(ways - 1, last_k, last_v, dq)
    dk, dv = ring.on((dk + more_k, dv + more_v))  # which is where they are from
    dq = dq.swapaxes(0, 1).reshape(dq.shape[1], -1, *dq.shape[3:])[:, : cut.length]
    dsinks = None
    if sinks is not None:
        held = jnp.exp(sinks.astype(jnp.float32)[:, None] - norm)  # [chunks, B, N, C]
        dsinks = -(held * means).sum((0, 1, 3)).astype(sinks.dtype)
    return dq.astype(q.dtype), dk.astype(k.dtype), dv.astype(v.dtype), dsinks, None


_ring.defvjp(_forward, _backward)


def _block_gradient(cut: Cut, cap, own, k, v, mask, dy, mean, norm, i, j, sums):
    """(dk of key block j, dv, dq of query block i), with what the two give each other."""
    dk, dv, dq = sums
    seen, values = cut.rows(k, j, cut.keys), cut.rows(v, j, cut.keys)
    shared = (*own.shape[:2], k.shape[2], -1)  # the queries by the key head that they share
    own, dy = own.reshape(*shared, own.shape[-1]), dy.reshape(*shared, dy.shape[-1])
    scores = score(own, seen, cap)  # [B, N, C, keys]
    bent = 1.0 if cap is None else 1 - jnp.square(scores / cap)
    known = cut.real(j) if mask is None else cut.real(j) & cut.block(mask, i, j)
    weights = jnp.where(known, jnp.exp(scores - norm[..., None]), 0)
    grouped = (weights.shape[0], k.shape[2], -1, *weights.shape[2:])
    dweights = _product("bskgh,btkh->bkgst", dy, values).reshape(weights.shape)
    dscores = (weights * (dweights - mean[..., None]) * bent).reshape(grouped).astype(k.dtype)
    dv = dv + _product("bkgst,bskgh->btkh", weights.reshape(grouped).astype(v.dtype), dy)
    dk = dk + _product("bkgst,bskgh->btkh", dscores, own)
    dq = dq + _product("bkgst,btkh->bskgh", dscores, seen).reshape(dq.shape)
    return dk, dv, dq


_product = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)


def _chunks(cut: Cut, x):
    """[B, S, ...] -> [S / C, B, C, ...], the last ones filled up with zeros."""
    x = jnp.pad(x, [(0, 0), (0, -x.shape[1] % cut.queries), *[(0, 0)] * (x.ndim - 2)])
    return x.reshape(x.shape[0], -1, cut.queries, *x.shape[2:]).swapaxes(0, 1)


def _cut(ring: Ring, q, k) -> Cut:
    """Blocks that lie in one piece where pieces divide into some of about the best size."""
    most = CHUNK if platform() == "cpu" else CHUNK_ELSEWHERE

    def size(length: int) -> int:
        piece = length // 2 if ring.turned else length
        whole = next((n for n in range(min(most, piece), most // 2, -1) if piece % n == 0), 0)
        return whole or min(most, piece)

    return Cut(size(q.shape[1]), size(k.shape[1]), q.shape[1], k.shape[1])
