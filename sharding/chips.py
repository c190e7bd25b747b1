"""What devices have that do not tell it themselves: TPU chips by name."""

from __future__ import annotations

import dataclasses
import os

import jax

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
    a v4's and a TPU7x's device is one of the chip's two cores, as topologies are described. The clock is the one at
    which the matrix units give the peak, where their number and size are published (v4, v5e, v5p); else assumed.
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


def memory_of(device: jax.Device) -> int | None:
    """Bytes of a device's memory, or None where nobody tells; a CPU's devices share the host's."""
    try:
        told = (device.memory_stats() or {}).get("bytes_limit")
    except (RuntimeError, jax.errors.JaxRuntimeError):  # a device that is only described
        told = None
    if told:
        return int(told)
    if device.platform == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // jax.local_device_count("cpu")
    return next((chip.memory for chip in CHIPS.values() if chip.kind == device.device_kind), None)
