"""Linear maps and embeddings. Weights keep the checkpoint's layout: a linear weight is [out, in]."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn.constrain import constrain
from jaxformers.spec import Param, zeros


def Linear(din: int, dout: int, axes: str = "embed mlp", bias: bool = True, init=None) -> dict:
    """Declares `weight` [dout, din] and `bias` [dout]. `axes` names the input axis, then the output axis."""
    a_in, a_out = axes.split()
    p = {"weight": Param((dout, din), (a_out, a_in), init)}
    return {**p, "bias": Param((dout,), (a_out,), zeros)} if bias else p


def linear(p, x):
    """x [..., din] -> [..., dout]."""
    y = jax.lax.dot_general(x, p["weight"], (((x.ndim - 1,), (1,)), ((), ())))
    return y + p["bias"] if "bias" in p else y


def Conv1D(din: int, dout: int, axes: str = "embed mlp", init=None) -> dict:
    """GPT-2's linear layer, whose weight is stored [din, dout]."""
    a_in, a_out = axes.split()
    return {"weight": Param((din, dout), (a_in, a_out), init), "bias": Param((dout,), (a_out,), zeros)}


def conv1d(p, x):
    """x [..., din] -> [..., dout], with a weight of [din, dout]."""
    y = jax.lax.dot_general(x, p["weight"], (((x.ndim - 1,), (0,)), ((), ())))
    return y + p["bias"]


def Embedding(num: int, dim: int, axes: str = "vocab embed", init=None) -> dict:
    """Declares a table `weight` [num, dim]."""
    return {"weight": Param((num, dim), axes, init)}


def embed(p, ids):
    """ids int [...] -> [..., dim]. Ids outside the table read its nearest row; `Model` refuses them when it can."""
    # Of a table split over what its rows hold, XLA would bring all rows of the batch to every device instead.
    return jnp.take(constrain(p["weight"], "* -"), ids, axis=0, mode="clip")


def unembed(p, x):
    """x [..., dim] -> scores [..., num] against every row of an embedding table: the tied output layer."""
    return linear({"weight": p["weight"]}, x)
