"""How much arithmetic a function is: the multiplications and additions of its matrix products, from its jaxpr."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax

RAGGED = ("ragged_dot", "ragged_dot_general")  # products of experts, in groups of rows
PRODUCTS = ("dot_general", "conv_general_dilated", *RAGGED)


def operations(f: Callable, *args: Any, only: tuple[str, ...] = PRODUCTS) -> int:
    """Operations (two for each multiplication with its addition) of all products and convolutions in f(*args).

    A loop's body counts as often as it runs, a branch as its costliest, experts for the tokens that they read.
    """
    return _of(jax.make_jaxpr(f)(*args).jaxpr, only)


def _of(jaxpr: Any, only: tuple[str, ...]) -> int:
    return sum(_one(eqn, only) for eqn in jaxpr.eqns)


def _one(eqn: Any, only: tuple[str, ...]) -> int:
    name = eqn.primitive.name
    if name in PRODUCTS:
        return _product(name, eqn) if name in only else 0
    if name == "while":
        return _of(eqn.params["body_jaxpr"].jaxpr, only)  # how often is not known before it runs
    if name == "cond":
        return max(_of(branch.jaxpr, only) for branch in eqn.params["branches"])
    times = eqn.params.get("length", 1) if name == "scan" else 1
    if name == "shard_map":
        times = math.prod(eqn.params["mesh"].shape[a] for a in eqn.params["manual_axes"])
    inner = [x for value in eqn.params.values() for x in (value if isinstance(value, tuple | list) else [value])]
    return times * sum(_of(getattr(x, "jaxpr", x), only) for x in inner if hasattr(getattr(x, "jaxpr", x), "eqns"))


def _product(name: str, eqn: Any) -> int:
    if name == "dot_general":
        (contracted, _), _ = eqn.params["dimension_numbers"]
        shape = eqn.invars[0].aval.shape
        return 2 * math.prod(eqn.outvars[0].aval.shape) * math.prod(shape[i] for i in contracted)
    if name in RAGGED:
        rows, width = eqn.invars[0].aval.shape
        return 2 * math.prod(eqn.outvars[0].aval.shape) * (width if eqn.outvars[0].aval.shape[0] == rows else rows)
    weight, out = eqn.invars[1].aval, eqn.outvars[0].aval
    features = weight.shape[eqn.params["dimension_numbers"].rhs_spec[0]]
    return 2 * math.prod(out.shape) * math.prod(weight.shape) // features


def useful(forward: Callable, inputs: Callable[[int], tuple], length: int, causal: bool) -> int:
    """Operations of a forward pass over `length` tokens, of attention only the pairs that a causal mask leaves.

    Args:
      forward: the function.
      inputs: length -> its arguments. What grows with the square of the length is attention.
      causal: half of the pairs of tokens are masked.
    """
    whole = operations(forward, *inputs(length))
    if not causal:
        return whole
    pairs = (operations(forward, *inputs(2 * length)) - 2 * whole) // 2
    return whole - pairs // 2
