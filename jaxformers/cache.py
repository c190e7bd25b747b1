"""The persistent compilation cache: programs compiled once are read back by later processes."""

from __future__ import annotations

import os
import pathlib

import jax


def enable_compilation_cache(path: str | os.PathLike | None = None) -> pathlib.Path:
    """Keeps compiled programs in `path` (default: `$XDG_CACHE_HOME/jaxformers/xla`, or `~/.cache/jaxformers/xla`).

    Everything is kept, however quick it was to compile. Returns the directory.
    """
    if path is None:
        home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        path = pathlib.Path(home) / "jaxformers" / "xla"
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return path
