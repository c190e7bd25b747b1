"""Where the program runs: the platform of its devices, and the mesh axes that are still to be split over."""

from __future__ import annotations

import types
from typing import Any

import jax

from jaxformers import context


def platform() -> str:
    """ "cpu", "gpu" or "tpu": of the devices of the run context's mesh, else JAX's default.

    The two differ where a program is compiled for devices that are only described.
    """
    devices = getattr(context.current().mesh, "devices", None)
    return jax.default_backend() if devices is None else devices.flat[0].platform


def free_mesh() -> Any:
    """The run context's mesh, or None without one or without rules; and which of its axes may be split over.

    Inside a `shard_map` over some of its axes these are taken, and the mesh is the one that knows so.

    Returns:
      (mesh for `shard_map`, what `sharding.partition` takes for one of the free axes), or (None, None).
    """
    run = context.current()
    if run.mesh is None or run.rules is None:
        return None, None
    inner = jax.sharding.get_abstract_mesh()
    taken = set(inner.manual_axes) & set(run.mesh.axis_names)
    free = {name: size for name, size in run.mesh.shape.items() if name not in taken}
    return (inner if taken else run.mesh), types.SimpleNamespace(axis_names=tuple(free), shape=free)
