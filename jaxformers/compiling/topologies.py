"""Topologies of TPUs that are described and not there."""

from __future__ import annotations

import importlib.util
import os
import re

import jax

from jaxformers.errors import JaxformersError, nearest
from jaxformers.sharding.chips import CHIPS, Chip


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
