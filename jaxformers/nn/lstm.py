"""Long short-term memory, layers on top of each other. https://doi.org/10.1162/neco.1997.9.8.1735"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.linear import linear
from jaxformers.spec import Param, uniform, zeros


def LSTM(din: int, dim: int, layers: int) -> dict:
    """Declares `weight_ih_l0` [4 dim, din], `weight_hh_l0` [4 dim, dim], two biases [4 dim], and so on a layer.

    The four parts of the first axis are input gate, forget gate, candidate and output gate.
    """
    p = {}
    for i in range(layers):
        for name, width in (("ih", dim if i else din), ("hh", dim)):
            p[f"weight_{name}_l{i}"] = Param((4 * dim, width), "- embed", uniform((6 / (4 * dim + width)) ** 0.5))
        p |= {f"bias_{name}_l{i}": Param((4 * dim,), "-", zeros) for name in ("ih", "hh")}
    return p


def lstm(p, x):
    """The last layer's outputs [B, S, dim] for x [B, S, din]; every layer starts from zeros."""
    x = x.swapaxes(0, 1)
    for i in range(len(p) // 4):
        x = _layer(*(p[f"{kind}_{name}_l{i}"] for name in ("ih", "hh") for kind in ("weight", "bias")), x)
    return x.swapaxes(0, 1)


def _layer(weight_in, bias_in, weight, bias, x):
    """One layer over x [S, B, din]: what depends on the input alone is computed for all steps at once."""
    gates = linear({"weight": weight_in, "bias": bias_in + bias}, x)

    def step(state, gates):
        h, cell = state
        enter, keep, new, leave = jnp.split(gates + linear({"weight": weight}, h), 4, -1)
        cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(enter) * jnp.tanh(new)
        h = jax.nn.sigmoid(leave) * jnp.tanh(cell)
        return (h, cell), h

    first = jnp.zeros((x.shape[1], weight.shape[1]), gates.dtype)
    return jax.lax.scan(step, (first, first), gates)[1]
