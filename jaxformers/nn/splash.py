"""Splash attention, JAX's flash kernel for TPUs: which calls it can compute, and how they are put to it.

Padding becomes segments: tokens see tokens, and padding sees padding, which keeps its rows finite.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxformers.nn.mask import Band

BLOCK = 128  # lengths must be multiples of this


def fits(q, k, mask, bias) -> bool:
    """Self-attention over whole blocks, masked by a rule or by one row of padding a text, without a bias."""
    length, width = q.shape[1], k.shape[1]
    rows = mask.valid if isinstance(mask, Band) else mask
    if isinstance(mask, Band) and not (mask.also is None and isinstance(mask.window, int | None)):
        return False
    padding = rows is None or (rows.shape[1:3] == (1, 1) and rows.shape[3] == width)
    return bias is None and padding and length == width and length % BLOCK == 0


def splash(q, k, v, mask, scale: float, cap: float | None, interpret: bool | None = None):
    """softmax(scale * q k^T) v of q [B, S, N, H], k [B, S, K, H] and v [B, S, K, H]: [B, S, N, H]. See `fits`.

    `interpret` runs the kernel without a TPU, slowly; by default on a CPU.
    """
    from jax.experimental.pallas.ops.tpu import splash_attention as kernels

    length = q.shape[1]
    block = max(n for n in (BLOCK, 256, 512) if length % n == 0)
    sizes: dict[str, Any] = {
        f"block_{n}": block for n in ("q", "kv", "kv_compute", "q_dkv", "kv_dkv", "kv_dkv_compute", "q_dq", "kv_dq")
    }
    kernel = kernels.make_splash_mha(
        kernels.MultiHeadMask([_rule(kernels, mask, length)] * q.shape[2]),
        head_shards=1,
        q_seq_shards=1,
        attn_logits_soft_cap=cap,
        block_sizes=kernels.BlockSizes(**sizes),
        interpret=jax.default_backend() == "cpu" if interpret is None else interpret,
    )
    valid = mask.valid if isinstance(mask, Band) else mask
    segments = None
    if valid is not None:
        ids = jnp.broadcast_to(valid[:, 0, 0], (q.shape[0], length)).astype(jnp.int32)
        segments = kernels.SegmentIds(ids, ids)
    q, k, v = (x.swapaxes(1, 2) for x in (q * scale, k, v))
    return jax.vmap(kernel)(q, k, v, segments).swapaxes(1, 2)


def _rule(kernels, mask, length: int):
    shape = (length, length)
    if not isinstance(mask, Band):
        return kernels.FullMask(shape)
    if mask.window is None and mask.ahead == 0:
        return kernels.CausalMask(shape)
    return kernels.LocalMask(shape, (None if mask.window is None else mask.window - 1, mask.ahead), 0)
