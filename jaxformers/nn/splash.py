"""Splash attention, JAX's flash kernel for TPUs: which calls it can compute, and how they are put to it.

Padding becomes segments: tokens see tokens, and padding sees padding, which keeps its rows finite.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from jaxformers.nn import zigzag
from jaxformers.nn.device import platform
from jaxformers.nn.mask import Band

BLOCK = 128  # lengths must be multiples of this
LONG = 32_768  # from here on blocks are larger, for there are many


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


def kernel(mask, length: int, heads: int, cap: float | None, ways: int = 1, turned: bool = False):
    """The kernel for one device's heads, a pytree. On a CPU it runs interpreted, slowly.

    Args:
      ways: over how many devices the queries go. What the kernel knows of them goes with them (see `lies`).
      turned: queries are dealt as `zigzag` says.
    """
    window, ahead = (mask.window, mask.ahead) if isinstance(mask, Band) else (None, length)
    window = None if window is None or window >= length else window
    return _kernel((window, min(ahead, length)), length, heads, cap, ways, turned, platform() == "cpu")


# It looks at every block in Python, which takes seconds for a long text: once for all layers of a model.
@functools.lru_cache(64)
def _kernel(rule: tuple, length: int, heads: int, cap: float | None, ways: int, turned: bool, interpret: bool):
    from jax.experimental.pallas.ops.tpu import splash_attention as kernels

    own = length // ways // 2 if turned and length // ways % (2 * BLOCK) == 0 else length // ways
    most = (BLOCK, 256, 512) if length < LONG else (BLOCK, 256, 512, 1024)
    block, seen = (max(n for n in most if size % n == 0) for size in (own, length))
    window, ahead = rule
    mask: Any
    if window is None and ahead >= length - 1:  # the same for all devices
        mask, ways = kernels.FullMask((length // ways, length)), 1
    elif window is None and ahead == 0:
        mask = kernels.CausalMask((length, length))
    else:
        mask = kernels.LocalMask((length, length), (None if window is None else window - 1, ahead), 0)
    if turned and not isinstance(mask, kernels.FullMask):
        mask.q_sequence = zigzag.order(length, ways)
    sizes: dict[str, Any] = {f"block_{n}": block for n in ("q", "q_dkv", "q_dq")}
    sizes |= {f"block_{n}": seen for n in ("kv", "kv_compute", "kv_dkv", "kv_dkv_compute", "kv_dq")}
    with jax.ensure_compile_time_eval():
        made = kernels.make_splash_mha(
            kernels.MultiHeadMask([mask] * heads),
            head_shards=1,
            q_seq_shards=ways,
            attn_logits_soft_cap=cap,
            block_sizes=kernels.BlockSizes(**sizes),
            interpret=interpret,
        )
    return jax.tree.map(np.asarray, made)  # of no device, for programs on any


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
