"""Parameter declarations, and everything that follows from one declaration.

A model declares its parameters as a tree of `Param` (nested dicts and lists whose path is the checkpoint's tensor
name). From that tree come random initialisation, abstract shapes, counts, sharding plans and the check of a loaded
file. This module imports jax and nothing of ours.

Trees may hold two special containers:

* `Layers`: a list of per-layer trees. Says "these may be run by `nn.fold`".
* `Stack`:  a dict whose leaves carry a leading layer axis; what `stack` makes of a run of equal layers.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Tree = Any
Path = tuple[Any, ...]  # of str (dict key), int (list index) and range (the layers that a stacked leaf covers)


class Layers(list):
    """A list of layers, each a parameter tree (or a `Stack` of several): what `nn.fold` runs over."""

    def __repr__(self) -> str:
        return f"Layers({super().__repr__()})"


class Stack(dict):
    """A tree with a leading layer axis on every leaf: what `nn.fold` runs as one `lax.scan`."""

    def __repr__(self) -> str:
        return f"Stack({super().__repr__()})"


def _flatten_layers(x):
    return [(jax.tree_util.SequenceKey(i), v) for i, v in enumerate(x)], None


def _flatten_stack(x):
    keys = tuple(sorted(x))
    return [(jax.tree_util.DictKey(k), x[k]) for k in keys], keys


jax.tree_util.register_pytree_with_keys(Layers, _flatten_layers, lambda _, xs: Layers(xs))
jax.tree_util.register_pytree_with_keys(Stack, _flatten_stack, lambda ks, xs: Stack(zip(ks, xs, strict=True)))


# ---------------------------------------------------------------------------------------------------- initialisers
# An initialiser is a function (key, shape, dtype) -> array. `Param.init=None` means "normal with the model's own
# standard deviation", which `init` is told.


def zeros(key, shape, dtype):
    return jnp.zeros(shape, dtype)


def ones(key, shape, dtype):
    return jnp.ones(shape, dtype)


def _draw(kind: str, scale: float, key, shape, dtype):
    if kind == "normal":
        x = jax.random.normal(key, shape, jnp.float32)
    elif kind == "truncated_normal":  # cut at two standard deviations, not rescaled: torch's trunc_normal_
        x = jax.random.truncated_normal(key, -2.0, 2.0, shape, jnp.float32)
    else:
        x = jax.random.uniform(key, shape, jnp.float32, -1.0, 1.0)
    return (scale * x).astype(dtype)


def _full(value: float, key, shape, dtype):
    return jnp.full(shape, value, dtype)


@functools.cache
def constant(value: float):
    """`value` everywhere."""
    return functools.partial(_full, value)


@functools.cache
def normal(std: float):
    """N(0, std^2)."""
    return functools.partial(_draw, "normal", std)


@functools.cache
def truncated_normal(std: float):
    """N(0, std^2) cut at two standard deviations."""
    return functools.partial(_draw, "truncated_normal", std)


@functools.cache
def uniform(bound: float):
    """Uniform on [-bound, bound)."""
    return functools.partial(_draw, "uniform", bound)


# ---------------------------------------------------------------------------------------------------- declarations


@dataclasses.dataclass(frozen=True)
class Param:
    """One declared tensor.

    Args:
      shape: its shape, exactly as in the checkpoint file.
      axes: one logical axis name per dimension, as a tuple or a string of words; "-" for an axis never split.
      init: initialiser `(key, shape, dtype) -> array`; None draws normally with the model's standard deviation.
      trainable: False for state that the optimiser must not touch (BatchNorm's running statistics).
      optional: a file may lack it, and it then is what `init` makes of it: a bias of zeros, a table of sines.
      stacked: sizes of the leading axes that hold layers, experts, or both; () for a tensor that is not stacked.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...] | str
    init: Callable | None = None
    trainable: bool = True
    stacked: tuple[int, ...] = ()
    optional: bool = False

    def __post_init__(self):
        shape = tuple(int(d) for d in self.shape)
        axes = tuple(self.axes.split()) if isinstance(self.axes, str) else tuple(self.axes)
        if len(axes) != len(shape):
            raise ValueError(f"Param: axes must name one axis per dimension of {shape}, got {axes}")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "axes", axes)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


# ---------------------------------------------------------------------------------------------------- names and trees


def paths(tree: Tree, _path: Path = (), _first: int = 0, _depth: int = 0) -> Iterator[tuple[Path, Any]]:
    """Yields `(path, leaf)` for every leaf, in file order. A stacked leaf's path holds a range for each stack."""
    if isinstance(tree, Stack):
        layers = range(_first, _first + _length(tree, _depth))
        for key, value in tree.items():
            yield from paths(value, (*_path, layers, key), 0, _depth + 1)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from paths(value, (*_path, key), 0, _depth)
    elif isinstance(tree, list | tuple):
        i = 0
        for value in tree:
            if isinstance(value, Stack):
                yield from paths(value, _path, i, _depth)
                i += _length(value, _depth)
            else:
                yield from paths(value, (*_path, i), 0, _depth)
                i += 1
    elif tree is not None:
        yield _path, tree


def _length(stack: Stack, axis: int = 0) -> int:
    """Entries of a stack that lies in `axis` others."""
    return jax.tree.leaves(stack)[0].shape[axis]


def names(path: Path) -> list[str]:
    """The checkpoint names that a leaf at `path` stands for: one, or one for each entry when it is stacked.

    A leaf in two stacks, experts in layers, has them layer by layer. A key that ends in "_" is one word with what
    follows: `experts.expert_0`.
    """
    parts = ([*part] if isinstance(part, range) else [part] for part in path)
    return [_joined(one) for one in itertools.product(*parts)]


def _joined(parts) -> str:
    return ".".join(map(str, parts)).replace("_.", "_")


def is_stacked(tree: Tree) -> bool:
    """Are layers stacked? A list of layers that hold stacks themselves, of experts, is not."""
    if isinstance(tree, Stack):
        return True
    if isinstance(tree, Layers):
        return any(isinstance(layer, Stack) for layer in tree)
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    return any(map(is_stacked, parts))


def label(path: Path) -> str:
    """One readable name for a path: layers of a stack are shown as `0-11`."""
    return _joined(f"{p.start}-{p.stop - 1}" if isinstance(p, range) else p for p in path)


def flatten(tree: Tree) -> dict[str, Any]:
    """The tree as `{checkpoint name: leaf}`; stacked layers are split into their own names."""
    return {names(path)[0]: leaf for path, leaf in paths(unstack(tree))}


def map_named(f: Callable[[Path, Any], Any], tree: Tree) -> Tree:
    """`f(path, leaf)` over the leaves, keeping the containers. Paths are those of `paths`."""
    values = iter([f(path, leaf) for path, leaf in paths(tree)])
    return _rebuild(tree, values)


def _rebuild(tree, values):
    if isinstance(tree, dict):
        return type(tree)({k: _rebuild(v, values) for k, v in tree.items()})
    if isinstance(tree, list | tuple):
        return type(tree)([_rebuild(v, values) for v in tree])
    return None if tree is None else next(values)


def get(tree: Tree, name: str) -> Any:
    """The subtree at a dotted name: `get(params, "encoder.layer.0")`."""
    for part in filter(None, name.split(".")):
        tree = tree[int(part)] if isinstance(tree, list | tuple) else tree[part]
    return tree


def update(tree: Tree, changes: Tree) -> Tree:
    """`tree` with the leaves that `changes` holds replaced; `changes` is a sub-tree with the same paths.

    This is how returned state (new BatchNorm statistics in `out.state`) goes back into the parameters.

    Raises:
      ValueError: `changes` holds a name that `tree` does not.
    """
    if isinstance(changes, dict):
        unknown = [k for k in changes if k not in tree]
        if unknown:
            raise ValueError(f"update: changes must be a sub-tree, got {unknown} where the tree has {list(tree)}")
        return type(tree)({k: update(v, changes[k]) if k in changes else v for k, v in tree.items()})
    if isinstance(changes, list | tuple):
        return type(tree)([update(t, c) for t, c in zip(tree, changes, strict=True)])
    return tree if changes is None else changes


# ---------------------------------------------------------------------------------------------------- list <-> stack


def _stackable(a: Tree, b: Tree) -> bool:
    """Same structure, shapes and (for arrays) dtypes."""
    structures: list[Any] = [jax.tree.structure(t) for t in (a, b)]
    if structures[0] != structures[1]:
        return False
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(x.shape == y.shape and _kind(x) == _kind(y) for x, y in pairs)


def _kind(x):
    return (x.axes, x.init, x.trainable) if isinstance(x, Param) else x.dtype


def _stack_leaves(*leaves):
    first = leaves[0]
    if isinstance(first, Param):
        n = len(leaves)
        return dataclasses.replace(
            first, shape=(n, *first.shape), axes=("layers", *first.axes), stacked=(n, *first.stacked)
        )
    if isinstance(first, jax.ShapeDtypeStruct):
        return jax.ShapeDtypeStruct((len(leaves), *first.shape), first.dtype)
    return (np if isinstance(first, np.ndarray) else jnp).stack(leaves)


def stack(tree: Tree) -> Tree:
    """Every `Layers` list becomes a `Stack` (all layers equal) or `Layers` of trees and stacks (runs of equal ones).

    Layers may hold stacks themselves, of experts: those then have two leading axes.
    Works on trees of `Param`, of arrays and of `jax.ShapeDtypeStruct`. `unstack` is its inverse. Files always hold the
    unstacked names, so both forms save to the same bytes.
    """
    if isinstance(tree, Layers):
        runs: list[list[Tree]] = []
        for layer in _apart(tree):
            layer = stack(layer)
            if runs and _stackable(runs[-1][-1], layer):
                runs[-1].append(layer)
            else:
                runs.append([layer])
        parts = [Stack(jax.tree.map(_stack_leaves, *run)) if len(run) > 1 else run[0] for run in runs]
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Stack) else Layers(parts)
    if isinstance(tree, dict):
        return type(tree)({k: stack(v) for k, v in tree.items()})
    if isinstance(tree, list | tuple):
        return type(tree)([stack(v) for v in tree])
    return tree


def _layer_of(x, i: int):
    if isinstance(x, Param):
        return dataclasses.replace(x, shape=x.shape[1:], axes=x.axes[1:], stacked=x.stacked[1:])
    if isinstance(x, jax.ShapeDtypeStruct):
        return jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
    return x[i]


def _split(tree: Stack) -> list[Tree]:
    plain = dict(tree)
    return [jax.tree.map(lambda x, i=i: _layer_of(x, i), plain) for i in range(_length(tree))]


def _apart(layers: Layers) -> list[Tree]:
    """The layers of a list one by one, those of its stacks too."""
    return [x for v in layers for x in (_split(v) if isinstance(v, Stack) else [v])]


def unstack(tree: Tree) -> Tree:
    """Every `Stack`, of layers and of experts, becomes `Layers` of their trees. `stack` is its inverse."""
    if isinstance(tree, Stack):
        return Layers(unstack(x) for x in _split(tree))
    if isinstance(tree, Layers):
        return Layers(unstack(x) for x in _apart(tree))
    if isinstance(tree, dict):
        return type(tree)({k: unstack(v) for k, v in tree.items()})
    if isinstance(tree, list | tuple):
        return type(tree)([unstack(v) for v in tree])
    return tree


# ---------------------------------------------------------------------------------------------------- what follows


def abstract(tree: Tree, dtype=jnp.float32, shardings: Tree | None = None) -> Tree:
    """The declared tree as `jax.ShapeDtypeStruct`s of `dtype`: for `eval_shape`, `lower` and memory estimates."""
    if shardings is None:
        return jax.tree.map(lambda p: jax.ShapeDtypeStruct(p.shape, dtype), tree)
    return jax.tree.map(lambda p, s: jax.ShapeDtypeStruct(p.shape, dtype, sharding=s), tree, shardings)


def count(tree: Tree, trainable: bool = False) -> int:
    """Number of parameters in a declared (or real) tree; `trainable=True` leaves running statistics out."""
    return sum(
        math.prod(x.shape)
        for x in jax.tree.leaves(tree)
        if not (trainable and isinstance(x, Param) and not x.trainable)
    )


def trainable(tree: Tree) -> Tree:
    """A tree of bools, True where the optimiser may write: a mask for `optax.masked`."""
    return jax.tree.map(lambda p: p.trainable, tree)


def crc(name: str) -> int:
    return zlib.crc32(name.encode())


@functools.partial(jax.jit, static_argnames=("initialiser", "shape", "dtype", "stacked", "sharding"))
def _initialise(key, seeds, *, initialiser, shape, dtype, stacked, sharding):
    keys = jax.vmap(lambda seed: jax.random.fold_in(key, seed))(seeds)
    if stacked:
        x = jax.vmap(lambda k: initialiser(k, shape[len(stacked) :], dtype))(keys).reshape(shape)
    else:
        x = initialiser(keys[0], shape, dtype)
    return x if sharding is None else jax.lax.with_sharding_constraint(x, sharding)


def init(tree: Tree, key, dtype=jnp.float32, std: float = 0.02, shardings: Tree | None = None) -> Tree:
    """Random arrays for a declared tree.

    A leaf's random key is `fold_in(key, crc32(checkpoint name))`: its value depends on its name alone, not on which
    other leaves exist, on whether layers are stacked, or on the mesh. One program is compiled per distinct shape.

    Args:
      tree: a tree of `Param`.
      key: a JAX key (`jax.random.key(0)`).
      dtype: dtype of the result.
      std: standard deviation where a `Param` names no initialiser (the config's `initializer_range`).
      shardings: tree of shardings like `tree`; each array is drawn directly into its shards.
    """
    placed: dict[Path, Any] = {}
    if shardings is not None:
        placed = {path: s for (path, _), s in zip(paths(tree), in_file_order(tree, shardings), strict=True)}
    return map_named(lambda path, p: init_leaf(path, p, key, dtype, std, placed.get(path)), tree)


def init_leaf(path: Path, p: Param, key, dtype, std: float, sharding=None):
    """One leaf of `init`."""
    return _initialise(
        key,
        np.asarray([crc(n) for n in names(path)], np.uint32),
        initialiser=p.init or normal(std),
        shape=p.shape,
        dtype=jnp.dtype(dtype),
        stacked=p.stacked,
        sharding=sharding,
    )


def in_file_order(tree: Tree, other: Tree) -> list:
    """Leaves of `other` (a tree shaped like `tree`, maybe with None leaves) in the order of `paths(tree)`."""
    if isinstance(tree, dict):
        return [leaf for k, v in tree.items() for leaf in in_file_order(v, other[k])]
    if isinstance(tree, list | tuple):
        return [leaf for t, o in zip(tree, other, strict=True) for leaf in in_file_order(t, o)]
    return [] if tree is None else [other]
