"""From "a path or a hub id" to a directory on disk."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence

from jaxformers.errors import CheckpointError

TEXT = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken", "*.codes", "*.spm")
ALL = (*TEXT, "*.safetensors")


def resolve(path: str | os.PathLike, revision: str | None = None, patterns: Sequence[str] = ALL) -> pathlib.Path:
    """A local directory (or config file's directory) as it is; a hub id through `huggingface_hub`'s cache.

    Args:
      path: a directory, a file in one, or a hub id.
      revision: branch, tag or commit on the hub.
      patterns: which files to fetch from the hub.

    Raises:
      CheckpointError: neither a directory nor a hub repository that is cached or can be fetched.
    """
    local = pathlib.Path(path)
    if local.is_dir():
        return local
    if local.is_file():
        return local.parent
    name = os.fspath(path)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) or name.startswith("."):
        raise CheckpointError("path", [f"must be a directory or a hub id like 'owner/name', got {name!r}"])
    import huggingface_hub

    try:
        return pathlib.Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except Exception as e:  # the hub client raises many kinds, from httpx's to its own
        problem = f"must be a directory or a hub id that can be fetched, got {name!r} ({type(e).__name__}: {e})"
        raise CheckpointError("path", [problem.replace(chr(10), " ")[:400]]) from None
