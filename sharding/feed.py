"""`feed`: the rows that each process has read, as one batch over the mesh."""

from __future__ import annotations

import zlib
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxformers.errors import JaxformersError
from jaxformers.sharding.plan import partition
from jaxformers.sharding.rules import resolve
from jaxformers.sharding.start import exchange, here
from jaxformers.spec import label

_WHERE = "feed"


def feed(batch: Any, mesh: Mesh, rules: Any = "data", *, check: bool = True) -> Any:
    """A batch of arrays over the mesh, its rows split as the rules say; each process brings its own rows.

    Processes that differ along the axes which rows go over bring different rows, in the order of their devices in the
    mesh; `sharding.rows` says which. Those that do not (all of one tensor-parallel group, say) bring the same.

    Args:
      batch: a tree of arrays [b, ...] with this process's rows first; in a single process, all rows. Scalars are the
        same everywhere.
      mesh, rules: as for `plan`; rows go over the mesh axes of "batch".
      check: compare the processes' shapes, and the rows of those that must bring the same. It waits for the devices:
        a training loop may leave it out once a first batch has passed, if every batch is of that size.

    Returns:
      The tree with arrays [B, ...] over the mesh.

    Raises:
      JaxformersError: rows do not divide by the devices, arrays differ in rows, processes bring other shapes or dtypes
        or, where they must bring the same rows, other values.
    """
    table = resolve(rules)
    over = partition(("batch",), None, mesh, table)
    paths, structure = jax.tree.flatten_with_path(batch)
    held = {label(tuple(_key(k) for k in path)) or "batch": _host(x) for path, x in paths}
    ways, first, groups = _shares(mesh, over)
    problems = []
    sizes = {x.shape[0] for x in held.values() if x.ndim}
    if len(sizes) > 1:
        problems.append("arrays must have as many rows each, got " + ", ".join(f"{n} {_rows(held[n])}" for n in held))
    problems += [
        f"{name}: rows must divide by the {ways} devices of this process that they go over, got {x.shape[0]}"
        for name, x in held.items()
        if x.ndim and x.shape[0] % ways
    ]
    if check and here().processes > 1:
        problems = _differences(held, problems, first)
    if problems:
        raise JaxformersError(_WHERE, problems, "processes bring the same arrays, with as many rows each")
    made = []
    for x in held.values():
        where = NamedSharding(mesh, PartitionSpec(*over) if x.ndim else PartitionSpec())
        shape = (x.shape[0] * groups, *x.shape[1:]) if x.ndim else ()
        made.append(jax.make_array_from_process_local_data(where, x, shape))
    return jax.tree.unflatten(structure, made)


def rows(total: int, mesh: Mesh, rules: Any = "data") -> slice:
    """Which of `total` rows of a batch this process is to bring to `feed`.

    Raises:
      JaxformersError: rows do not divide by the devices that they go over.
    """
    over = partition(("batch",), None, mesh, resolve(rules))
    ways, first, groups = _shares(mesh, over)
    if total % (ways * groups):
        raise JaxformersError("rows", [f"must divide by {ways * groups} devices, got {total}"])
    size = total // groups
    return slice(first * size, (first + 1) * size)


def _shares(mesh: Mesh, over: PartitionSpec) -> tuple[int, int, int]:
    """How many blocks of rows this process's devices hold, which share of all rows they are, and of how many."""
    blocks = NamedSharding(mesh, over).devices_indices_map((mesh.size,))  # a block is at least one row
    held: dict[int, set[int]] = {}
    device: Any
    for device, (where,) in blocks.items():
        held.setdefault(device.process_index, set()).add(where.indices(mesh.size)[0])
    mine = held.get(jax.process_index())
    if mine is None:
        raise JaxformersError(_WHERE, ["the mesh must hold devices of this process"])
    shares = sorted({tuple(sorted(s)) for s in held.values()})
    every = [start for share in shares for start in share]
    if sorted(set(every)) != every or len({len(s) for s in shares}) != 1:
        raise JaxformersError(
            _WHERE, ["the rows of a process must be one run of all rows, the same or apart from those of others"],
            "make the mesh of devices in their order: sharding.mesh(...), rows over its first axes",
        )  # fmt: skip
    return len(mine), shares.index(tuple(sorted(mine))), len(shares)


def _host(x: Any) -> np.ndarray:
    x = np.asarray(x)
    return x.astype(jax.dtypes.canonicalize_dtype(x.dtype), copy=False)  # 64 bits are 32, as JAX takes them


def _key(key: Any) -> Any:
    return next(getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name))


def _rows(x: np.ndarray) -> int | str:
    return x.shape[0] if x.ndim else "none"


def _differences(held: dict[str, np.ndarray], problems: list[str], share: int) -> list[str]:
    """What is wrong in any process: its own problems, shapes unlike the first's, and rows that must be alike."""
    arrays = {n: [str(x.dtype), list(x.shape), _sum(x)] for n, x in held.items()}
    said = exchange({"problems": problems, "share": share, "arrays": arrays})
    found = [f"process {i}: {problem}" for i, one in enumerate(said) for problem in one["problems"]]
    leader: dict[int, int] = {}  # the first process with this share of the rows
    for i, one in enumerate(said):
        if one["arrays"].keys() != said[0]["arrays"].keys():
            names = (", ".join(x["arrays"]) or "nothing" for x in (one, said[0]))
            found.append("process {} brings {}, process 0 {}".format(i, *names))
            continue
        same = leader.setdefault(one["share"], i)
        for name, (dtype, shape, crc) in one["arrays"].items():
            first, twin = said[0]["arrays"][name], said[same]["arrays"][name]
            if [dtype, shape] != first[:2]:
                found.append(f"{name}: process {i} brings {dtype}{shape}, process 0 {first[0]}{first[1]}")
            elif crc != twin[2] or (not shape and crc != first[2]):
                other = same if shape else 0
                found.append(f"{name}: processes {other} and {i} must bring the same values, they differ")
    return found


def _sum(x: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(x).reshape(-1).view(np.uint8).data)
