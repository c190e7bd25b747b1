"""The arrays that a layer's function closes over, and which arrays have an axis of rows: what micro-batches cut.

A layer reads more than the stream: masks, positions, what an encoder made. Models hand it such arrays in the closure
of the function that `nn.fold` is given. `captured` finds them and puts others in their place; `rows` tells those that
have a row for each row of the batch from those that do not, by trying it on shapes alone.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import types
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxformers import context
from jaxformers.errors import InputError


def captured(f: Callable, rows: int) -> tuple[list, Callable]:
    """The arrays in a function's closure, and what makes the function anew with others in their place.

    Looked through are functions, their defaults, `functools.partial`s, pytrees and dataclasses. A NumPy array is a
    constant, which a function may use as no tracer can be used; it counts if its first axis has so many `rows`.

    Returns:
      (arrays, `remade(arrays) -> function`).
    """
    found: list = []

    def counts(x) -> bool:
        return isinstance(x, jax.Array) or (isinstance(x, np.ndarray) and x.shape[:1] == (rows,))

    def note(x):
        found.append(x)
        return x

    _Swap(counts, note)(f)

    def remade(arrays):
        rest = iter(arrays)
        return _Swap(counts, lambda _: next(rest))(f)

    return found, remade


class _Swap:
    """Swaps every array that counts, in a fixed order and each once; what holds none stays itself."""

    def __init__(self, counts: Callable, swap: Callable):
        self.counts, self.swap = counts, swap
        self.done: dict[int, tuple] = {}  # by id, with what has the id, so that nothing else gets it meanwhile

    def __call__(self, x: Any) -> Any:
        if id(x) in self.done:
            return self.done[id(x)][1]
        self.done[id(x)] = x, x  # of a function that closes over itself, what is inside stays
        new = self._new(x)
        self.done[id(x)] = x, new
        return new

    def _new(self, x: Any) -> Any:
        if self.counts(x):
            return self.swap(x)
        if isinstance(x, types.FunctionType):
            return self._function(x)
        if isinstance(x, functools.partial):
            func, args, keywords = new = [self(part) for part in (x.func, x.args, x.keywords)]
            return x if _same(new, (x.func, x.args, x.keywords)) else functools.partial(func, *args, **keywords)
        leaves, tree = jax.tree.flatten(x)
        if jax.tree_util.treedef_is_leaf(tree):
            return self._record(x) if dataclasses.is_dataclass(x) and not isinstance(x, type) else x
        new = [self(leaf) for leaf in leaves]
        return x if _same(new, leaves) else jax.tree.unflatten(tree, new)

    def _record(self, x: Any) -> Any:
        held = {f.name: getattr(x, f.name) for f in dataclasses.fields(x) if f.init}
        new = {name: self(value) for name, value in held.items()}
        return x if _same(new.values(), held.values()) else dataclasses.replace(x, **new)

    def _function(self, f: types.FunctionType) -> types.FunctionType:
        cells = [c for c in f.__closure__ or () if not _empty(c)]
        held = [c.cell_contents for c in cells]
        contents, defaults, keywords = [self(x) for x in held], self(f.__defaults__), self(f.__kwdefaults__)
        if _same([*contents, defaults, keywords], [*held, f.__defaults__, f.__kwdefaults__]):
            return f
        fresh = {id(c): types.CellType(value) for c, value in zip(cells, contents, strict=True)}
        closure = tuple(fresh.get(id(c), c) for c in f.__closure__ or ())
        made = types.FunctionType(f.__code__, f.__globals__, f.__name__, defaults, closure)
        made.__kwdefaults__ = keywords
        return made


def _same(new, old) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))


def _empty(cell) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where nothing is in it yet
    except ValueError:
        return True
    return False


# ------------------------------------------------------------------------------------------------------ rows

_WITHOUT = "run it with microbatches=None"


@dataclasses.dataclass(frozen=True)
class Rows:
    """Which arrays have rows.

    Args:
      given: of each array that a layer reads, whether its first axis is that of rows.
      reports: of each leaf of what it reports, the axis of rows and how many of its entries belong to a row.
      form: what it reports, as a tree.
    """

    given: list[bool]
    reports: list[tuple[int, int]]
    form: Any


def rows(f: Callable, arrays: list, x: Any, fixed: Any) -> Rows:
    """Tells which arrays have a row for each row of x.

    Those may have whose first axis is as long as the batch; that they have is tried: if x had as many rows as no other
    axis has entries, which of them must have as many for the layer to compute? Only shapes are computed.

    Args:
      f: `(arrays, x, fixed) -> (x, report)`, the layer.
      arrays: what may have rows; arrays, or what has their shape and dtype.
      x: the activations, a pytree of arrays [B, ...].
      fixed: what f needs beside them.

    Raises:
      InputError: the layer computes with no choice of them, or reports something that has no rows.
    """
    batch = jax.tree.leaves(x)[0].shape[0]
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), (list(arrays), x, fixed))
    n, other = _unlike({size for leaf in jax.tree.leaves(shapes) for size in leaf.shape})
    failed: list[Exception] = []

    def report(chosen, n: int):
        """What the layer reports of n rows, or None where it does not compute."""
        given, stream, rest = shapes
        given = [_resized(a, n) if i in chosen else a for i, a in enumerate(given)]
        stream = jax.tree.map(lambda a: _resized(a, n), stream)
        try:
            with context.running(attention="eager", mesh=None, rules=None, microbatches=None):
                y, said = jax.eval_shape(f, given, stream, rest)
        except Exception as e:  # shapes that do not fit are refused in many ways
            failed.append(e)
            return None
        same = jax.tree.map(lambda a: a.shape, y) == jax.tree.map(lambda a: a.shape, stream)
        return said if same else None

    maybe = [i for i, a in enumerate(arrays) if a.shape[:1] == (batch,)]
    chosen = next((c for c in _choices(maybe, arrays) if report(c, n) is not None), None)
    if chosen is None:
        why = f": {failed[0]}" if failed else ""
        problem = (
            f"a layer must compute each row of the batch from its own row of what it reads; this one does not{why}"
        )
        raise InputError("pipeline", [problem], _WITHOUT) from (failed[0] if failed else None)
    for i in sorted(chosen):  # what is as long as the batch by chance, and looked up, computes either way
        chosen = chosen - {i} if report(chosen - {i}, n) is not None else chosen
    return Rows(
        [i in chosen for i in range(len(arrays))], *_reports(report(chosen, n), report(chosen, other), n, other)
    )


def _choices(maybe: list[int], arrays: list):
    """Sets of candidates, the largest first; arrays of one shape and dtype are taken to be alike at first."""
    kinds: dict[Any, list[int]] = {}
    for i in maybe:
        kinds.setdefault((arrays[i].shape, arrays[i].dtype), []).append(i)
    for parts in (list(kinds.values()), [[i] for i in maybe]):
        for left_out in range(min(len(parts), _MOST) + 1):
            for out in itertools.combinations(range(len(parts)), left_out):
                yield {i for g, part in enumerate(parts) if g not in out for i in part}


_MOST = 6  # arrays that are as long as the batch by chance


def _resized(a, n: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((n, *a.shape[1:]), a.dtype)


def _reports(some, others, n: int, other: int) -> tuple[list[tuple[int, int]], Any]:
    """Where the rows are in what is reported of n rows and of another number; and its form."""
    named, form = jax.tree_util.tree_flatten_with_path(some)
    found, lost = [], []
    for (path, a), b in zip(named, jax.tree.leaves(others), strict=True):
        grown = [
            (axis, s // n)
            for axis, (s, t) in enumerate(zip(a.shape, b.shape, strict=True))
            if s != t and s % n == 0 and t == s // n * other
        ]
        found += grown[:1]
        if not grown:
            lost.append(f"{jax.tree_util.keystr(path)} {list(a.shape)}")
    if lost:
        problem = f"what a layer reports must have rows, to be put together; there is {', '.join(lost)}"
        raise InputError("pipeline", [problem], _WITHOUT)
    return found, form


def _unlike(sizes: set[int]) -> list[int]:
    """Two primes that divide none of the sizes."""
    odd = (n for n in itertools.count(5, 2) if all(n % d for d in range(3, n, 2)))
    return list(itertools.islice((p for p in odd if all(s % p for s in sizes if s)), 2))
