"""Many hosts, the parts that one process can try: who tells a process its place, the roll call, rows, memory."""

import http.server
import json
import socket
import sys
import threading
import time
import tracemalloc
import types
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases.llama import TINY
from jax.sharding import PartitionSpec as P

import jaxformers as jf
from jaxformers import checkpoints, loading, models, sharding, spec
from jaxformers.sharding import roll
from jaxformers.sharding.detect import Place, detect

# ------------------------------------------------------------------------------------------------------ detection

_SLURM = {"SLURM_JOB_ID": "70001", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1"}
_ORTE = "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911"
_OMPI = {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}
_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "1", "JAX_NUM_PROCESSES": "2"}
_TPU = {"TPU_WORKER_ID": "1", "TPU_WORKER_HOSTNAMES": "t-0.svc,t-1.svc"}
_SLICES = {"MEGASCALE_NUM_SLICES": "2", "MEGASCALE_SLICE_ID": "1", "MEGASCALE_COORDINATOR_ADDRESS": "first:8080"}
_RANKED = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "10.1.1.1", "MASTER_PORT": "2222"}

PLACES = {
    "nothing": ({}, Place()),
    "launch": (
        {"JAX_COORDINATOR_ADDRESS": "127.0.0.1:99", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1"},
        Place(1, 2, "127.0.0.1:99", "JAX_PROCESS_ID"),
    ),
    "alone": ({"JAX_NUM_PROCESSES": "1", "JAX_PROCESS_ID": "0"}, Place(told="JAX_PROCESS_ID")),
    "JAXJob": (
        {"COORDINATOR_ADDRESS": "job-worker-0", "COORDINATOR_PORT": "6666", "NUM_PROCESSES": "3", "PROCESS_ID": "2"},
        Place(2, 3, "job-worker-0:6666", "JAXJob"),
    ),
    "JobSet": ({**_POD, "JAX_COORDINATOR_ADDRESS": "a-b-0-0.a"}, Place(1, 2, "a-b-0-0.a:8482", "an Indexed Job")),
    "SLURM": ({**_SLURM, "SLURM_STEP_NODELIST": "node[007-010,12],z"}, Place(3, 4, "node007:61809", "SLURM")),
    "SLURM, GPUs shared": (
        {**_SLURM, "SLURM_STEP_NODELIST": "n1,n2", "SLURM_STEP_TASKS_PER_NODE": "2(x2)"},
        Place(3, 4, "n1:61809", "SLURM", (1,)),
    ),
    "SLURM, GPUs bound": (
        {**_SLURM, "SLURM_STEP_NODELIST": "n1", "SLURM_STEP_TASKS_PER_NODE": "4", "CUDA_VISIBLE_DEVICES": "2"},
        Place(3, 4, "n1:61809", "SLURM"),
    ),
    "SLURM's batch script": ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, Place()),
    "srun --mpi": (
        {**_SLURM, "SLURM_STEP_NODELIST": "n1", "PMI_RANK": "3", "PMI_SIZE": "4"},
        Place(3, 4, "n1:61809", "MPI"),
    ),
    "Open MPI": ({**_OMPI, "OMPI_MCA_orte_hnp_uri": _ORTE}, Place(2, 4, "10.96.0.1:61440", "Open MPI", (0,))),
    "Open MPI here": (
        {**_OMPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "2"},
        Place(2, 4, "127.0.0.1:8482", "Open MPI", (2,)),
    ),
    "mpirun in an allocation": (
        {**_SLURM, "SLURM_STEP_NODELIST": "n1,n2", "SLURM_STEP_NUM_TASKS": "2", "PMI_RANK": "5", "PMI_SIZE": "8"},
        Place(5, 8, "n1:61809", "MPI"),
    ),
    "MPI": ({"PMI_RANK": "0", "PMI_SIZE": "2", "MASTER_ADDR": "fe80::1"}, Place(0, 2, "[fe80::1]:8482", "MPI")),
    "GKE": (_TPU, Place(1, 2, "t-0.svc:8482", "GKE")),
    "GKE, two slices": ({**_TPU, **_SLICES}, Place(3, 4, "first:8482", "GKE")),
    "GKE, one host": ({"TPU_WORKER_ID": "0", "TPU_WORKER_HOSTNAMES": "localhost"}, Place(told="GKE")),
    "RANK": (_RANKED, Place(1, 2, "10.1.1.1:2222", "RANK")),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_process_is_told_its_place(name):
    env, place = PLACES[name]
    assert detect(env) == place


def test_what_is_missing_is_asked_for():
    with pytest.raises(jf.JaxformersError, match="JAX_COORDINATOR_ADDRESS must be the host and port of process 0"):
        detect({"PMI_RANK": "0", "PMI_SIZE": "2"})
    with pytest.raises(jf.JaxformersError, match="SLURM_PROCID must be a whole number, got 'x'"):
        detect({**_SLURM, "SLURM_STEP_NODELIST": "n1", "SLURM_PROCID": "x"})


def test_a_pod_finds_the_first_of_its_job(monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda: "train-workers-0-1.train.default.svc.cluster.local")
    assert detect(_POD).coordinator == "train-workers-0-0.train.default.svc.cluster.local:8482"
    monkeypatch.setattr(socket, "getfqdn", lambda: "lone-pod-1")
    with pytest.raises(jf.JaxformersError, match="nothing here tells it"):
        detect(_POD)


def test_a_cloud_tpu_asks_its_metadata_server(monkeypatch):
    known = {
        "agent-worker-number": "1",
        "worker-network-endpoints": "a:0:10.0.0.2,b:1:10.0.0.3",
        "tpu-env": "ACCELERATOR_TYPE: 'v4-16'\nMEGASCALE_NUM_SLICES: '2'\nMEGASCALE_SLICE_ID: '1'\n",
    }

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            value = known.get(self.path.rsplit("/", 1)[1], "") if self.headers["Metadata-Flavor"] == "Google" else ""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(value.encode())

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: types.SimpleNamespace())
    try:
        assert detect({"GCE_METADATA_IP": f"127.0.0.1:{server.server_port}"}) == Place(
            3, 4, "10.0.0.2:8482", "Cloud TPU"
        )
        assert detect({"GCE_METADATA_IP": f"127.0.0.1:{server.server_port}", "TPU_SKIP_MDS_QUERY": "1"}) == Place()
    finally:
        server.shutdown()
        server.server_close()


def test_a_worker_of_ray_train(monkeypatch):
    def modules(rank, size):
        context = types.SimpleNamespace(get_world_rank=lambda: rank, get_world_size=lambda: size)
        train = types.SimpleNamespace(get_context=lambda: context)
        told = types.SimpleNamespace(broadcast_from_rank_zero=lambda mine: mine or "10.2.2.2:77")
        util = types.SimpleNamespace(get_node_ip_address=lambda: "10.2.2.2")
        train.collective = told
        ray = types.SimpleNamespace(train=train, util=util)
        for name, module in (("ray", ray), ("ray.train", train), ("ray.train.collective", told), ("ray.util", util)):
            monkeypatch.setitem(sys.modules, name, module)

    modules(1, 3)
    assert detect({}) == Place(1, 3, "10.2.2.2:77", "Ray")
    modules(0, 3)
    assert detect({}).coordinator.startswith("10.2.2.2:")
    modules(0, 1)
    assert detect({}) == Place(told="Ray")


# ------------------------------------------------------------------------------------------------------ starting


def test_one_process_starts_nothing(monkeypatch):
    for name in ("JAX_NUM_PROCESSES", "JAX_PROCESS_ID"):
        monkeypatch.delenv(name, raising=False)
    assert sharding.start() == Place()
    assert sharding.start(processes=1) == Place(told="hand")
    assert not jax.distributed.is_initialized()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"processes": 2}, "coordinator must be given with processes"),
        ({"coordinator": "a:1", "processes": 2, "index": 2}, "index must be from 0 to 1, got 2"),
        ({"coordinator": "a:1", "processes": 0, "index": 0}, "processes must be positive, got 0"),
        ({"coordinator": "host", "processes": 2, "index": 0}, "coordinator must be 'host:port', got 'host'"),
    ],
)
def test_places_that_can_not_be(given, problem):
    with pytest.raises(jf.JaxformersError, match=problem):
        sharding.start(**given)


def test_after_jax_has_been_used_it_is_late(monkeypatch):
    jax.devices()
    monkeypatch.setattr(roll, "call", lambda *a: None)
    with pytest.raises(jf.JaxformersError, match="call it first in the program"):
        sharding.start("127.0.0.1:1", 2, 1)
    assert sharding.here() == Place()
    assert sharding.is_first()


# ------------------------------------------------------------------------------------------------------ roll call


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def called(*calls: dict, timeout: float = 20.0) -> list[str]:
    """What each of several processes, here threads, hears: "" for go."""
    address, heard = f"127.0.0.1:{free_port()}", [""] * len(calls)

    def one(at, index, processes=2, version="1", after=0.0):
        time.sleep(after)
        try:
            roll.call(index, processes, address, timeout, version)
        except jf.JaxformersError as e:
            heard[at] = str(e)

    threads = [threading.Thread(target=one, args=(i,), kwargs=kwargs) for i, kwargs in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [text.replace(address, "HERE").replace(socket.gethostname(), "HOST") for text in heard]


def test_all_come():
    assert called(*({"index": i, "processes": 5} for i in range(5))) == [""] * 5
    assert called({"index": 0, "after": 0.3}, {"index": 1}) == ["", ""]


def test_some_do_not_come():
    heard = called(*({"index": i, "processes": 8} for i in (0, 2, 6)), timeout=1.0)
    problem = "3 of 8 processes came to HERE within 1 s: 0 (HOST), 2 (HOST), 6 (HOST); missing: 1, 3-5, 7"
    assert heard == [f"sharding.start: {problem}; see that the other processes run and pass the same to start()"] * 3


def test_the_first_does_not_come():
    (heard,) = called({"index": 1}, timeout=0.5)
    assert heard.startswith("sharding.start: process 1 (HOST) found no process 0 at HERE within 0.5 s")


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"index": 1, "processes": 3}, "process 1 (HOST) counts 3 processes, process 0 (HOST) 2"),
        ({"index": 1, "version": "2"}, "process 1 (HOST) has 2, process 0 (HOST) 1"),
        ({"index": 5, "processes": 2}, "process 5 (HOST) must have a number from 1 to 1"),
    ],
)
def test_processes_that_do_not_fit(other, problem):
    heard = called({"index": 0}, other, timeout=5.0)
    assert [problem in text for text in heard] == [True, True], heard


def test_two_have_one_number():
    heard = called(*({"index": i, "processes": 3} for i in (0, 1, 1)), timeout=5.0)
    assert all("process 1 (HOST) has the number of one that had come before, on HOST" in text for text in heard)


def test_strangers_are_not_counted():
    port, heard = free_port(), []

    def first():
        roll.call(0, 2, f"127.0.0.1:{port}", 20.0, "1")
        heard.append("go")

    thread = threading.Thread(target=first)
    thread.start()
    for text in (b"GET / HTTP/1.1\r\n\r\n", b"[1]\n", b"", json.dumps({"index": "1"}).encode() + b"\n", b"\xff\n"):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                    s.sendall(text)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
    assert not heard
    roll.call(1, 2, f"127.0.0.1:{port}", 20.0, "1")
    thread.join()
    assert heard == ["go"]


# ------------------------------------------------------------------------------------------------------ rows


def test_one_process_feeds_all_rows():
    mesh = sharding.mesh(data=2, fsdp=2, tensor=2)
    batch = {"ids": np.arange(24, dtype=np.int64).reshape(8, 3), "more": [np.float32(2.0)]}
    fed = sharding.feed(batch, mesh, "fsdp+tensor")
    assert fed["ids"].sharding.spec == P(("data", "fsdp"))
    assert fed["ids"].dtype == jnp.int32
    assert fed["more"][0].sharding.is_fully_replicated
    np.testing.assert_array_equal(fed["ids"], batch["ids"])
    assert sharding.rows(8, mesh, "fsdp") == slice(0, 8)


def test_rows_that_do_not_fit():
    mesh = sharding.mesh(data=4, tensor=2)
    with pytest.raises(jf.JaxformersError, match=r"x: rows must divide by the 4 devices .* got 6"):
        sharding.feed({"x": np.zeros((6, 2))}, mesh)
    with pytest.raises(jf.JaxformersError, match="arrays must have as many rows each, got x 4, y 8"):
        sharding.feed({"x": np.zeros((4, 2)), "y": np.zeros(8)}, mesh)
    with pytest.raises(jf.JaxformersError, match="must divide by 4 devices, got 6"):
        sharding.rows(6, mesh)


# ------------------------------------------------------------------------------------------------------ memory


class Counted:
    """A tensor that counts what is read of it: bytes of the largest part, and of all parts alive at once."""

    alive = most = largest = 0

    def __init__(self, tensor: checkpoints.Tensor):
        self.tensor, self.shape, self.dtype, self.aligned = tensor, tensor.shape, tensor.dtype, False

    def read(self, index=()):
        part = self.tensor.read(index)
        size = part.nbytes
        Counted.alive += size
        Counted.most, Counted.largest = max(Counted.most, Counted.alive), max(Counted.largest, size)
        weakref.finalize(part, Counted.gone, size)
        return part

    @staticmethod
    def gone(size):
        Counted.alive -= size


SIZES = {**TINY, "vocab_size": 256, "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 4}


@pytest.mark.parametrize("rules", ["replicated", "fsdp", "tensor", "fsdp+tensor"])
@pytest.mark.parametrize("stack", [False, True])
def test_loading_holds_one_slice_beside_a_shard(tmp_path, monkeypatch, stack, rules):
    """What is read at once is at most one tensor's part of a device's shard, whatever the tree weighs."""
    mesh = sharding.mesh(fsdp=4, tensor=2)
    config = jf.AutoConfig.for_model("llama", **SIZES)
    model = jf.init(config, "LlamaForCausalLM", dtype="bfloat16", key=jax.random.key(1))
    model.save(tmp_path)
    declared = models.find_head(config, "LlamaForCausalLM")[1].declare(config)
    declared = spec.stack(declared) if stack else declared
    plan = sharding.plan(declared, mesh, rules)
    tensors = {name: Counted(t) for name, t in checkpoints.open_checkpoint(tmp_path).items()}
    Counted.alive = Counted.most = Counted.largest = 0
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # one reader; each of several holds as much
    source = {name: name for name in tensors}
    params = loading.read(declared, source, tensors, np.dtype(np.float32), plan.shardings, None)
    wanted = 0
    for _, p, s in plan.each():
        shard = s.shard_shape(p.shape)[len(p.stacked) :]
        wanted = max(wanted, int(np.prod(shard)) * 2)  # bfloat16 in the file
    assert wanted == Counted.largest == Counted.most
    assert Counted.alive == 0
    held = spec.stack(model.params) if stack else model.params
    for x, y in zip(jax.tree.leaves(params), jax.tree.leaves(held), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y, np.float32))


def test_a_stack_is_read_a_tensor_at_a_time(tmp_path, monkeypatch):
    held = {f"layers.{i}.w": np.full((64, 32), i, np.float32) for i in range(5)}
    checkpoints.save_file(tmp_path / "x", held)
    tensors = {name: Counted(t) for name, t in checkpoints.open_file(tmp_path / "x").items()}
    Counted.alive = Counted.most = Counted.largest = 0
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    declared = spec.stack({"layers": spec.Layers({"w": spec.Param((64, 32), "mlp embed")} for _ in range(5))})
    names = {name: name for name in held}
    for mesh, rules, size in ((None, None, 64 * 32 * 4), (sharding.mesh(tensor=8), "tensor", 8 * 32 * 4)):
        shardings = None if mesh is None else sharding.plan(declared, mesh, rules).shardings
        read = loading.read(declared, names, tensors, np.dtype(np.float32), shardings, None)
        np.testing.assert_array_equal(read["layers"]["w"], np.stack(list(held.values())))
        assert Counted.most == Counted.largest == size
        Counted.most = Counted.largest = 0


def test_a_part_of_rows_is_read_a_few_rows_at_a_time(tmp_path):
    big = np.arange(3 << 20, dtype=np.float32).reshape(1 << 10, -1)  # 12 MiB
    checkpoints.save_file(tmp_path / "x", {"big": big})
    (tensor,) = checkpoints.open_file(tmp_path / "x").values()
    tracemalloc.start()
    part = tensor.read((slice(100, 900), slice(5, 25)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(part, big[100:900, 5:25])
    assert most < 3 << 20


@pytest.mark.parametrize("stack", [False, True])
def test_saving_holds_one_tensor(tmp_path, stack):
    mesh = sharding.mesh(fsdp=4, tensor=2)
    config = jf.AutoConfig.for_model("llama", **{**SIZES, "hidden_size": 768})
    model = jf.init(config, "LlamaForCausalLM", mesh=mesh, rules="fsdp+tensor", stack=stack)
    model.replace(params=jax.tree.map(jnp.copy, model.params)).save(tmp_path / "first")  # compiles what slices stacks
    largest = max(t.nbytes for t in checkpoints.open_checkpoint(tmp_path / "first").values())
    total = sum(x.nbytes for x in jax.tree.leaves(model.params))
    assert largest < total / 8
    tracemalloc.start()
    model.save(tmp_path / "second")
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert largest <= most < largest + (1 << 20)  # what is no array's data counts too
    assert kept < 1 << 20 < largest, "arrays keep no copies of themselves on the host"


# ------------------------------------------------------------------------------------------------------ orbax


@pytest.mark.parametrize("stack", [False, True])
def test_shards_of_any_mesh_to_any_mesh(tmp_path, stack):
    config = jf.AutoConfig.for_model("llama", **TINY)
    model = jf.init(config, "LlamaForCausalLM", mesh=sharding.mesh(fsdp=8), rules="fsdp", stack=stack)
    checkpoints.save_sharded(tmp_path / "x", model.params)
    declared = model.head.declare(config)
    declared = spec.stack(declared) if stack else declared
    plan = sharding.plan(declared, sharding.mesh(data=4, tensor=2), "tensor")
    read = checkpoints.load_sharded(tmp_path / "x", spec.abstract(declared, jnp.float32, plan.shardings))
    assert jax.tree.structure(read) == jax.tree.structure(model.params)
    for x, y, s in zip(*map(jax.tree.leaves, (read, model.params, plan.shardings)), strict=True):
        assert x.sharding.is_equivalent_to(s, x.ndim)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
    like = {"params": read, "count": jnp.zeros((), jnp.int32), "free": jax.ShapeDtypeStruct((2,), jnp.float32)}
    checkpoints.save_sharded(tmp_path / "y", {"params": read, "count": jnp.int32(3), "free": np.ones(2, np.float32)})
    more = checkpoints.load_sharded(tmp_path / "y", like)
    assert more["count"].sharding.device_set == more["free"].sharding.device_set == set(plan.mesh.devices.flat)
    assert (int(more["count"]), more["free"].tolist()) == (3, [1.0, 1.0])
    with pytest.raises(jf.CheckpointError, match="path must be new"):
        checkpoints.save_sharded(tmp_path / "x", model.params)
    checkpoints.save_sharded(tmp_path / "x", {"a": jnp.ones(3)}, overwrite=True)
    with pytest.raises(jf.CheckpointError, match=r"(?s)missing: b \(2,\).*unexpected: a \(3,\)"):
        checkpoints.load_sharded(tmp_path / "x", {"b": jnp.ones(2)})
    with pytest.raises(jf.CheckpointError, match=r"shape: a must be \(4,\), got \(3,\)"):
        checkpoints.load_sharded(tmp_path / "x", {"a": jnp.ones(4)})
    with pytest.raises(jf.CheckpointError, match="must be a directory that save_sharded wrote"):
        checkpoints.load_sharded(tmp_path, {"b": jnp.ones(2)})
