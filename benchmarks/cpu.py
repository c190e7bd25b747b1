"""Us and the PyTorch library in turn, in one run, on the CPU: prints medians and their ratio (ours / theirs).

    make bench                                              # sets up both environments and runs everything
    python benchmarks/cpu.py --theirs .venv-reference/bin/python --cases bert_encode gpt2_train

Both sides run the same configs with random float32 weights, all of the machine's threads, and the default attention
kernel of each. Each side lives in a process of its own; the two take turns run by run, so that a drift of the machine
hits both. A process waits without spinning while the other works.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent

# name: (what it does, rounds, target for ours / theirs)
CASES: dict[str, tuple[str, int, float | None]] = {
    "bert_encode": ("BERT-base, last hidden state, 8x128", 9, 0.95),
    "gpt2_prefill": ("GPT-2 124M, logits of every position, 8x128", 7, 0.95),
    "vit_encode": ("ViT-B/16, last hidden state, 8x3x224x224", 7, 0.95),
    "t5_encode": ("T5-small encoder, 8x128", 9, 0.95),
    "gpt2_train": ("GPT-2 124M, loss + gradients + AdamW, 4x128, no dropout", 7, 0.95),
    "gpt2_load": ("GPT-2 124M from a float32 safetensors file to logits of 1x16", 9, 0.7),
    "gpt2_return": ("the same until the call returns: both have mapped the file", 9, None),
}
START = "process start to first logits, GPT-2 124M from a file, 1x16"


class Worker:
    """One side in its own process: sends it a case, gets seconds back."""

    def __init__(self, python: str, side: str, weights: str):
        command = [python, str(HERE / f"worker_{side}.py"), weights]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("hello")

    def ask(self, case: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(case, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended while running {case}")
        return json.loads(line)

    def close(self) -> None:
        self.process.communicate()


def compare(case: str, pythons: dict[str, str], weights: str, rounds: int) -> dict[str, list[float]]:
    workers = {side: Worker(python, side, weights) for side, python in pythons.items()}
    seconds: dict[str, list[float]] = {side: [] for side in workers}
    for worker in workers.values():  # warm-up: compiles, allocates, reads the file once
        worker.ask(case)
        worker.ask(case)
    for _ in range(rounds):
        for side, worker in workers.items():
            seconds[side].append(worker.ask(case))
    for worker in workers.values():
        worker.close()
    return seconds


def starts(pythons: dict[str, str], weights: str, cache: str, rounds: int) -> dict[str, list[float]]:
    """Whole processes, each from its start to its first logits; ours with an empty and with a filled cache."""
    runs = {
        "ours, cold": [pythons["ours"], str(HERE / "worker_ours.py"), weights, "--start", cache],
        "ours, warm": [pythons["ours"], str(HERE / "worker_ours.py"), weights, "--start", cache],
        "theirs": [pythons["theirs"], str(HERE / "worker_theirs.py"), weights, "--start"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, command in runs.items():
            if name == "ours, cold":
                shutil.rmtree(cache, ignore_errors=True)
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def row(name: str, ours: float, theirs: float, target: float | None) -> None:
    goal = "" if target is None else f"   (to reach: {target})"
    print(f"{name:76} {ours:8.3f} s {theirs:8.3f} s   {ours / theirs:5.2f}{goal}", flush=True)


def machine() -> str:
    """The processor's name, where the system tells it, and the number of its threads that we may use."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default=sys.executable, help="interpreter with jaxformers")
    parser.add_argument("--theirs", required=True, help="interpreter with torch and transformers")
    parser.add_argument("--cases", nargs="*", default=[*CASES, "start", "compile"])
    parser.add_argument("--rounds", type=int, default=None)
    args = parser.parse_args()
    pythons = {"ours": args.ours, "theirs": args.theirs}
    print(f"{machine()}, {time.strftime('%Y-%m-%d %H:%M')}")
    print(f"{'':76} {'ours':>8}   {'theirs':>8}     ratio")
    with tempfile.TemporaryDirectory() as scratch:
        weights = str(pathlib.Path(scratch) / "gpt2")
        subprocess.run([pythons["theirs"], str(HERE / "worker_theirs.py"), weights, "--write"], check=True)
        for case in args.cases:
            if case in CASES:
                what, rounds, target = CASES[case]
                seconds = compare(case, pythons, weights, args.rounds or rounds)
                row(what, statistics.median(seconds["ours"]), statistics.median(seconds["theirs"]), target)
            elif case == "start":
                seconds = starts(pythons, weights, str(pathlib.Path(scratch) / "xla"), args.rounds or 5)
                medians = {k: statistics.median(v) for k, v in seconds.items()}
                row(f"{START}, cold cache", medians["ours, cold"], medians["theirs"], None)
                row(f"{START}, warm cache", medians["ours, warm"], medians["theirs"], 0.6)
            elif case == "compile":
                worker = Worker(pythons["ours"], "ours", weights)
                few, many = (min(worker.ask(f"compile_{n}") for _ in range(3)) for n in (4, 48))
                what = "trace and compile, both ours: 48 stacked GPT-2 layers, 4 of them"
                row(what, many, few, 1.5)
                worker.close()


if __name__ == "__main__":
    main()
