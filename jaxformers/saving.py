"""Writing a checkpoint's files, by one process alone or with the help of those that hold parts of its tensors."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np

from jaxformers import checkpoints, sharding
from jaxformers.checkpoints.files import write_atomically
from jaxformers.checkpoints.safetensors import Entry, in_turn
from jaxformers.errors import CheckpointError
from jaxformers.sharding.gather import fetch


def lazy(x: Any, at: tuple[int, ...], together: bool) -> Entry:
    """One tensor of a file: what lies at the index `at` of a leaf's stacked axes; () is all of it.

    Args:
      x: an array of JAX or NumPy.
      at: see above.
      together: all processes read it, and only the first has a use for it.
    """
    here = not together or sharding.is_first()
    read: Any = lambda: fetch(x, at, here)  # noqa: E731
    return Entry(np.dtype(x.dtype), tuple(x.shape[len(at) :]), read)


def write(
    path: pathlib.Path,
    entries: dict[str, Any],
    texts: dict[str, str],
    max_shard_size: int | str,
    together: bool,
) -> list[pathlib.Path]:
    """Writes weights and the texts beside them; returns the files.

    Args:
      path: the directory.
      entries: name -> `Entry` or array.
      texts: file name -> content.
      max_shard_size: bytes, or a string like "5GB".
      together: the first process writes, the others read the same tensors in the same order and wait until it is
        done.

    Raises:
      CheckpointError: `path` is a file; in the other processes, whatever the first could not do.
    """
    if not together:
        return _write(path, entries, texts, max_shard_size)
    left = dict(in_turn(entries, max_shard_size))
    if not sharding.is_first():
        for e in left.values():
            e.read()
        said = sharding.exchange(None)[0]
        if "failed" in said:
            raise CheckpointError("save", [f"process 0 could not write: {said['failed']}"])
        return [pathlib.Path(file) for file in said["files"]]

    def counted(name: str, e: Entry) -> Entry:
        def read():
            del left[name]
            return e.read()

        return dataclasses.replace(e, read=read)

    try:
        files = _write(path, {name: counted(name, e) for name, e in left.items()}, texts, max_shard_size)
    except Exception as e:
        for rest in list(left.values()):  # the others are already waiting for these
            rest.read()
        sharding.exchange({"failed": str(e)})
        raise
    sharding.exchange({"files": [str(file) for file in files]})
    return files


def _write(path: pathlib.Path, entries: dict, texts: dict[str, str], max_shard_size: int | str) -> list[pathlib.Path]:
    if path.exists() and not path.is_dir():
        raise CheckpointError("save", [f"path must be a directory, got the file {str(path)!r}"])
    files = checkpoints.save_checkpoint(path, entries, max_shard_size)
    for name, text in texts.items():
        write_atomically(path / name, text.encode())
    return [*files, *(path / name for name in texts)]
