"""Residual vector quantisation: each codebook says what the ones before it left over.

Papers: https://arxiv.org/abs/1711.00937 (codebooks and their running averages), https://arxiv.org/abs/2107.03312.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.fold import collect, fold
from jaxformers.nn.linear import embed
from jaxformers.spec import Layers, Param, Stack, ones, zeros


def Codebook(size: int, dim: int) -> dict:
    """Declares a codebook's vectors `embed` [size, dim] and the averages that they are trained by: no gradients."""
    own = {
        "inited": Param((1,), "-", ones, trainable=False),
        "cluster_size": Param((size,), "-", zeros, trainable=False),
        "embed": Param((size, dim), "- embed", zeros, trainable=False),
        "embed_avg": Param((size, dim), "- embed", zeros, trainable=False),
    }
    return {"codebook": own}


def Quantizer(count: int, size: int, dim: int) -> dict:
    """Declares `count` codebooks."""
    return {"layers": Layers(Codebook(size, dim) for _ in range(count))}


def quantize(p, x, count: int):
    """Codes int32 [B, Q, S] of x [B, S, D] by the first `count` codebooks, or by all if there are fewer."""

    def step(p, rest):
        codes = nearest(p["codebook"], rest)
        return rest - _vectors(p["codebook"], codes), {"codes": codes}

    _, ys = fold(step, _first(p["layers"], count), x)
    return jnp.stack(collect(ys, "codes"), 1)


def dequantize(p, codes):
    """The sum [B, S, D] of the vectors that codes int [B, Q, S] stand for, in the first Q codebooks."""

    def step(p, x, codes):
        return x + _vectors(p["codebook"], codes), {}

    layers = _first(p["layers"], codes.shape[1])
    table = (layers if isinstance(layers, Stack) else layers[0])["codebook"]["embed"]
    start = jnp.zeros((codes.shape[0], codes.shape[2], table.shape[-1]), table.dtype)
    return fold(step, layers, start, codes=codes.swapaxes(0, 1))[0]


def nearest(p, x):
    """int32 [...]: which of a codebook's vectors x [..., D] is nearest to; the first one where several are.

    Distances are float32 products at full precision on every device: codes are integers and show any difference.
    """
    x, table = x.astype(jnp.float32), p["embed"].astype(jnp.float32)
    products = jnp.einsum("...d,kd->...k", x, table, precision="highest")
    squares = jnp.square(x).sum(-1, keepdims=True) - 2 * products + jnp.square(table).sum(-1)
    return jnp.argmin(squares, -1).astype(jnp.int32)


def _vectors(p, codes):
    return embed({"weight": jax.lax.stop_gradient(p["embed"])}, codes)


def _first(layers, count: int):
    return jax.tree.map(lambda x: x[:count], layers) if isinstance(layers, Stack) else layers[:count]
