"""Trees of arrays as orbax checkpoints: every process writes its own shards, and reads them for any other mesh."""

from __future__ import annotations

import os
from typing import Any

from jaxformers.errors import CheckpointError


def save_sharded(path: str | os.PathLike, tree: Any, *, overwrite: bool = False) -> None:
    """Writes a tree of arrays (parameters, an optimizer's state) to a directory that all processes see.

    Nothing is gathered: each process writes what its own devices hold. All must call it; it returns when all are done,
    and a directory that is there is whole.

    Args:
      path: the directory, of this machine or a bucket; made by this function.
      tree: arrays of JAX or NumPy in dictionaries, lists and other pytrees.
      overwrite: replace a directory that is there.

    Raises:
      CheckpointError: the directory is there already.
    """
    import orbax.checkpoint as ocp

    folder = _folder(path)
    if folder.exists() and not overwrite:
        raise CheckpointError("save_sharded", [f"path must be new, {str(path)!r} is there"], "pass overwrite=True")
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder, tree, force=overwrite)


def load_sharded(path: str | os.PathLike, like: Any) -> Any:
    """Reads a tree that `save_sharded` wrote, from whatever mesh, into the shardings of another. All must call it.

    Args:
      path: the directory.
      like: the tree to be made, of arrays or of `jax.ShapeDtypeStruct` with a `sharding` (as `spec.abstract` makes
        them): each device reads its own part, in this dtype. What has no place of its own, such as an optimizer's
        count of steps, is put on all devices of the mesh that others have.

    Raises:
      CheckpointError: there is no such checkpoint, or it holds other names or shapes, all of which are listed.
    """
    import orbax.checkpoint as ocp

    folder = _folder(path)
    if not (folder / "_METADATA").exists():
        raise CheckpointError("load_sharded", [f"path must be a directory that save_sharded wrote, got {str(path)!r}"])
    with ocp.StandardCheckpointer() as checkpointer:
        held = checkpointer.metadata(folder).item_metadata
        problems = _differences(_shapes(held.tree if hasattr(held, "tree") else held), _shapes(like))
        if problems:
            raise CheckpointError(str(path), problems, "the checkpoint does not fit the tree to be made")

        return checkpointer.restore(folder, _placed(like))


def _placed(like: Any) -> Any:
    import jax
    from jax.sharding import NamedSharding, PartitionSpec, SingleDeviceSharding

    own = [getattr(x, "sharding", None) for x in jax.tree.leaves(like)]
    mesh = next((s.mesh for s in own if isinstance(s, NamedSharding)), None)
    rest = SingleDeviceSharding(jax.local_devices()[0]) if mesh is None else NamedSharding(mesh, PartitionSpec())

    def one(x):
        free = getattr(x, "sharding", None) is None or (isinstance(x, jax.Array) and not x.committed)
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=rest if free else x.sharding)

    return jax.tree.map(one, like)


def _folder(path: str | os.PathLike) -> Any:
    """A directory of this machine, or of a bucket ("gs://...")."""
    from etils import epath

    text = os.fspath(path)
    return epath.Path(text if "://" in text else os.path.abspath(text))


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    import jax

    leaves = jax.tree.leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): tuple(x.shape) for path, x in leaves}


def _differences(held: dict[str, tuple], wanted: dict[str, tuple]) -> list[str]:
    problems = [f"missing: {n} {shape}" for n, shape in wanted.items() if n not in held]
    problems += [f"unexpected: {n} {shape}" for n, shape in held.items() if n not in wanted]
    both = wanted.keys() & held.keys()
    return problems + [f"shape: {n} must be {wanted[n]}, got {held[n]}" for n in sorted(both) if wanted[n] != held[n]]
