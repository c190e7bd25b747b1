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


_KEEP, _WIDTH = 32, 16


def sketch(x: np.ndarray) -> np.ndarray:
    """The number of axes, the shape, then what stands for the values.

    That is up to 32 values as they are, or 16 random +-1 projections of more than that, which keep relative errors.
    """
    head = np.asarray([np.ndim(x), *np.shape(x)], np.float32)
    return np.concatenate([head, _values(np.asarray(x, np.float64).reshape(-1))])


def sketch_error(ours: np.ndarray, reference: np.ndarray) -> float:
    """`relative_error` of two sketches; inf when they are of arrays of different shapes."""
    head = 1 + int(reference[0])
    if len(ours) != len(reference) or (ours[:head] != reference[:head]).any():
        return float("inf")
    return relative_error(ours[head:], reference[head:])


def write_sketches(path, sketches: dict[str, np.ndarray]) -> None:
    """All sketches in one file: two arrays, since every array of an archive costs 250 bytes."""
    names = np.frombuffer("\n".join(sketches).encode(), np.uint8)
    np.savez_compressed(path, names=names, values=np.concatenate(list(sketches.values())))


def read_sketches(path) -> dict[str, np.ndarray]:
    """What `write_sketches` wrote."""
    with np.load(path) as f:
        names, values = f["names"].tobytes().decode().split("\n"), f["values"]
    out, at = {}, 0
    for name in names:
        axes = int(values[at])
        size = int(np.prod(values[at + 1 : at + 1 + axes]))
        end = at + 1 + axes + (size if size <= _KEEP else _WIDTH)
        out[name], at = values[at:end], end
    return out


def _values(x: np.ndarray) -> np.ndarray:
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
