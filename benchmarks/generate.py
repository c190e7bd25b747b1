"""Text generation, us and the PyTorch library in turn.

    python benchmarks/generate.py --theirs .venv-reference/bin/python

Random float32 weights, all threads, prompts of 64 tokens and 64 new ones, greedy or by beams, nothing ends early. The
figures are medians of tokens per second (rows of the batch times new tokens); beams count once a prompt. The first
call is that of a new process: it traces and compiles, with no compilation cache.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from cpu import Worker, compare, machine

NEW = 64
# name: (what it does, prompts, rounds, how many times theirs is to be reached)
CASES: dict[str, tuple[str, int, int, float | None]] = {
    "write_gpt2_1": ("GPT-2 124M, greedy, batch 1", 1, 7, 1.7),
    "write_gpt2_8": ("GPT-2 124M, greedy, batch 8", 8, 7, 1.2),
    "write_gpt2_1_sampled": ("GPT-2 124M, sampled with top-k 50 and top-p 0.9, batch 1", 1, 5, None),
    "write_t5_8": ("T5-small, beam search with 4 beams, batch 8", 8, 7, 1.5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default=sys.executable, help="interpreter with jaxformers")
    parser.add_argument("--theirs", required=True, help="interpreter with torch and transformers")
    parser.add_argument("--cases", nargs="*", default=[*CASES, "first"])
    parser.add_argument("--rounds", type=int, default=None)
    args = parser.parse_args()
    pythons = {"ours": args.ours, "theirs": args.theirs}
    print(f"{machine()}, {time.strftime('%Y-%m-%d %H:%M')}")
    print(f"{'':58} {'ours':>11} {'theirs':>13}   ratio")
    for case in args.cases:
        if case in CASES:
            what, rows, rounds, target = CASES[case]
            seconds = compare(case, pythons, "", args.rounds or rounds)
            ours, theirs = (rows * NEW / statistics.median(seconds[side]) for side in ("ours", "theirs"))
            goal = "" if target is None else f"   (to reach: {target})"
            print(f"{what:58} {ours:7.1f} t/s {theirs:9.1f} t/s {ours / theirs:7.2f}{goal}", flush=True)
        elif case == "first":
            seconds = {side: [] for side in pythons}
            for _ in range(args.rounds or 3):
                for side, python in pythons.items():
                    worker = Worker(python, side, "")
                    seconds[side].append(worker.ask("write_gpt2_1"))
                    worker.close()
            ours, theirs = (statistics.median(seconds[side]) for side in ("ours", "theirs"))
            what = "GPT-2 124M, first call of a process, batch 1"
            print(f"{what:58} {ours:9.2f} s {theirs:11.2f} s {ours / theirs:7.2f}   (ours at most: 4 s)", flush=True)


if __name__ == "__main__":
    main()
