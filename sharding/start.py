"""`start`: this process joins the others of its job; and what they must agree on, gather and say only once."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxformers.errors import JaxformersError
from jaxformers.sharding import roll
from jaxformers.sharding.detect import Place, detect
from jaxformers.sharding.numbers import ranges

_WHERE = "sharding.start"
_log = logging.getLogger("jaxformers.sharding")
_joined: list[Place] = []  # the place that `start` took, once it has


def start(
    coordinator: str | None = None,
    processes: int | None = None,
    index: int | None = None,
    *,
    devices: Sequence[int] | None = None,
    timeout: float = 300.0,
) -> Place:
    """Joins the other processes of this job in JAX's distributed runtime. Call it before any other use of JAX.

    What is not given is detected: `jaxformers launch`, SLURM (`srun`), Open MPI, MPICH and Intel MPI, Kubernetes
    (JobSet, JAXJob, TrainJob, PyTorchJob, Indexed Jobs), Cloud TPU pods and GKE's slices, Ray Train. A process that is
    told of no others, or of none but itself, goes on alone. A second call returns what the first did. On CPUs the
    collectives are gloo's unless JAX is configured otherwise. Processes but the first log errors only.

    From then on an error that nobody catches ends its process at once, so that the scheduler hears of it and ends the
    others. JAX would have it wait for them, while they wait for it.

    Args:
      coordinator: "host:port" of process 0, the same for all.
      processes, index: how many there are, and which this is, counted from 0.
      devices: numbers of the host's GPUs that are this process's; all by default, or one each where a scheduler
        starts several processes on a node.
      timeout: seconds to wait for the others.

    Returns:
      Its place: `index`, `processes`, `coordinator`, and who `told`.

    Raises:
      JaxformersError: processes did not come in time (it lists those that came and those that did not), two have one
        number, they have other versions of JAX, or JAX has been used before.
    """
    if jax.distributed.is_initialized():
        return here()
    place = _place(coordinator, processes, index, devices)
    if place.processes == 1:
        return place
    version = f"jax {jax.__version__}"
    roll.call(place.index, place.processes, place.coordinator, timeout, version)
    config: Any = jax.config
    if config.jax_cpu_collectives_implementation in (None, "none"):
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            place.coordinator,
            place.processes,
            place.index,
            local_device_ids=place.devices,
            cluster_detection_method="deactivate",
            initialization_timeout=max(1, round(timeout)),
        )
    except RuntimeError as e:
        todo = "call it first in the program: before jax.devices(), and before any array is made"
        raise JaxformersError(_WHERE, [f"JAX does not join: {e}"], todo) from None
    _joined.append(place)
    sys.excepthook = functools.partial(_end_at_once, sys.excepthook)
    if place.index:
        logging.getLogger("jaxformers").setLevel(logging.ERROR)
    _log.info("%d processes, told by %s, meet at %s", place.processes, place.told, place.coordinator)
    return place


def _place(coordinator: str | None, processes: int | None, index: int | None, devices: Sequence[int] | None) -> Place:
    given = {"coordinator": coordinator, "processes": processes, "index": index}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == 3:
        place = detect()
    elif missing and processes != 1:
        have = ", ".join(name for name in given if name not in missing)
        raise JaxformersError(
            _WHERE, [f"{name} must be given with {have}" for name in missing], "or give none of them"
        )
    else:
        place = Place(index or 0, 1 if processes is None else processes, coordinator or "", "hand")
    if devices is not None:
        place = Place(place.index, place.processes, place.coordinator, place.told, tuple(devices))
    problems = []
    if place.processes < 1:
        problems.append(f"processes must be positive, got {place.processes}")
    elif not 0 <= place.index < place.processes:
        problems.append(f"index must be from 0 to {place.processes - 1}, got {place.index}")
    if place.processes > 1 and not place.coordinator.rpartition(":")[2].isdigit():
        problems.append(f"coordinator must be 'host:port', got {place.coordinator!r}")
    if problems:
        raise JaxformersError(_WHERE, problems)
    return place


def _end_at_once(report: Any, kind: type[BaseException], error: BaseException, trace: Any) -> None:
    report(kind, error, trace)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(130 if issubclass(kind, KeyboardInterrupt) else 1)


def here() -> Place:
    """This process's place in a job that has been joined, by `start` or otherwise; alone if none has."""
    if not jax.distributed.is_initialized():
        return Place()
    return _joined[-1] if _joined else Place(jax.process_index(), jax.process_count(), told="JAX")


def is_first() -> bool:
    """Is this the one process that speaks for all: that logs, shows progress, writes files?"""
    return here().index == 0


# -------------------------------------------------------------------------------------- together


def wait() -> None:
    """Returns once all processes have called it."""
    if here().processes > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices("jaxformers")


def agree(where: str, **things: Any) -> None:
    """Checks that all processes have the same: of each thing its `repr` is compared. All must call it.

    Raises:
      JaxformersError: in every process, names the processes that differ from the first, in what, and both values.
    """
    if here().processes == 1:
        return
    from jax.experimental import multihost_utils

    texts = [f"{name}: {thing!r}" for name, thing in things.items()]
    mine = np.stack([np.frombuffer(hashlib.sha256(t.encode()).digest(), np.uint8) for t in texts])
    every = np.asarray(multihost_utils.process_allgather(mine))  # [processes, things, 32]
    differs = (every != every[0]).any(-1)
    if not differs.any():
        return
    problems = []
    for at in np.flatnonzero(differs.any(0)):
        said = exchange(texts[at])
        groups: dict[str, list[int]] = {}
        for process in np.flatnonzero(differs[:, at]):
            groups.setdefault(said[process], []).append(int(process))
        for text, who in groups.items():
            which = f"process {who[0]} has" if len(who) == 1 else f"processes {ranges(who)} have"
            problems.append(f"{which} {_brief(text, said[0])}, process 0 has {_brief(said[0], text)}")
    raise JaxformersError(where, problems, "all processes must pass the same")


def exchange(mine: Any) -> list[Any]:
    """A JSON value of every process, in their order. All must call it."""
    if here().processes == 1:
        return [mine]
    from jax.experimental import multihost_utils

    raw = np.frombuffer(json.dumps(mine).encode(), np.uint8)
    sizes = np.asarray(multihost_utils.process_allgather(np.int32(len(raw)))).reshape(-1)
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(raw)] = raw
    every = np.asarray(multihost_utils.process_allgather(padded))
    return [json.loads(bytes(row[:n])) for row, n in zip(every, sizes, strict=True)]


def _brief(text: str, other: str) -> str:
    """A text, or of a long one the part around where it differs from another."""
    if len(text) <= 200:
        return text
    at = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    name = text.split(":")[0]
    return f"{name}: ...{text[max(len(name) + 2, at - 60) : at + 100]}..."
