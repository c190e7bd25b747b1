"""Splash attention, JAX's flash kernel for TPUs: which calls it can compute, and how they are put to it.

Padding becomes segments: tokens see tokens, and padding sees padding, which keeps its rows finite.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from jaxformers.nn.device import platform
from jaxformers.nn.mask import Band

BLOCK = 128  # lengths must be multiples of this


def fits(q, k, mask, bias, ways: int = 1) -> bool:
    """Self-attention over whole blocks, masked by a rule or by one row of padding a text, without a bias.

    ways: over how many devices the queries go.
    """
    length, width = q.shape[1], k.shape[1]
    rows = mask.valid if isinstance(mask, Band) else mask
    if isinstance(mask, Band) and not (mask.also is None and mask.is_static()):
        return False
    padding = rows is None or (rows.ndim == 4 and rows.shape[1:3] == (1, 1) and rows.shape[3] == width)
    return bias is None and padding and length == width and length % (ways * BLOCK) == 0


def splash(q, k, v, mask, scale: float, cap: float | None):
    """softmax(scale * q k^T) v of q [B, S, N, H], k [B, S, K, H] and v [B, S, K, H]: [B, S, N, H]. See `fits`."""
    valid = rows(mask, q.shape[0], q.shape[1])
    return run(kernel(mask, q.shape[1], q.shape[2], cap), q, k, v, valid, valid, scale)


def kernel(mask, length: int, heads: int, cap: float | None, ways: int = 1, order=None):
    """The kernel for one device's heads, a pytree. On a CPU it runs interpreted, slowly.

    Args:
      ways: over how many devices the queries go. What the kernel knows of them goes with them (see `lies`).
      order: int [length], the position of each query, where that is not its own.
    """
    from jax.experimental.pallas.ops.tpu import splash_attention as kernels

    own = length // ways if order is None or length // ways % (2 * BLOCK) else length // ways // 2
    block, seen = (max(n for n in (BLOCK, 256, 512) if size % n == 0) for size in (own, length))
    rule = _rule(kernels, mask, length, order)
    if isinstance(rule, kernels.FullMask):  # the same for all devices
        rule, ways = kernels.FullMask((length // ways, length)), 1
    sizes: dict[str, Any] = {f"block_{n}": block for n in ("q", "q_dkv", "q_dq")}
    sizes |= {f"block_{n}": seen for n in ("kv", "kv_compute", "kv_dkv", "kv_dkv_compute", "kv_dq")}
    return kernels.make_splash_mha(
        kernels.MultiHeadMask([rule] * heads),
        head_shards=1,
        q_seq_shards=ways,
        attn_logits_soft_cap=cap,
        block_sizes=kernels.BlockSizes(**sizes),
        interpret=platform() == "cpu",
    )


def lies(kernel, mesh, axes: tuple[str, ...]):
    """A `PartitionSpec` for each array of a kernel whose queries go over these axes of the mesh."""
    axes = () if kernel.fwd_mask_info.q_sequence is None else axes
    return kernel.manual_sharding_spec(NamedSharding(mesh, PartitionSpec(None, axes)))


def rows(mask, rows: int, length: int):
    """Which keys are no padding, int32 [B, T], or None."""
    valid = mask.valid if isinstance(mask, Band) else mask
    return None if valid is None else jnp.broadcast_to(valid[:, 0, 0], (rows, length)).astype(jnp.int32)


def run(kernel, q, k, v, own, seen, scale: float):
    """The kernel over every row; `own` [B, S] and `seen` [B, T] are segments of queries and keys, or None."""
    from jax.experimental.pallas.ops.tpu import splash_attention as kernels

    segments = None if seen is None else kernels.SegmentIds(own, seen)
    q, k, v = (x.swapaxes(1, 2) for x in (q * scale, k, v))
    return jax.vmap(kernel)(q, k, v, segments).swapaxes(1, 2)


def _rule(kernels, mask, length: int, order):
    shape = (length, length)
    far = (
        (mask.window is None or mask.window >= length) and mask.ahead >= length - 1 if isinstance(mask, Band) else True
    )
    if far:
        return kernels.FullMask(shape)
    if mask.window is None and mask.ahead == 0:
        rule = kernels.CausalMask(shape)
    else:
        rule = kernels.LocalMask(shape, (None if mask.window is None else mask.window - 1, mask.ahead), 0)
    if order is not None:
        rule.q_sequence = order
    return rule
