"""`detect`: which process of which job this one is, as the scheduler that started it says."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pathlib
import re
import socket
import sys
import urllib.request
from collections.abc import Callable, Mapping

from jaxformers.errors import JaxformersError

Environment = Mapping[str, str]
PORT = 8482  # where nothing says another


@dataclasses.dataclass(frozen=True)
class Place:
    """A process of a job.

    Args:
      index, processes: this process, counted from 0, and how many there are.
      coordinator: "host:port" of process 0; "" where a process is alone.
      told: by whom.
      devices: the host's GPUs that are this process's; None for all.
    """

    index: int = 0
    processes: int = 1
    coordinator: str = ""
    told: str = "nobody"
    devices: tuple[int, ...] | None = None


def detect(env: Environment | None = None) -> Place:
    """This process's place: from the variables of the first of `KNOWN` that are there; alone where none are.

    Raises:
      JaxformersError: variables that are no numbers, or that tell a process its number but not where process 0 is.
    """
    env = os.environ if env is None else env
    for told, find in KNOWN:
        place = find(env)
        if place is not None and place.processes > 1:
            return dataclasses.replace(place, told=told)
        if place is not None:
            return Place(told=told)
    return Place()


# -------------------------------------------------------------------------------------- who says it, and how


def _named(env: Environment) -> Place | None:
    """`jaxformers launch`, Kubeflow Trainer's `TrainJob`, or by hand."""
    if "JAX_NUM_PROCESSES" not in env or "JAX_PROCESS_ID" not in env:
        return None
    processes = _int(env, "JAX_NUM_PROCESSES")
    return Place(_int(env, "JAX_PROCESS_ID"), processes, _address(env, processes))


def _jaxjob(env: Environment) -> Place | None:
    """Kubeflow's training operator."""
    if not {"COORDINATOR_ADDRESS", "NUM_PROCESSES", "PROCESS_ID"} <= env.keys():
        return None
    host, port = env["COORDINATOR_ADDRESS"], env.get("COORDINATOR_PORT", PORT)
    return Place(_int(env, "PROCESS_ID"), _int(env, "NUM_PROCESSES"), _with_port(host, port))


def _gke_tpu(env: Environment) -> Place | None:
    """GKE's TPU slices, one or several."""
    hosts = env.get("TPU_PROCESS_ADDRESSES") or env.get("TPU_WORKER_HOSTNAMES")
    if not hosts or "TPU_WORKER_ID" not in env:
        return None
    return _slices(hosts.split(","), _int(env, "TPU_WORKER_ID"), env)


def _slices(hosts: list[str], index: int, env: Environment) -> Place:
    slices = _int(env, "MEGASCALE_NUM_SLICES", 1)
    first = env.get("MEGASCALE_COORDINATOR_ADDRESS") or hosts[0]
    here = index + _int(env, "MEGASCALE_SLICE_ID", 0) * len(hosts)
    port = env.get("JAX_COORDINATOR_PORT", PORT)
    return Place(here, len(hosts) * slices, _with_port(first.rsplit(":", 1)[0], port))


def _open_mpi(env: Environment) -> Place | None:
    if "OMPI_COMM_WORLD_RANK" not in env:
        return None
    size, local = _int(env, "OMPI_COMM_WORLD_SIZE"), _int(env, "OMPI_COMM_WORLD_LOCAL_SIZE", 1)
    own = _own(env, _int(env, "OMPI_COMM_WORLD_LOCAL_RANK", 0), local)
    return Place(_int(env, "OMPI_COMM_WORLD_RANK"), size, _address(env, size, here=local == size), devices=own)


def _mpi(env: Environment) -> Place | None:
    """MPICH and its kin, Intel's among them, and `srun --mpi`."""
    if "PMI_RANK" not in env or "PMI_SIZE" not in env:
        return None
    size, step = _int(env, "PMI_SIZE"), _slurm(env)
    if step is not None and step.processes == size:
        return step
    local = _int(env, "MPI_LOCALNRANKS", 1)
    own = _own(env, _int(env, "MPI_LOCALRANKID", 0), local)
    return Place(_int(env, "PMI_RANK"), size, _address(env, size, here=local == size), devices=own)


def _slurm(env: Environment) -> Place | None:
    """A step of `srun`; in the batch script itself a process is alone."""
    if not {"SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID"} <= env.keys():
        return None
    size = _int(env, "SLURM_STEP_NUM_TASKS", _int(env, "SLURM_NTASKS", 1))
    node = re.match(r"\d+", env.get("SLURM_STEP_TASKS_PER_NODE", "1"))  # "4(x2),3"
    own = _own(env, _int(env, "SLURM_LOCALID", 0), int(node.group()) if node else 1)
    return Place(_int(env, "SLURM_PROCID"), size, _address(env, size), devices=own)


def _indexed(env: Environment) -> Place | None:
    """An Indexed Job of Kubernetes, in a JobSet or beside a headless service, that says how many pods it has."""
    if "KUBERNETES_SERVICE_HOST" not in env or "JOB_COMPLETION_INDEX" not in env or "JAX_NUM_PROCESSES" not in env:
        return None
    size = _int(env, "JAX_NUM_PROCESSES")
    return Place(_int(env, "JOB_COMPLETION_INDEX"), size, _address(env, size))


def _ranked(env: Environment) -> Place | None:
    """What torchrun, Kubeflow's PyTorchJob and Ray Train's trainers set."""
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= env.keys():
        return None
    size, local = _int(env, "WORLD_SIZE"), _int(env, "LOCAL_WORLD_SIZE", 1)
    own = _own(env, _int(env, "LOCAL_RANK", 0), local)
    return Place(_int(env, "RANK"), size, _address(env, size), devices=own)


def _ray(env: Environment) -> Place | None:
    """A worker of Ray Train, if the program has imported it; process 0 finds a port and tells the others."""
    train = sys.modules.get("ray.train")
    if train is None:
        return None
    try:
        context = train.get_context()
        index, size = context.get_world_rank(), context.get_world_size()
    except Exception:  # Ray's own error for a process that is no worker; its class has moved between versions
        return None
    if not size or size == 1:
        return Place()
    import ray.train.collective
    import ray.util

    mine = None
    if index == 0:
        with socket.create_server(("", 0)) as s:
            mine = f"{ray.util.get_node_ip_address()}:{s.getsockname()[1]}"
    return Place(index, size, ray.train.collective.broadcast_from_rank_zero(mine))


def _tpu_pod(env: Environment) -> Place | None:
    """A Cloud TPU VM, whose metadata server knows the other hosts of its slice."""
    if "TPU_SKIP_MDS_QUERY" in env or importlib.util.find_spec("libtpu") is None:
        return None
    if not any(pathlib.Path(p).exists() for p in ("/dev/accel0", "/dev/vfio/0")) and "GCE_METADATA_IP" not in env:
        return None
    index, hosts = (_metadata(env, name) for name in ("agent-worker-number", "worker-network-endpoints"))
    if index is None or hosts is None:
        return None
    told = dict(re.findall(r"^\s*(MEGASCALE_\w+)\s*:\s*'?([^'\n]*)'?", _metadata(env, "tpu-env") or "", re.MULTILINE))
    # An endpoint is an address, or in older projects "name:id:address".
    return _slices([host.split(":")[-1] for host in hosts.split(",")], int(index), {**told, **env})


def _metadata(env: Environment, name: str) -> str | None:
    host = env.get("GCE_METADATA_IP", "metadata.google.internal")
    url = f"http://{host}/computeMetadata/v1/instance/attributes/{name}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Metadata-Flavor": "Google"}), timeout=5
        ) as r:
            return r.read(1 << 20).decode().strip()
    except OSError:
        return None


# MPI before SLURM: `mpirun` inside an allocation sets both, and the allocation's speak of the batch script.
KNOWN: tuple[tuple[str, Callable[[Environment], Place | None]], ...] = (
    ("JAX_PROCESS_ID", _named),
    ("JAXJob", _jaxjob),
    ("GKE", _gke_tpu),
    ("Open MPI", _open_mpi),
    ("MPI", _mpi),
    ("SLURM", _slurm),
    ("an Indexed Job", _indexed),
    ("RANK", _ranked),
    ("Ray", _ray),
    ("Cloud TPU", _tpu_pod),
)


# -------------------------------------------------------------------------------------- parts of it


def _int(env: Environment, name: str, default: int | None = None) -> int:
    text = env.get(name)
    if text is None and default is not None:
        return default
    if text is None or not re.fullmatch(r"\d+", text.strip()):
        raise JaxformersError("sharding.start", [f"{name} must be a whole number, got {text!r}"])
    return int(text)


def _own(env: Environment, local: int, together: int) -> tuple[int, ...] | None:
    """The GPU of one of several processes of a node, unless the scheduler has already hidden the others from it."""
    shown = env.get("CUDA_VISIBLE_DEVICES", env.get("ROCR_VISIBLE_DEVICES"))
    hidden = shown is not None and len(shown.split(",")) < together
    return (local,) if together > 1 and not hidden else None


def _address(env: Environment, processes: int, here: bool = False) -> str:
    """Where process 0 listens: as told, or on the job's first host at a port that follows from the job's number.

    Args:
      here: all processes are on this machine.
    """
    if processes == 1:
        return ""
    job = env.get("SLURM_JOB_ID") or env.get("OMPI_MCA_orte_hnp_uri", "").split(".")[0]
    derived = 61440 + int(job) % 4096 if job.isdigit() else PORT
    port = env.get("JAX_COORDINATOR_PORT") or env.get("MASTER_PORT") or derived
    host = env.get("JAX_COORDINATOR_ADDRESS") or env.get("MASTER_ADDR") or _first_host(env)
    if host is None and here:
        host = "127.0.0.1"
    if host is None:
        raise JaxformersError(
            "sharding.start",
            ["JAX_COORDINATOR_ADDRESS must be the host and port of process 0, nothing here tells it"],
            "set it (or MASTER_ADDR) for all processes, or pass coordinator='host:port'",
        )
    return _with_port(host, port)


def _first_host(env: Environment) -> str | None:
    nodes = env.get("SLURM_STEP_NODELIST")  # "n[007-010,12],m3" or "n1"
    if nodes:
        stem, first = re.match(r"([^\[,]*)(?:\[(\w+))?", nodes).groups()  # type: ignore[union-attr]
        return stem + (first or "")
    launcher = re.search(r"tcp://([^,:]+)|tcp6://\[([^,\]]+)", env.get("OMPI_MCA_orte_hnp_uri", ""))
    return next((x for x in launcher.groups() if x), None) if launcher else _first_pod(env)


def _first_pod(env: Environment) -> str | None:
    """The first pod of this one's Indexed Job: hosts are named "job-index" below a headless service."""
    if "JOB_COMPLETION_INDEX" not in env:
        return None
    name, _, domain = socket.getfqdn().partition(".")
    stem, _, index = name.rpartition("-")
    return f"{stem}-0.{domain}" if domain and index == env["JOB_COMPLETION_INDEX"] else None


def _with_port(host: str, port: str | int) -> str:
    if re.search(r"\]:\d+$", host) or re.fullmatch(r"[^:]+:\d+", host):
        return host
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
