"""Atomic writes, by which a file is either the old one or the whole new one; and JSON files read."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from jaxformers.errors import CheckpointError

Opener = Callable[[str | os.PathLike], contextlib.AbstractContextManager[BinaryIO]]


@contextlib.contextmanager
def together() -> Iterator[Opener]:
    """Files that change together: yields a function that opens a temporary file beside a path for writing.

    Each is synced when its own block ends; all are renamed to their paths, in order, only if the outer block ends
    well. Until then the files at those paths stay as they are, so they may be read to write the new ones.
    """
    held: list[tuple[str, pathlib.Path]] = []

    @contextlib.contextmanager
    def opened(path: str | os.PathLike) -> Iterator[BinaryIO]:
        path = pathlib.Path(path)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        held.append((temporary, path))
        with os.fdopen(handle, "wb") as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        os.chmod(temporary, 0o666 & ~_umask())

    try:
        yield opened
        for temporary, path in held:
            os.replace(temporary, path)
    finally:
        for temporary, _ in held:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Opens a temporary file beside `path` for writing; renamed to `path`, synced, only if the block ends well."""
    with together() as opened, opened(path) as f:
        yield f


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Writes `data` to `path` through a temporary file and a rename."""
    with atomic(path) as f:
        f.write(data)


def to_write(directory: str | os.PathLike) -> pathlib.Path:
    """A directory to save files in, made if there is none.

    Raises:
      CheckpointError: it is a file.
    """
    folder = pathlib.Path(directory)
    if folder.exists() and not folder.is_dir():
        raise CheckpointError("save_pretrained", [f"must be given a directory, got the file {str(folder)!r}"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_json(file: pathlib.Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is no such file.

    Raises:
      CheckpointError: it does not hold one JSON object.
    """
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise CheckpointError(str(file), [f"must hold one JSON object: {e}"]) from None
    if not isinstance(value, dict):
        raise CheckpointError(str(file), [f"must hold one JSON object, got {type(value).__name__}"])
    return value
