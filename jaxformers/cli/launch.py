"""`jaxformers launch`: a script as several processes of one job on this machine, over CPU devices.

Each process is told its place by `JAX_COORDINATOR_ADDRESS`, `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID`, which
`jaxformers.sharding.start()` reads. This module imports no JAX.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

from jaxformers.errors import InputError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FORCED = "--xla_force_host_platform_device_count"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--processes", type=int, required=True, metavar="N", help="how many")
    parser.add_argument(
        "--devices-per-process", type=int, metavar="D", help="CPU devices that each process makes itself (1)"
    )
    parser.add_argument("--port", type=int, help="the port of process 0; a free one by default")
    parser.add_argument(
        "--grace", type=float, default=5.0, metavar="SECONDS", help="from asking processes to end to killing them (5)"
    )
    parser.add_argument("script", help="a Python file")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="what the script is given")


def run(args: argparse.Namespace) -> int:
    """The exit status of the first process that fails, 128 + n if signal n ended it; 0 if none fails.

    Lines are printed with the number of their process in front. SIGINT, SIGTERM and SIGHUP are handed on to all
    processes. When one fails the others are ended.

    Raises:
      InputError: there is no such script, or a number is not positive.
    """
    problems = [
        f"{name} must be positive, got {value}"
        for name, value in (("--processes", args.processes), ("--devices-per-process", args.devices_per_process))
        if value is not None and value < 1
    ]
    if not pathlib.Path(args.script).is_file():
        problems.append(f"script must be a Python file, got {args.script!r}")
    if problems:
        raise InputError("launch", problems)
    port = args.port or _free_port()
    command = [sys.executable, args.script, *args.args]
    with _forwarding() as held:
        printers = []
        try:
            for i in range(args.processes):
                env = _environment(i, args.processes, port, args.devices_per_process)
                # Sessions of their own: a terminal's Ctrl-C reaches them once, through us.
                child = subprocess.Popen(
                    command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
                )
                held.append(child)
                for pipe, to in ((child.stdout, sys.stdout), (child.stderr, sys.stderr)):
                    printers.append(threading.Thread(target=_print, args=(f"[{i}] ".encode(), pipe, to), daemon=True))
                    printers[-1].start()
            status = _first_failure(held)
        finally:
            _end(held, args.grace)
        for printer in printers:
            printer.join(args.grace)
    return 128 - status if status < 0 else status


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def _environment(index: int, processes: int, port: int, devices: int | None) -> dict[str, str]:
    env = dict(os.environ)
    env.setdefault("JAX_PLATFORMS", "cpu")
    env.setdefault("JAX_CPU_COLLECTIVES_IMPLEMENTATION", "gloo")
    env["JAX_COORDINATOR_ADDRESS"] = f"127.0.0.1:{port}"
    env["JAX_NUM_PROCESSES"], env["JAX_PROCESS_ID"] = str(processes), str(index)
    env["PYTHONUNBUFFERED"] = "1"
    if devices is not None:
        others = [flag for flag in env.get("XLA_FLAGS", "").split() if not flag.startswith(_FORCED)]
        env["XLA_FLAGS"] = " ".join([*others, f"{_FORCED}={devices}"])
    return env


@contextlib.contextmanager
def _forwarding() -> Iterator[list[subprocess.Popen]]:
    """Yields the list of processes that signals are handed on to."""
    held: list[subprocess.Popen] = []

    def forward(number, frame):
        for child in held:
            _signal(child, number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, forward) for number in _SIGNALS}
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(prefix: bytes, pipe: BinaryIO, to) -> None:
    for line in pipe:
        text = prefix + line + (b"" if line.endswith(b"\n") else b"\n")
        if hasattr(to, "buffer"):
            to.buffer.write(text)
        else:
            to.write(text.decode(errors="replace"))
        to.flush()


def _first_failure(children: list[subprocess.Popen]) -> int:
    """The exit status of the process that fails first; 0 once all have ended well."""
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    for child in children:
        threading.Thread(target=lambda c=child: ended.put(c.wait()), daemon=True).start()
    return next((code for code in (ended.get() for _ in children) if code), 0)


def _end(children: list[subprocess.Popen], grace: float) -> None:
    """Asks what still runs to end, and kills it when it has not in time: JAX takes SIGTERM for a notice only."""
    for child in children:
        if child.poll() is None:
            _signal(child, signal.SIGTERM)
    until = time.monotonic() + grace
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, until - time.monotonic()))
    for child in children:
        if child.poll() is None:
            _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen, number: int) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
