"""Weights kept as a length and a direction for each entry of their first axis. https://arxiv.org/abs/1602.07868"""

from __future__ import annotations

import jax.numpy as jnp

from jaxformers import spec
from jaxformers.spec import Param, constant

_OLDER = {"original0": "weight_g", "original1": "weight_v"}
_INNER = ".parametrizations.weight."


def WeightNorm(p: dict) -> dict:
    """The declaration p of a convolution, its weight as `original0` (lengths) and `original1` (directions)."""
    weight = p["weight"]
    flat = (1,) * (len(weight.shape) - 1)
    # Directions drawn uniformly by fan-in are so long on average.
    lengths = Param((weight.shape[0], *flat), (weight.axes[0], *("-" for _ in flat)), constant(3**-0.5))
    parts = {"weight": {"original0": lengths, "original1": weight}}
    return {**{k: v for k, v in p.items() if k != "weight"}, "parametrizations": parts}


def weight_norm(p: dict) -> dict:
    """p with its weight as one array; as it is where it was declared plain."""
    if "parametrizations" not in p:
        return p
    lengths, v = (p["parametrizations"]["weight"][n].astype(jnp.float32) for n in ("original0", "original1"))
    weight = v * (lengths / jnp.sqrt(jnp.square(v).sum(tuple(range(1, v.ndim)), keepdims=True)))
    dtype = p["parametrizations"]["weight"]["original1"].dtype
    return {**{k: v for k, v in p.items() if k != "parametrizations"}, "weight": weight.astype(dtype)}


def older_names(declared) -> dict[str, str]:
    """For `Head.ties`: `weight_g` and `weight_v`, as older files call the two parts, of all weights declared so."""
    split = (name.split(_INNER) for name in spec.flatten(declared) if _INNER in name)
    return {f"{layer}.{_OLDER[part]}": f"{layer}{_INNER}{part}" for layer, part in split}
