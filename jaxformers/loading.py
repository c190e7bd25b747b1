"""Fitting a checkpoint's tensors to a head's declared parameters: which name goes where, and what does not fit."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from jaxformers import models, spec
from jaxformers.config import ModelConfig
from jaxformers.errors import CheckpointError
from jaxformers.model import Head


@dataclasses.dataclass(frozen=True)
class Fit:
    """How a checkpoint fits a head.

    `source` maps each declared name to the file's name; `fresh` lists the declared names to initialise at random;
    `unused` the file's names that belong to other heads of the architecture.
    """

    source: dict[str, str]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]


def fit(config: ModelConfig, head: Head, tensors: Mapping[str, Any], where: str, resize: bool = False) -> Fit:
    """Matches a checkpoint to a head, or raises one error that lists everything that does not match.

    The base model's prefix is added or stripped as needed, and tied names are resolved. What heads of the architecture
    share must be in the file. What only some heads have (a classifier, a pooler, a decoder) may be absent as a whole:
    it is then initialised. Tensors of other heads are left alone; a tensor that no head knows is an error.

    Args:
      config: the config.
      head: the head to fill.
      tensors: canonical name -> anything with a `shape`.
      where: what to call the checkpoint in errors.
      resize: initialise mis-shaped tensors of the head at random instead of refusing (the reference's
        `ignore_mismatched_sizes`).
    """
    module = models.module(config.model_type)
    declared = _names(head.declare(config))
    prefix, respell = _prefixes(module, head)
    spelt = [respell(name) for name in tensors]
    in_file: dict[str, str] = {}
    twice = []
    for name, original in zip(spelt, tensors, strict=True):
        canonical = _towards(name, prefix, declared, spelt)
        if canonical in in_file and canonical in declared:
            twice.append(f"twice: {canonical} is {in_file[canonical]} and {original} in the file")
        in_file[canonical] = original
    for alias, name in head.ties(config).items():
        held = in_file.pop(_towards(alias, prefix, declared, [alias]), None)
        if held is not None and name not in in_file:
            in_file[name] = held

    others = _other_heads(config, module, declared, prefix, respell)
    wrong = {
        n: (tuple(tensors[in_file[n]].shape), p.shape)
        for n, p in declared.items()
        if n in in_file and tuple(tensors[in_file[n]].shape) != p.shape
    }
    missing = [n for n in declared if n not in in_file]
    groups: dict[frozenset, list[str]] = {}
    for name in declared:
        groups.setdefault(frozenset(h for h, names in others.items() if name in names), []).append(name)
    everywhere = frozenset(others)
    fresh, problems = [], []
    for owners, names in groups.items():
        absent = [n for n in names if n not in in_file]
        if absent and (owners == everywhere or len(absent) < len(names)):
            problems += [f"missing: {n} {declared[n].shape}" for n in absent]
        else:
            fresh += absent
    if len(missing) == len(declared):
        problems = [f"missing: {n} {declared[n].shape}" for n in missing]
    if resize:
        required = set(groups.get(everywhere, ()))
        fresh += [n for n in wrong if n not in required]
        wrong = {n: shapes for n, shapes in wrong.items() if n in required}
    problems += [f"shape: {n} must be {want}, the file has {got}" for n, (got, want) in wrong.items()]
    known = set().union(*others.values())
    unused = [name for canonical, name in in_file.items() if canonical not in declared]
    aliases = {_towards(a, prefix, declared, [a]) for h in module.HEADS.values() for a in h.ties(config)}
    stray = [n for c, n in in_file.items() if c not in declared and c not in known and c not in aliases]
    problems += [f"unexpected: {n} {tuple(tensors[n].shape)}" for n in stray]
    problems += twice
    if problems:
        raise CheckpointError(where, problems, "the file does not fit this config and head")
    return Fit({n: in_file[n] for n in declared if n in in_file and n not in fresh}, tuple(fresh), tuple(unused))


def _names(tree: Any) -> dict[str, spec.Param]:
    return {spec.names(path)[0]: p for path, p in spec.paths(tree)}


def _prefixes(module, head) -> tuple[str, Callable[[str], str]]:
    """A head's prefix, and a function that gives names with the prefix of another head this one's."""
    own, *rest = (f"{h.prefix or module.PREFIX}." for h in (head, *module.HEADS.values()))
    others = set(rest) - {own}

    def respell(name: str) -> str:
        return next((own + name.removeprefix(p) for p in others if name.startswith(p)), name)

    return own, respell


def _towards(name: str, prefix: str, declared: Mapping[str, Any], held) -> str:
    """A file's name as the declared tree would call it: prefix stripped for a bare model, added for a head."""
    bare = not any(n.startswith(prefix) for n in declared)
    if bare:
        return name.removeprefix(prefix)
    headless = not any(n.startswith(prefix) for n in held)
    return prefix + name if headless and prefix + name in declared else name


def _other_heads(config, module, declared, prefix, respell) -> dict[str, set[str]]:
    """The names of every head of the architecture, spelled as `declared` spells them."""
    out = {}
    for name, head in module.HEADS.items():
        names = {respell(n) for n in _names(head.declare(config))}
        if any(n.startswith(prefix) for n in declared) and not any(n.startswith(prefix) for n in names):
            out[name] = {prefix + n for n in names} | names
        else:
            out[name] = {_towards(n, prefix, declared, names) for n in names}
    return out


# ------------------------------------------------------------------------------------------------------ reading


def default_dtype(config: ModelConfig, tensors: Mapping[str, Any]) -> Any:
    """float32 on the CPU, where bfloat16 products are ten times slower; elsewhere the file's own dtype."""
    if jax.default_backend() == "cpu":
        return np.dtype(np.float32)
    kinds = {np.dtype(t.dtype) for t in tensors.values()}
    floats = [d for d in kinds if jnp.issubdtype(d, jnp.floating)]
    return max(floats, key=lambda d: d.itemsize, default=np.dtype(np.float32))


def cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`array` as a floating `dtype`; bfloat16 is widened by shifting bits, ten times faster than by a cast."""
    if array.dtype == dtype:
        return array
    if array.dtype == ml_dtypes.bfloat16 and dtype == np.float32:
        wide = array.view(np.uint16).astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    return array.astype(dtype)


def read(
    declared: Any, source: Mapping[str, str], tensors: Mapping[str, Any], dtype, shardings: Any, fresh: Any
) -> Any:
    """The parameter tree: each leaf read from its tensor(s), cast and placed, every device reading its own slice.

    Args:
      declared: tree of `Param`, list or stacked.
      source: declared name -> the file's name.
      tensors: the file's name -> lazy tensor.
      dtype: floating dtype of the parameters.
      shardings: tree of shardings like `declared`, or None for the default device.
      fresh: function `(path, param, sharding) -> array` for leaves that the file lacks.
    """
    placed: dict[Any, Any] = {}
    if shardings is not None:
        placed = {
            p: s for (p, _), s in zip(spec.paths(declared), spec.in_file_order(declared, shardings), strict=True)
        }
    with concurrent.futures.ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        jobs: dict[Any, Any] = {}
        for path, p in spec.paths(declared):
            names = spec.names(path)
            if all(n in source for n in names):
                held = [tensors[source[n]] for n in names]
                jobs[path] = pool.submit(_leaf, held, p, dtype, placed.get(path))
            else:
                jobs[path] = None
        return spec.map_named(
            lambda path, p: fresh(path, p, placed.get(path)) if jobs[path] is None else jobs[path].result(), declared
        )


def _leaf(held: list, p: spec.Param, dtype, sharding):
    def block(index: tuple[slice, ...] | None = None) -> np.ndarray:
        index = index or ()
        if not p.stacked:
            return cast(held[0].read(index), dtype)
        rows = range(p.stacked)[index[0]] if index else range(p.stacked)
        return np.stack([cast(held[i].read(index[1:]), dtype) for i in rows])

    if sharding is None:
        return jax.device_put(block())
    return jax.make_array_from_callback(p.shape, sharding, block)


def warn_fresh(name: str, where: str, fresh: tuple[str, ...]) -> None:
    """The warning that a head (or another optional part) is not in the file and was initialised."""
    if fresh:
        shown = ", ".join(fresh[:8]) + (f" and {len(fresh) - 8} more" if len(fresh) > 8 else "")
        warnings.warn(
            f"{name}: {shown} not in {where}: initialised at random; train the model before you use its predictions",
            stacklevel=3,
        )
