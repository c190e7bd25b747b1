"""`attend`: scaled dot-product attention, one entry for every model; the run context picks the kernel."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from jaxformers import context
from jaxformers.nn import mask as masks
from jaxformers.nn import split as splits
from jaxformers.nn.chunked import chunked
from jaxformers.nn.constrain import constrain
from jaxformers.nn.device import platform
from jaxformers.nn.dropout import dropout
from jaxformers.nn.splash import fits as splash_fits
from jaxformers.nn.splash import splash


def split_heads(x, num_heads: int):
    """[B, S, N*H] -> [B, S, N, H]; over a mesh heads stay whole: where there are too few for all devices, on each."""
    x = x.reshape(*x.shape[:-1], num_heads, -1)
    return constrain(x, "batch sequence heads -", always=True) if x.ndim == 4 else x


def merge_heads(x):
    """[B, S, N, H] -> [B, S, N*H]."""
    return x.reshape(*x.shape[:-2], -1)


def attend(
    q,
    k,
    v,
    *,
    mask=None,
    bias=None,
    scale: float | None = None,
    cap: float | None = None,
    sinks=None,
    rate: float = 0.0,
    key=None,
    weights=False,
):
    """softmax(scale * q k^T + bias) v, with a float32 softmax.

    Args:
      q: [B, S, N, H].
      k, v: [B, T, K, H]; N must be a multiple of K (grouped-query attention shares each key head by N / K queries).
        They may have fewer rows than q, each for as many of its rows side by side (beams that read one encoder).
      mask: bool, broadcastable to [B, N, S, T], True = attend, or a `nn.mask.Band`. A row with nothing to attend to
        stays finite.
      bias: float, broadcastable to [B, N, S, T], added to the scaled scores.
      scale: 1 / sqrt(H) when None.
      cap: scaled scores s become cap * tanh(s / cap), before the bias.
      sinks: float [N], a score of each head's that takes part in the softmax and has no value to give.
      rate, key: dropout of the attention weights; off without a key.
      weights: also return the attention weights.

    Returns:
      ([B, S, N, H], weights [B, N, S, T] or None).
    """
    if q.shape[0] != k.shape[0]:
        how = {"mask": mask, "bias": bias, "scale": scale, "cap": cap, "sinks": sinks}
        return _shared(q, k, v, **how, rate=rate, key=key, weights=weights)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    drawn = None if rate == 0.0 else key
    split = splits.of(q)
    kernel = _kernel(q, k, mask, bias, cap, drawn, weights, sinks, split)
    if q.shape[-1] != v.shape[-1] and kernel not in ("eager", "chunked"):
        kernel = "chunked" if kernel == "splash" else "eager"  # the others take values as wide as keys alone
    if split is not None and (kernel == "splash" or split.positions) and drawn is None:
        compute = functools.partial(_compute, kernel, scale=scale, cap=cap, weights=weights)
        return splits.attend(split, kernel, compute, q, k, v, mask, bias, sinks, weights, scale, cap)
    return _compute(kernel, q, k, v, mask, bias, sinks, scale, cap, rate, key, weights)


def _compute(kernel: str, q, k, v, mask, bias, sinks, scale, cap, rate=0.0, key=None, weights=False):
    """What `attend` returns, by one kernel."""
    if kernel == "splash":
        return splash(q, k, v, mask, scale, cap), None
    if kernel == "chunked":
        return chunked(q, k, v, mask, bias, scale, cap, rate, key, sinks), None
    if kernel == "eager":
        return _eager(q, k, v, masks.array(mask), bias, scale, cap, rate, key, weights, sinks)
    causal = isinstance(mask, masks.Band) and mask.is_causal() and q.shape[1] == k.shape[1]
    mask = None if causal else _full(masks.array(mask), q, k)
    bias = None if bias is None else _full(bias, q, k, every_head=True).astype(q.dtype)
    how = {"scale": scale, "is_causal": causal, "implementation": kernel}
    return jax.nn.dot_product_attention(q, k, v, bias, mask, **how), None


# From so many queries and keys, scores are not kept whole. On a CPU blocks are also faster from there on: two to four
# times forwards; with the backward pass, which computes them again, about the same at 1024 and faster at 2048.
LONG = {"cpu": 1024}
LONG_ELSEWHERE = 4096


def _kernel(q, k, mask, bias, cap, key, weights: bool, sinks, split) -> str:
    """The kernel that the run context asks for, if it computes what the call asks for; else one that does."""
    kernel: str = context.current().attention
    if weights:
        return "eager"
    ways = 1 if split is None else split.ways(split.positions)
    if kernel in ("auto", "splash"):
        device = platform()
        flash = kernel == "splash" or (device == "tpu" and (split is not None or _one_device()))
        long = q.shape[1] * k.shape[1] >= LONG.get(device, LONG_ELSEWHERE) ** 2 * ways
        if flash and key is None and sinks is None and splash_fits(q, k, mask, bias, ways):
            return "splash"
        kernel = "chunked" if long else "eager" if device == "cpu" else "xla"
    plain = cap is None and key is None and sinks is None
    return kernel if plain or kernel == "chunked" else "eager"


def _one_device() -> bool:
    """XLA can not split splash attention over devices: where no rules say how it is to be, there must be one."""
    mesh = context.current().mesh
    return (jax.device_count() if mesh is None else mesh.size) == 1


def _full(x, q, k, every_head: bool = False):
    """A mask or bias as `jax.nn.dot_product_attention` takes it: [1|B, 1|N, S, T]."""
    if x is None:
        return None
    rows, heads = jnp.broadcast_shapes(x.shape, (1, q.shape[2] if every_head else 1, 1, 1))[:2]
    return jnp.broadcast_to(x, (rows, heads, q.shape[1], k.shape[1]))


def _shared(q, k, v, **how):
    """Rows of q that share a row of k as more queries of one row; masks and biases must not tell queries apart."""
    rows, length = q.shape[0], q.shape[1]
    h, probs = attend(q.reshape(k.shape[0], -1, *q.shape[2:]), k, v, **how)
    if probs is not None:
        n = probs.shape[1]
        probs = probs.reshape(k.shape[0], n, -1, length, k.shape[1]).swapaxes(1, 2).reshape(rows, n, length, -1)
    return h.reshape(rows, length, *h.shape[2:]), probs


def _eager(q, k, v, mask, bias, scale, cap, rate, key, weights, sinks=None):
    (rows, length, heads, _), keys = q.shape, k.shape[2]
    shared = (*q.shape[:2], keys, heads // keys, q.shape[3])  # the queries by the key head that they share
    scores = jnp.einsum("bskgh,btkh->bkgst", (q * scale).reshape(shared), k, preferred_element_type=jnp.float32)
    scores = scores.reshape(rows, heads, length, -1)
    if cap is not None:
        scores = cap * jnp.tanh(scores / cap)
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = jnp.where(mask, scores, jnp.finfo(jnp.float32).min)
    if sinks is not None:
        held = jnp.broadcast_to(sinks.astype(jnp.float32)[:, None, None], (*scores.shape[:-1], 1))
        scores = jnp.concatenate([scores, held], -1)
    probs = jax.nn.softmax(scores, axis=-1)
    probs = dropout((probs if sinks is None else probs[..., :-1]).astype(q.dtype), rate, key)
    out = jnp.einsum("bkgst,btkh->bskgh", probs.reshape(rows, keys, heads // keys, length, -1), v)
    return out.reshape(*q.shape[:3], v.shape[3]), (probs if weights else None)
