"""Weights from names: both sides of a comparison fill every tensor from its checkpoint name, so none is stored.

The weights are spread (fan-in scale), not the default initialisation's 0.02, at which a tiny parity test is nearly
blind to a missing rotation or a wrong mask.
"""

from __future__ import annotations

import re
import zlib

import numpy as np


def fill(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32 values for the tensor `name`, a function of the name and shape alone."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    x = rng.standard_normal(shape)
    if name.endswith("running_var"):
        x = 0.5 + np.abs(x)
    elif len(shape) >= 2:
        x = x / np.sqrt(np.prod(shape[1:]))
    elif re.search(r"weight(_g)?$", name):  # norms and scales
        x = 1.0 + 0.1 * x
    else:
        x = 0.1 * x
    return np.asarray(x, np.float32)


_KEEP, _WIDTH = 64, 32


def sketch(x: np.ndarray) -> np.ndarray:
    """Up to 64 values as they are; more than that as 32 random +-1 projections, which keep relative errors."""
    x = np.asarray(x, np.float64).reshape(-1)
    if x.size <= _KEEP:
        return x.astype(np.float32)
    rng = np.random.default_rng(x.size)
    out = np.zeros(_WIDTH)
    for at in range(0, x.size, 1 << 14):
        part = x[at : at + (1 << 14)]
        out += (rng.integers(0, 2, (_WIDTH, part.size)) * 2 - 1) @ part
    return (out / np.sqrt(_WIDTH)).astype(np.float32)


def relative_error(ours: np.ndarray, reference: np.ndarray) -> float:
    """||ours - reference|| / ||reference||; inf when they differ in shape or ours is not finite."""
    ours, reference = np.asarray(ours, np.float64), np.asarray(reference, np.float64)
    if ours.shape != reference.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.linalg.norm(ours - reference) / max(np.linalg.norm(reference), 1e-30))


def leaves(value, name: str = "") -> dict[str, np.ndarray]:
    """Arrays in nested dicts, tuples and lists as `{"hidden_states.0": array}`; None is left out."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {k: v for key in value for k, v in leaves(value[key], f"{name}.{key}" if name else key).items()}
    if isinstance(value, tuple | list):
        return {k: v for i, x in enumerate(value) for k, v in leaves(x, f"{name}.{i}").items()}
    return {name: np.asarray(value)}
