"""`call`: a roll call before JAX's distributed runtime starts, so that an incomplete job says who is missing.

JAX's runtime waits for every process and ends the program by a signal where one does not come, without a word on
which. Here process 0 listens on the coordinator's port, the others tell it their number and host and wait; when all
have come, or time is over, each is told the same. The port is then free for JAX. Nothing but this is sent.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time

from jaxformers.errors import JaxformersError
from jaxformers.sharding.numbers import ranges

_WHERE = "sharding.start"
_LINE = 1 << 16  # bytes of a message at most
_PATIENCE = 5.0  # seconds that someone who has connected is given to say who it is


def call(index: int, processes: int, coordinator: str, timeout: float, version: str) -> None:
    """Returns once all processes of a job have called it; the same error everywhere if they do not.

    Args:
      index, processes: this process's number, and how many there are.
      coordinator: "host:port" of process 0.
      timeout: seconds to wait for the others.
      version: what all must have alike.

    Raises:
      JaxformersError: some did not come in time (the error lists those that did and those that did not), two have one
        number, they disagree about how many they are or on `version`, or process 0 can not be reached.
    """
    host, _, port = coordinator.rpartition(":")
    me = {"index": index, "processes": processes, "host": socket.gethostname(), "version": version}
    until = time.monotonic() + timeout
    if index == 0:
        problems = _listen(me, coordinator, int(port), until, timeout)
    else:
        problems = _join(me, host.strip("[]"), int(port), until, timeout)
    if problems:
        raise JaxformersError(_WHERE, problems, "see that the other processes run and pass the same to start()")


def _listen(me: dict, coordinator: str, port: int, until: float, timeout: float) -> list[str]:
    """Process 0: waits for the others and tells them what came of it."""
    processes = me["processes"]
    came = {0: me}
    problems: list[str] = []
    with contextlib.ExitStack() as stack:
        try:
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            server = socket.create_server(("", port), family=family, backlog=1024, dualstack_ipv6=both)
        except OSError as e:
            return [f"process 0 can not listen on port {port}: {e.strerror}"]
        stack.enter_context(server)
        waiting = []
        while len(came) < processes and not problems and (left := until - time.monotonic()) > 0:
            server.settimeout(left)
            try:
                peer, _ = server.accept()
            except TimeoutError:
                break
            stack.enter_context(peer)
            said = _hear(peer, min(_PATIENCE, left))
            if said is None:
                continue
            waiting.append(peer)
            problems = _wrong(said, came, me)
            came.setdefault(said["index"], said)
        if not problems and len(came) < processes:
            problems = [_missing(came, processes, coordinator, timeout)]
        for peer in waiting:
            with contextlib.suppress(OSError):
                _say(peer, {"problems": problems})
    return problems


def _join(me: dict, host: str, port: int, until: float, timeout: float) -> list[str]:
    """The others: tell process 0 who they are, and wait for what it says."""
    while (left := until - time.monotonic()) > 0:
        with contextlib.suppress(OSError):
            with socket.create_connection((host, port), timeout=min(left, _PATIENCE)) as peer:
                _say(peer, me)
                # Process 0 may have begun later, and waits as long from then.
                said = _read(peer, left + timeout)
            if said is not None:
                return [str(p) for p in said.get("problems", [])]
        time.sleep(0.1)
    return [f"process {me['index']} ({me['host']}) found no process 0 at {host}:{port} within {timeout:g} s"]


def _wrong(said: dict, came: dict[int, dict], me: dict) -> list[str]:
    """What can not be in what a process says of itself."""
    index, processes = said["index"], me["processes"]
    name = f"process {index} ({said['host']})"
    problems = []
    if said["processes"] != processes:
        problems.append(f"{name} counts {said['processes']} processes, process 0 ({me['host']}) {processes}")
    elif not 0 < index < processes:
        problems.append(f"{name} must have a number from 1 to {processes - 1}")
    if index in came:
        problems.append(f"{name} has the number of one that had come before, on {came[index]['host']}")
    if said["version"] != me["version"]:
        problems.append(f"{name} has {said['version']}, process 0 ({me['host']}) {me['version']}")
    return problems


def _missing(came: dict[int, dict], processes: int, coordinator: str, timeout: float) -> str:
    there = ", ".join(f"{i} ({came[i]['host']})" for i in sorted(came))
    absent = ranges([i for i in range(processes) if i not in came])
    return (
        f"{len(came)} of {processes} processes came to {coordinator} within {timeout:g} s: {there}; missing: {absent}"
    )


# -------------------------------------------------------------------------------------- a line of JSON each way


def _say(peer: socket.socket, message: dict) -> None:
    peer.sendall(json.dumps(message).encode() + b"\n")


def _hear(peer: socket.socket, patience: float) -> dict | None:
    """What someone says of itself; None for who is none of us."""
    said = _read(peer, patience)
    kinds = {"index": int, "processes": int, "host": str, "version": str}
    return said if said is not None and all(isinstance(said.get(k), t) for k, t in kinds.items()) else None


def _read(peer: socket.socket, patience: float) -> dict | None:
    until, text = time.monotonic() + patience, b""
    while not text.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0 or len(text) > _LINE:
            return None
        peer.settimeout(left)
        try:
            part = peer.recv(_LINE)
        except OSError:
            return None
        if not part:
            return None
        text += part
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
