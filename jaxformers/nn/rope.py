"""Rotary position embeddings, plain and in the ways of stretching them that `rope_scaling` names.

https://arxiv.org/abs/2104.09864. Reads `rope_theta`, `rope_scaling` and `max_position_embeddings` of a config. What
depends on the config alone is computed with NumPy, in float32 and in the reference's order of operations: at position
100,000 one wrong last bit of a frequency turns a key by 0.006 radians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np


def table(c, dim: int, position_ids, dtype):
    """Cosines and sines of every position's angles, both [B, S, 1, dim / 2] of `dtype`.

    Args:
      c: the config.
      dim: how many entries of a head are rotated.
      position_ids: int [B, S]. The largest of them tells "dynamic" and "longrope" how long the sequence is.
    """
    inverse, gain = _TYPES[_type(c)](c, c.rope_scaling, dim, position_ids.max() + 1)
    angles = position_ids[..., None, None].astype(jnp.float32) * inverse
    return (jnp.cos(angles) * gain).astype(dtype), (jnp.sin(angles) * gain).astype(dtype)


def rotate(x, cos, sin, interleaved: bool = False):
    """Turns x [B, S, N, H] by a `table` of dim entries; where dim < H the entries behind them stay.

    Entry i of the first half of the dim entries pairs with entry i of the second; `interleaved`, entry 2i pairs with
    entry 2i + 1.
    """
    dim = 2 * cos.shape[-1]
    x, rest = x[..., :dim], x[..., dim:]
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else jnp.split(x, 2, axis=-1)
    turned = [a * cos - b * sin, b * cos + a * sin]
    if interleaved:
        turned = [jnp.stack(turned, -1).reshape(x.shape)]
    return jnp.concatenate([*turned, *([rest] if rest.shape[-1] else [])], axis=-1)


def check(c, dim: int):
    """For a config's `check`: yields what is wrong with `rope_scaling`."""
    if dim % 2:
        yield f"rotary embeddings need an even number of entries a head, got {dim}"
    scaling = {} if c.rope_scaling is None else c.rope_scaling
    if not isinstance(scaling, Mapping):
        yield f"rope_scaling must be an object or null, got {scaling!r}"
        return
    kind = _type(c)
    if kind not in _TYPES:
        yield f"rope_scaling must have a rope_type of {', '.join(_TYPES)}, got {kind!r}"
        return
    needed = _NEEDED[kind]
    if kind == "longrope" and not getattr(c, "original_max_position_embeddings", None):
        needed = (*needed, *(("factor",) if scaling.get("attention_factor") is None else ()))
    missing = [name for name in needed if scaling.get(name) is None]
    if missing:
        yield f"rope_scaling of type {kind!r} must hold {', '.join(_NEEDED[kind])}, it lacks {', '.join(missing)}"
    elif kind == "longrope":
        for name in ("short_factor", "long_factor"):
            if len(scaling[name]) != dim // 2:
                yield f"rope_scaling's {name} must hold {dim // 2} numbers, got {len(scaling[name])}"


def _type(c) -> Any:
    """`rope_type`, or `type` as older files call it (which wins where both are there)."""
    return c.rope_scaling.get("type", c.rope_scaling.get("rope_type")) if c.rope_scaling else "default"


# ------------------------------------------------------------------------------------------------------ types
# Each type is a function (config, rope_scaling, dim, length) -> (inverse frequencies float32 [dim / 2], factor on the
# cosines and sines); `length` is int32 [], traced.


def _exponents(dim: int):
    return np.arange(0, dim, 2, dtype=np.float32) / np.float32(dim)


def _wavelengths(c, dim: int):
    """rope_theta^(2i / dim), rounded once: float32 powers of NumPy are off by a last bit in one of five."""
    return np.power(float(c.rope_theta), _exponents(dim).astype(np.float64)).astype(np.float32)


def _default(c, scaling, dim, length):
    return 1 / _wavelengths(c, dim), 1.0


def _linear(c, scaling, dim, length):
    """Positions squeezed by `factor`."""
    return 1 / _wavelengths(c, dim) / np.float32(scaling["factor"]), 1.0


def _dynamic(c, scaling, dim, length):
    """NTK-aware: beyond `max_position_embeddings` the base grows with the sequence."""
    factor, known = scaling["factor"], c.max_position_embeddings
    stretch = factor * length.astype(jnp.float32) / known - (factor - 1)
    theta = c.rope_theta * jnp.maximum(stretch, 1.0) ** (dim / (dim - 2))
    return jnp.where(length > known, 1 / theta ** _exponents(dim), 1 / _wavelengths(c, dim)), 1.0


def _yarn(c, scaling, dim, length):
    """Slow frequencies interpolated, fast ones kept, a ramp between. https://arxiv.org/abs/2309.00071"""
    factor, known = scaling["factor"], scaling.get("original_max_position_embeddings") or c.max_position_embeddings

    def turning(times):
        """The dimension whose wave turns so many times within the known context."""
        return dim * math.log(known / (times * 2 * math.pi)) / (2 * math.log(c.rope_theta))

    low, high = turning(scaling.get("beta_fast") or 32), turning(scaling.get("beta_slow") or 1)
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    high = high + 0.001 if low == high else high
    slow = np.clip((np.arange(dim // 2, dtype=np.float32) - np.float32(low)) / np.float32(high - low), 0, 1)
    fast = 1 - slow
    waves = _wavelengths(c, dim)
    inverse = 1 / (np.float32(factor) * waves) * (1 - fast) + 1 / waves * fast
    gain, m, m_all = scaling.get("attention_factor"), scaling.get("mscale"), scaling.get("mscale_all_dim")
    if gain is None:
        gain = _temperature(factor, m) / _temperature(factor, m_all) if m and m_all else _temperature(factor, 1)
    return inverse, gain


def _temperature(factor, m):
    return 1.0 if factor <= 1 else 0.1 * m * math.log(factor) + 1.0


def _longrope(c, scaling, dim, length):
    """A factor a frequency, of two lists: up to the known context, and beyond it. https://arxiv.org/abs/2402.13753"""
    original = getattr(c, "original_max_position_embeddings", None)
    factor = c.max_position_embeddings / original if original else scaling.get("factor")
    known = original or c.max_position_embeddings
    gain = scaling.get("attention_factor")
    if gain is None:
        gain = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(known))
    waves = _wavelengths(c, dim)
    short, long = (1 / (np.asarray(scaling[n], np.float32) * waves) for n in ("short_factor", "long_factor"))
    return jnp.where(length > known, long, short), gain


def _llama3(c, scaling, dim, length):
    """Long waves squeezed by `factor`, short ones kept, a smooth passage between. https://arxiv.org/abs/2407.21783"""
    factor, low, high = (np.float32(scaling[n]) for n in ("factor", "low_freq_factor", "high_freq_factor"))
    known = np.float32(scaling["original_max_position_embeddings"])
    inverse = 1 / _wavelengths(c, dim)
    waves = np.float32(2 * math.pi) / inverse
    smooth = (known / waves - low) / (high - low)
    between = (1 - smooth) * inverse / factor + smooth * inverse
    return np.where(waves > known / low, inverse / factor, np.where(waves < known / high, inverse, between)), 1.0


_TYPES = {
    "default": _default,
    "linear": _linear,
    "dynamic": _dynamic,
    "yarn": _yarn,
    "longrope": _longrope,
    "llama3": _llama3,
}
_NEEDED = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "longrope": ("short_factor", "long_factor"),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}
