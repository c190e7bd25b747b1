"""`mesh`: devices in a grid with named axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from jaxformers.errors import JaxformersError
from jaxformers.sharding.rules import over, resolve


def mesh(devices: Sequence[jax.Device] | None = None, **axes: int) -> Mesh:
    """A mesh over devices, its axes from the slowest links to the fastest: `mesh(data=2, fsdp=-1, tensor=4)`.

    Neighbours along an axis are neighbours in the network where JAX knows it (TPU tori). On devices of several slices
    or nodes that share no fast links, the first axes go between them.

    Args:
      devices: all devices of all processes by default.
      axes: name and size of each axis; one may be -1, which takes what the others leave.

    Raises:
      JaxformersError: a size is not positive, or their product is not the number of devices.
    """
    held = list(jax.devices() if devices is None else devices)
    problems = [f"axis {n!r} must be positive or -1, got {s!r}" for n, s in axes.items() if _size(s) is None]
    free = [n for n, s in axes.items() if s == -1]
    if len(free) > 1:
        problems.append(f"only one axis may be -1, got {', '.join(free)}")
    if not axes:
        problems.append("at least one axis must be named")
    if problems:
        raise JaxformersError("mesh", problems, "as in mesh(data=2, fsdp=-1)")
    fixed = math.prod(s for s in axes.values() if s != -1)
    spelt = " x ".join(f"{n} {s}" for n, s in axes.items())
    if len(held) % fixed or (not free and fixed != len(held)):
        many = "a multiple of" if free else "exactly"
        raise JaxformersError(
            "mesh", [f"{spelt} needs {many} {fixed} devices, there are {len(held)}"],
            "change a size, make one -1, or name the devices: mesh(jax.devices()[:n], ...)",
        )  # fmt: skip
    sizes = tuple(len(held) // fixed if s == -1 else s for s in axes.values())
    return Mesh(_arranged(sizes, held), tuple(axes))


def axes_for(rules: Any) -> dict[str, int]:
    """The mesh that rules imply by themselves: all devices along the one axis that they go over, "data" aside.

    Raises:
      JaxformersError: they go over several axes, whose sizes they do not tell, or are to be chosen for a mesh.
    """
    if isinstance(rules, str) and rules == "auto":
        raise JaxformersError("mesh", ["rules 'auto' are chosen for a mesh, which must be given"], _SIZES)
    named = {axis for table in resolve(rules).tables() for to in table.values() for axis in over(to)}
    own = sorted(named - {"data"}) or ["data"]
    if len(own) > 1:
        raise JaxformersError("mesh", [f"rules {rules!r} go over {', '.join(own)}, whose sizes must be given"], _SIZES)
    return {own[0]: -1}


_SIZES = "as in mesh(fsdp=-1, tensor=4)"


def _size(size: object) -> int | None:
    ok = isinstance(size, int | np.integer) and not isinstance(size, bool) and (size > 0 or size == -1)
    return int(size) if ok else None  # type: ignore[call-overload]


def _arranged(sizes: tuple[int, ...], devices: list) -> np.ndarray:
    """Devices in a grid: by the network's shape within a slice, slices along the first axes that divide by them."""
    from jax.experimental import mesh_utils

    if devices[0].platform != "tpu":
        return np.asarray(devices, object).reshape(sizes)
    slices = len({getattr(d, "slice_index", 0) for d in devices})
    if slices == 1:
        return mesh_utils.create_device_mesh(sizes, devices, allow_split_physical_axes=True)
    outer = []
    for size in sizes:
        outer.append(math.gcd(size, slices))
        slices //= outer[-1]
    inner = [size // way for size, way in zip(sizes, outer, strict=True)]
    return mesh_utils.create_hybrid_device_mesh(inner, outer, devices, allow_split_physical_axes=True)
