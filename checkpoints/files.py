"""Atomic writes: a file is either the old one or the whole new one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
