"""TPU chips by name, and described topologies of them."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
from typing import Any

import jax

from jaxformers.errors import JaxformersError, nearest

GIB = 1 << 30


@dataclasses.dataclass(frozen=True)
class Chip:
    """What one JAX device of a kind can do.

    Args:
      kind: JAX's `device_kind`.
      peak: bfloat16 operations a second.
      memory: bytes of high-bandwidth memory.
      clock: cycles a second, which the compiler's estimates are counted in.
      link: bytes a second over one torus axis, both directions together.

    Peak, memory and links are the vendor's figures (https://cloud.google.com/tpu/docs/system-architecture-tpu-vm);
    a v4's and a TPU7x's device is one of the chip's two cores. The clock is the one at which the matrix units give
    the peak, where their number and size are published.
    """

    kind: str
    peak: float
    memory: int
    clock: float
    link: float


CHIPS = {
    "v4": Chip("TPU v4", 137.5e12, 16 * GIB, 1.05e9, 90e9),
    "v5e": Chip("TPU v5 lite", 197e12, 16 * GIB, 1.5e9, 90e9),
    "v5p": Chip("TPU v5", 459e12, 95 * GIB, 1.75e9, 180e9),
    "v6e": Chip("TPU v6 lite", 918e12, 32 * GIB, 1.75e9, 180e9),
    "tpu7x": Chip("TPU7x", 1153e12, 96 * GIB, 2.2e9, 180e9),
}


def topology(name: str) -> tuple[Chip, list[jax.Device]]:
    """The chip and the devices of a topology such as "v5p:8x8x8": chips along each axis of the torus.

    No chip is needed: the package libtpu describes them, and compiles for them. On a machine without TPUs, call this
    before anything else starts JAX's backends, or start Python with JAX_PLATFORMS=cpu.

    Raises:
      JaxformersError: an unknown chip, a topology that there is not, or libtpu is not installed.
    """
    kind, _, grid = name.partition(":")
    if kind not in CHIPS or not re.fullmatch(r"\d+(x\d+){1,2}", grid):
        hint = ", ".join(nearest(kind, CHIPS, 5))
        problem = f"must be a chip and its grid, as in 'v5p:8x8x8' or 'v5e:16x16', got {name!r}"
        raise JaxformersError("topology", [f"{problem}; chips: {hint}"])
    if importlib.util.find_spec("libtpu") is None:
        raise JaxformersError(
            "topology", ["libtpu, the TPU compiler, is not installed"], "pip install 'jaxformers[tpu]'"
        )
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # do not ask Google's cloud which machine this is
    os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # several programs may compile at a time
    from jax.experimental import topologies

    try:
        described = topologies.get_topology_desc(platform="tpu", topology_name=name)
    except (RuntimeError, ValueError, jax.errors.JaxRuntimeError) as e:
        raise JaxformersError("topology", [f"the compiler knows no {name!r}: {str(e).splitlines()[0]}"]) from None
    return CHIPS[kind], list(described.devices)


def axes(text: str) -> dict[str, int]:
    """ "fsdp=-1,tensor=4" -> {"fsdp": -1, "tensor": 4}."""
    found: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, size = part.partition("=")
        if not name.strip().isidentifier() or not re.fullmatch(r"-1|[1-9]\d*", size.strip()):
            raise JaxformersError("mesh", [f"must be axes and sizes, as in 'fsdp=-1,tensor=4', got {text!r}"])
        found[name.strip()] = int(size)
    return found


def axes_for(rules: Any) -> dict[str, int]:
    """The mesh that a preset of one axis implies: all devices along it."""
    named = [part.strip() for part in rules.split("+")] if isinstance(rules, str) else []
    alone = {"data": "data", "replicated": "data", "zero1": "data", "zero2": "data"}
    if len(named) == 1:
        return {alone.get(named[0], named[0]): -1}
    raise JaxformersError("mesh", [f"rules {rules!r} need the sizes of the mesh"], "--mesh fsdp=-1,tensor=4")
