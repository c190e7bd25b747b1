"""Weights kept as a length and a direction for each entry of one of their axes. https://arxiv.org/abs/1602.07868"""

from __future__ import annotations

import jax.numpy as jnp

from jaxformers import spec
from jaxformers.spec import Param, constant

_OLDER = {"original0": "weight_g", "original1": "weight_v"}
_INNER = ".parametrizations.weight."
_AVERAGE = constant(3**-0.5)  # of directions drawn uniformly by fan-in


def WeightNorm(p: dict, axis: int = 0, init=_AVERAGE) -> dict:
    """The declaration p of a convolution, its weight as `original0` (lengths) and `original1` (directions).

    Each entry of `axis` has a length, at first `init`.
    """
    weight = p["weight"]
    each = [i == axis for i in range(len(weight.shape))]
    shape = tuple(n if kept else 1 for n, kept in zip(weight.shape, each, strict=True))
    lengths = Param(shape, tuple(a if kept else "-" for a, kept in zip(weight.axes, each, strict=True)), init)
    parts = {"weight": {"original0": lengths, "original1": weight}}
    return {**{k: v for k, v in p.items() if k != "weight"}, "parametrizations": parts}


def weight_norm(p: dict) -> dict:
    """p with its weight as one array; as it is where it was declared plain."""
    if "parametrizations" not in p:
        return p
    lengths, v = (p["parametrizations"]["weight"][n].astype(jnp.float32) for n in ("original0", "original1"))
    others = tuple(i for i, n in enumerate(lengths.shape) if n == 1)
    weight = v * (lengths / jnp.sqrt(jnp.square(v).sum(others, keepdims=True)))
    dtype = p["parametrizations"]["weight"]["original1"].dtype
    return {**{k: v for k, v in p.items() if k != "parametrizations"}, "weight": weight.astype(dtype)}


def older_names(declared, prefix: str = "") -> dict[str, str]:
    """For `Head.ties`: `weight_g` and `weight_v`, as older files call the two parts, of all weights declared so."""
    split = (f"{prefix}{name}".split(_INNER) for name in spec.flatten(declared) if _INNER in name)
    return {f"{layer}.{_OLDER[part]}": f"{layer}{_INNER}{part}" for layer, part in split}
