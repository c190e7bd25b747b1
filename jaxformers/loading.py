"""Fitting a checkpoint's tensors to a head's declared parameters: which name goes where, and what does not fit."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax.sharding import SingleDeviceSharding

from jaxformers import models, sharding, spec
from jaxformers.checkpoints.safetensors import empty
from jaxformers.config import ModelConfig
from jaxformers.errors import CheckpointError
from jaxformers.model import Head


@dataclasses.dataclass(frozen=True)
class Fit:
    """How a checkpoint fits a head.

    `source` maps each declared name to the file's name; `fresh` lists the declared names to initialise; `unused` the
    file's names that belong to other heads of the architecture.
    """

    source: dict[str, str]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]


def fit(config: ModelConfig, head: Head, tensors: Mapping[str, Any], where: str, resize: bool = False) -> Fit:
    """Matches a checkpoint to a head, or raises one error that lists everything that does not match.

    The base model's prefix is added or stripped as needed, and tied names are resolved. What heads of the architecture
    share must be in the file. What only some heads have (a classifier, a pooler, a decoder) may be absent as a whole:
    it is then initialised. So are tensors declared as optional. Tensors of other heads are left alone; a tensor that
    no head knows is an error.

    Args:
      config: the config.
      head: the head to fill.
      tensors: canonical name -> anything with a `shape` and a `dtype`.
      where: what to call the checkpoint in errors.
      resize: initialise mis-shaped tensors of the head at random instead of refusing (the reference's
        `ignore_mismatched_sizes`).

    Raises:
      CheckpointError: tensors are missing, unexpected, mis-shaped, not floating, or there under two names.
    """
    module = models.module(config.model_type)
    declared = spec.flatten(head.declare(config))
    spelling = Spelling(module, head, declared, tensors)
    in_file, problems = _spelt(tensors, declared, spelling)
    tied = set()  # names that only an alias stands for: they say nothing about the rest of their group
    for alias, name in head.ties(config).items():
        held = in_file.pop(spelling(alias), None)
        if held is not None and in_file.setdefault(name, held) == held:
            tied.add(name)

    mismatched = {n for n, p in declared.items() if n in in_file and tuple(tensors[in_file[n]].shape) != p.shape}
    others = {}  # asked only when something does not match
    if mismatched or in_file.keys() != declared.keys():
        others = {name: spelling.of_head(spec.flatten(h.declare(config))) for name, h in module.HEADS.items()}
    groups: dict[frozenset, list[str]] = {}
    for name in declared:
        groups.setdefault(frozenset(h for h, names in others.items() if name in names), []).append(name)
    required = set(groups.get(frozenset(others), ()))
    redrawn = mismatched - required if resize else set()
    fresh = [n for n in declared if n in redrawn]
    for names in groups.values():
        absent = [n for n in names if n not in in_file]
        needed = [n for n in absent if not declared[n].optional]
        partly = any(n in in_file and n not in tied and not declared[n].optional for n in names)
        if needed and (names[0] in required or partly):
            problems += [f"missing: {n} {declared[n].shape}" for n in needed]
        else:
            fresh += absent
    if not any(n in in_file for n in declared):
        problems = [f"missing: {n} {p.shape}" for n, p in declared.items()]
    for n, p in declared.items():
        if n in mismatched - redrawn:
            got = tuple(tensors[in_file[n]].shape)
            problems.append(f"shape: {n} must be {p.shape}, the file has {got}")
        if n in in_file and not jnp.issubdtype(tensors[in_file[n]].dtype, jnp.floating):
            problems.append(f"dtype: {n} must be floating, the file has {tensors[in_file[n]].dtype}")
    known = set(declared).union(*others.values(), *(map(spelling, h.ties(config)) for h in module.HEADS.values()))
    problems += [f"unexpected: {f} {tuple(tensors[f].shape)}" for n, f in in_file.items() if n not in known]
    if problems:
        raise CheckpointError(where, problems, "the file does not fit this config and head")
    source = {n: in_file[n] for n in declared if n in in_file and n not in redrawn}
    return Fit(source, tuple(fresh), tuple(f for n, f in in_file.items() if n not in declared))


class Spelling:
    """How a head calls a name that a file, or another head, may spell with another prefix or none."""

    def __init__(self, module, head: Head, declared, held):
        self.prefix, *every = (f"{h.prefix or module.PREFIX}." for h in (head, *module.HEADS.values()))
        self.foreign = set(every) - {self.prefix}
        self.declared = declared
        self.bare = not self._prefixed(declared)  # the head is the base model itself
        self.add = not self.bare and not self._prefixed(map(self._own, held))

    def __call__(self, name: str) -> str:
        name = self._own(name)
        if self.bare:
            return name.removeprefix(self.prefix)
        return self.prefix + name if self.add and self.prefix + name in self.declared else name

    def of_head(self, names) -> set[str]:
        """All names of another head; both ways where that one is the base model and this one is not."""
        names = {self._own(n) for n in names}
        if self.bare:
            return {n.removeprefix(self.prefix) for n in names}
        return names if self._prefixed(names) else names | {self.prefix + n for n in names}

    def _own(self, name: str) -> str:
        """`name` with this head's prefix in the place of another head's."""
        return next((self.prefix + name.removeprefix(p) for p in self.foreign if name.startswith(p)), name)

    def _prefixed(self, names) -> bool:
        return any(n.startswith(self.prefix) for n in names)


def _spelt(tensors, declared, spelling: Spelling) -> tuple[dict[str, str], list[str]]:
    """The head's name -> the file's name, and the declared names that the file holds twice."""
    in_file: dict[str, str] = {}
    problems = []
    for original in tensors:
        name = spelling(original)
        if name in in_file and name in declared:
            problems.append(f"twice: {name} is {in_file[name]} and {original} in the file")
        in_file[name] = original
    return in_file, problems


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
        wide = empty(array.shape, np.dtype(np.uint32))
        np.left_shift(array.view(np.uint16), 16, out=wide, dtype=np.uint32)
        return wide.view(np.float32)
    out = empty(array.shape, np.dtype(dtype))
    np.copyto(out, array, casting="unsafe")
    return out


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

        def start(path, p):
            names, sharding = spec.names(path), placed.get(path)
            if not all(n in source for n in names):
                return lambda: fresh(path, p, sharding)
            held = [tensors[source[n]] for n in names]
            if sharding is None and _shared(held, dtype):
                array = jax.device_put(held[0].view())
                return lambda: array
            return pool.submit(_leaf, held, p, dtype, sharding).result

        jobs = spec.map_named(start, declared)
        return jax.tree.map(lambda finish: finish(), jobs)


def _shared(held: list, dtype) -> bool:
    """Whether a leaf can be the file's own pages: on the CPU, one tensor of the right dtype and alignment."""
    return len(held) == 1 and held[0].dtype == dtype and held[0].aligned and jax.default_backend() == "cpu"


def _leaf(held: list, p: spec.Param, dtype, sharding):
    """A leaf from its tensor(s); beside the block that goes to a device, one slice of a tensor is in memory at a time.

    Devices that hold the same block share one reading of it.
    """
    if sharding is None:
        return jax.device_put(_block(held, p, dtype, ()))
    alike: dict[tuple, list] = {}
    for device, index in sharding.addressable_devices_indices_map(p.shape).items():
        bounds = tuple(s.indices(n)[:2] for s, n in zip(index, p.shape, strict=True))
        alike.setdefault(bounds, []).append(device)
    parts = []
    for bounds, devices in alike.items():
        block = _block(held, p, dtype, tuple(slice(*b) for b in bounds))
        one = (SingleDeviceSharding(d, memory_kind=sharding.memory_kind) for d in devices)
        parts += jax.block_until_ready([jax.device_put(block, where) for where in one])  # the host's copy may then go
    return jax.make_array_from_single_device_arrays(p.shape, sharding, parts)


def _block(held: list, p: spec.Param, dtype, index: tuple[slice, ...]) -> np.ndarray:
    """What lies at an index of a leaf: of one tensor, or of each of those that are stacked."""
    if not p.stacked:
        return cast(held[0].read(index), dtype)
    axes = len(p.stacked)
    which = np.arange(len(held)).reshape(p.stacked)[index[:axes]]
    out = None
    for at, i in enumerate(which.flat):
        part = cast(held[i].read(index[axes:]), dtype)
        if out is None:
            out = empty((which.size, *part.shape), dtype)
        out[at] = part
        del part  # before the next is read
    assert out is not None
    return out.reshape(*which.shape, *out.shape[1:])


def warn_fresh(name: str, where: str, fresh: tuple[str, ...]) -> None:
    """The warning, by one process, that a head (or another optional part) is not in the file and was initialised."""
    if fresh and sharding.is_first():
        shown = ", ".join(fresh[:8]) + (f" and {len(fresh) - 8} more" if len(fresh) > 8 else "")
        warnings.warn(
            f"{name}: {shown} not in {where}: initialised at random; train the model before you use its predictions",
            stacklevel=3,
        )
