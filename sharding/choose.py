"""`choose`: the plainest preset whose share of the parameters fits into a device."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax.sharding import Mesh

from jaxformers.errors import JaxformersError
from jaxformers.sharding.chips import GIB, memory_of
from jaxformers.sharding.plan import Plan, plan
from jaxformers.spec import paths

_SHARE = 0.8  # of a device's memory; the rest is for activations


def choose(
    tree: Any, mesh: Mesh, *, dtype: Any = jnp.float32, memory: int | None = None, train: bool = False
) -> tuple[str, str]:
    """The plainest preset that fits, and a sentence that says why.

    Args:
      tree: a tree of `Param`.
      mesh: the devices; presets that use none of its axes are left out.
      dtype: of the parameters.
      memory: bytes of a device; None asks the device.
      train: count gradients in `dtype` and AdamW's two float32 moments too.

    Raises:
      JaxformersError: nothing fits, or nobody tells how much memory a device has.
    """
    limit = memory_of(mesh.devices.flat[0]) if memory is None else memory
    if limit is None:
        kind = mesh.devices.flat[0].device_kind
        raise JaxformersError("rules", [f"'auto' needs the memory of a {kind}"], "say it: memory=80 << 30")
    size = jnp.dtype(dtype).itemsize
    tried = []
    for name in _candidates(tree, mesh, train):
        made = plan(tree, mesh, name)
        need = share(made, size, train)
        if need <= _SHARE * limit:
            what = "parameters, gradients and AdamW's moments" if train else "parameters"
            return name, f"auto: {name!r}; {what} take {_gib(need)} of a device's {_gib(limit)}"
        tried.append(f"{name} takes {_gib(need)}")
    raise JaxformersError(
        "rules",
        [f"'auto' finds nothing that fits into {_SHARE:.0%} of {_gib(limit)} a device: {'; '.join(tried)}"],
        "take more devices, a smaller dtype, or another mesh",
    )


def share(made: Plan, itemsize: int, train: bool) -> int:
    """Bytes of one device: its parameters, and for training their gradients and two float32 moments."""
    each = [(made.shardings, itemsize)]
    if train:
        each += [(made.gradients, itemsize), (made.optimizer, 8)]
    return sum(
        math.prod(s.shard_shape(p.shape)) * size for shardings, size in each for _, p, s in made.each(shardings)
    )


def _candidates(tree: Any, mesh: Mesh, train: bool) -> list[str]:
    """Presets that use the mesh, from the one that moves the fewest bytes to the one that saves the most memory."""
    have = set(mesh.axis_names)
    experts = "expert" in have and any("experts" in p.axes for _, p in paths(tree))
    plain = ["data" if "data" in have else "replicated"]
    plain += ["zero1", "zero2"] if train and have & {"data", "fsdp"} else []
    plain += ["tensor"] if "tensor" in have else []
    plain += ["zero1+tensor"] if train and "tensor" in have and have & {"data", "fsdp"} else []
    plain += ["fsdp"] if "fsdp" in have else []
    plain += ["fsdp+tensor"] if {"fsdp", "tensor"} <= have else []
    return [f"{name}+expert" if experts else name for name in plain]


def _gib(n: float) -> str:
    return f"{n / GIB:.2f} GiB"
