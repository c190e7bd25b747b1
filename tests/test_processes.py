"""Several processes on this machine: what they load, train, write and save together is what one process does."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
import yaml
from support import job

import jaxformers as jf
from jaxformers import checkpoints
from jaxformers.sharding.detect import Place, detect

pytestmark = pytest.mark.xdist_group("processes")  # one after the other

LLAMA = jf.AutoConfig.for_model(
    "llama",
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=4,
    max_position_embeddings=32,
)


def launched(*args, **options) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "OMPI_", "PMI_"))}
    env["JAX_COMPILATION_CACHE_DIR"] = str(jax.config.jax_compilation_cache_dir)
    env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    env["PYTHONPATH"] = str(pathlib.Path(__file__).parent)
    command = [sys.executable, "-m", "jaxformers", "launch", *map(str, args)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    jf.init(LLAMA, "ForCausalLM", key=jax.random.key(7)).save(folder)
    return folder


@pytest.fixture(scope="module")
def alone(checkpoint):
    """What one process on one device makes of it."""
    model = jf.load(checkpoint)
    batches = [{"input_ids": job.IDS}, {"input_ids": job.IDS[::-1]}]
    logits = np.asarray(model(input_ids=job.IDS).logits)
    params, losses = job.train(model, batches)
    words = model.replace(params=params).generate(job.PROMPTS, **job.WORDS)
    return logits, np.asarray(losses), words, jax.tree.map(np.asarray, params)


def error(a, b) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize(("processes", "devices"), [(2, 2), (4, 1)])
def test_processes_equal_one(checkpoint, alone, tmp_path, processes, devices):
    (tmp_path / "model").symlink_to(checkpoint)
    done = launched("--processes", processes, "--devices-per-process", devices, job.__file__, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    got = np.load(tmp_path / "result.npz")
    logits, losses, words, params = alone
    assert error(got["logits"], logits) < 1e-6
    assert error(got["losses"], losses) < 1e-6
    assert losses[1] < losses[0]
    np.testing.assert_array_equal(got["words"], words)
    assert got["same"].tolist() == [True, True]
    saved = jf.load(tmp_path / "saved")
    assert len(list((tmp_path / "saved").glob("model-*.safetensors"))) > 2
    for x, y in zip(*map(jax.tree.leaves, (saved.params, params)), strict=True):
        assert error(np.asarray(x), y) < 1e-6
    one = checkpoints.load_sharded(tmp_path / "sharded", saved.params)
    for x, y in zip(*map(jax.tree.leaves, (one, saved.params)), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
    _refused(json.loads((tmp_path / "refused.json").read_text()), processes)


def _refused(said: list[dict[str, str]], processes: int) -> None:
    """Every process says the same, of those that differ from the first."""
    who, has = ("process 1", "has") if processes == 2 else ("processes 1-3", "have")
    for one in said:
        assert f"init LlamaModel: {who} {has} rules: 'tensor', process 0 has rules: 'fsdp'" in one["rules"]
        assert f"init LlamaModel: {who} {has} config: " in one["shapes"]
        assert '"vocab_size": 16' in one["shapes"]
        assert "process 1 brings input_ids, process 0 ids" in one["names"]
        for i in range(1, processes):
            assert f"input_ids: process {i} brings int32[3, 12], process 0 int32[4, 12]" in one["rows"]
        assert "input_ids: processes 0 and 1 must bring the same values, they differ" in one["copies"]
    assert all("process 0 could not write" in one["save"] for one in said[1:])
    assert "path must be a directory, got the file" in said[0]["save"]


# ------------------------------------------------------------------------------------------------------ who is missing


def test_a_host_that_never_joins_is_named():
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    code = (
        "import sys\nfrom jaxformers import sharding\n"
        f"sharding.start('127.0.0.1:{port}', 4, int(sys.argv[1]), timeout=8)"
    )
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(i)], env=env, stderr=subprocess.PIPE, text=True)
        for i in (0, 2)
    ]
    host = socket.gethostname()
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1
        expected = f"2 of 4 processes came to 127.0.0.1:{port} within 8 s: 0 ({host}), 2 ({host}); missing: 1, 3"
        assert expected in err.splitlines()[-1]


# ------------------------------------------------------------------------------------------------------ launch


@pytest.fixture
def script(tmp_path):
    def write(text: str) -> pathlib.Path:
        file = tmp_path / "script.py"
        file.write_text("import os, sys, time, signal\ni = int(os.environ['JAX_PROCESS_ID'])\n" + text)
        return file

    return write


def test_launch_tells_processes_their_place(script):
    file = script(
        "print(os.environ['JAX_NUM_PROCESSES'], os.environ['XLA_FLAGS'].split()[-1], *sys.argv[1:])\n"
        "print('and', i, file=sys.stderr)\n"
    )
    done = launched("--processes", 3, "--devices-per-process", 2, file, "--flag", "a b")
    assert done.returncode == 0
    line = "3 --xla_force_host_platform_device_count=2 --flag a b"
    assert sorted(done.stdout.splitlines()) == [f"[{i}] {line}" for i in range(3)]
    assert sorted(done.stderr.splitlines()) == [f"[{i}] and {i}" for i in range(3)]


@pytest.mark.parametrize(("ends", "status"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), 9)", 137), ("1 / 0", 1)])
def test_launch_hands_on_the_first_failure_and_ends_the_others(script, ends, status):
    file = script(
        f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nif i == 1:\n    time.sleep(0.5)\n    {ends}\n"
        "if i == 2:\n    sys.exit(0)\ntime.sleep(60)\n"
    )
    start = time.monotonic()
    done = launched("--processes", 3, "--grace", 0.5, file)
    assert done.returncode == status
    assert time.monotonic() - start < 30
    assert ("ZeroDivisionError" in done.stderr) == (status == 1)


def test_a_process_that_fails_does_not_wait_for_the_others(script):
    """JAX's own way out is a barrier, at which it would wait for those that wait for it in a collective."""
    file = script(
        "import jax\nfrom jaxformers import sharding\nsharding.start(timeout=60)\njax.devices()\n"
        "if i == 1:\n    raise ValueError('my own')\n"
        "sharding.agree('all', a=1)\n"
    )
    start = time.monotonic()
    done = launched("--processes", 2, "--grace", 1, file)
    assert done.returncode == 1
    assert "[1] ValueError: my own" in done.stderr.splitlines()
    assert time.monotonic() - start < 25


def test_launch_hands_on_signals(script):
    file = script(
        "signal.signal(signal.SIGTERM, lambda *a: sys.exit(5))\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-m", "jaxformers", "launch", "--processes", "2", str(file)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert sorted(child.stdout.readline() for _ in range(2)) == ["[0] ready\n", "[1] ready\n"]
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == 5
    child.stdout.close()


def test_what_can_not_be_launched(tmp_path):
    done = launched("--processes", 0, "--devices-per-process", -1, tmp_path / "none.py")
    assert done.returncode == 1
    for problem in ("--processes must be positive, got 0", "--devices-per-process", "script must be a Python file"):
        assert problem in done.stderr


# ------------------------------------------------------------------------------------------------------ the page on it

PAGE = (pathlib.Path(__file__).parents[1] / "docs" / "hosts.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_s_program_runs_and_goes_on_with_fewer_processes(checkpoint, tmp_path):
    (program,) = blocks("python")
    file = tmp_path / "train.py"
    file.write_text(program)
    run = tmp_path / "run"
    options = "--processes", 2, "--devices-per-process", 2
    done = launched(*options, file, checkpoint, run)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line for line in done.stdout.splitlines() if "step" in line]
    assert [line.split(":")[0] for line in steps] == [f"[0] step {i}" for i in range(4)]
    texts = {line[4:] for line in done.stdout.splitlines() if re.match(r"\[\d\] \[\[5, 5, 5, 5", line)}
    assert len(texts) == 1
    first = jf.load(run / "model")
    shutil.rmtree(run / "4")
    done = launched("--processes", 1, file, checkpoint, run)
    assert done.returncode == 0, done.stdout + done.stderr
    again = [line for line in done.stdout.splitlines() if "step" in line]
    assert [line.split(":")[0] for line in again] == ["[0] step 2", "[0] step 3"]
    assert again == steps[2:]
    for x, y in zip(*map(jax.tree.leaves, (first.params, jf.load(run / "model").params)), strict=True):
        assert error(np.asarray(x), np.asarray(y)) < 1e-5


def test_the_page_s_job_files():
    for script in blocks("sh"):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    files = [yaml.safe_load(text) for text in blocks("yaml")]
    assert [file.get("kind") for file in files] == ["JobSet", "JAXJob", "TrainJob", None]
    (job,) = files[0]["spec"]["replicatedJobs"]
    pods = job["template"]["spec"]
    (container,) = pods["template"]["spec"]["containers"]
    env = {x["name"]: x["value"] for x in container["env"]}
    last = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": str(pods["completions"] - 1)}
    first = f"{files[0]['metadata']['name']}-{job['name']}-0-0.{files[0]['metadata']['name']}"
    assert detect({**env, **last}) == Place(3, pods["parallelism"], f"{first}:8482", "an Indexed Job")
    assert container["ports"] == [{"containerPort": 8482}]
    mounted = {v["name"] for v in container["volumeMounts"]}
    assert mounted == {v["name"] for v in pods["template"]["spec"]["volumes"]}
    assert files[1]["spec"]["jaxReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["name"] == "jax"
