"""Llama 3 8B's shape on one GPU, bfloat16, random weights: us and the PyTorch library in one run.

    python benchmarks/gpu.py --theirs .venv-reference/bin/python

Each side is a process of its own, one after the other, so that each has the whole memory. Decoding is given as a share
of the rate at which the weights could be read once a token, at the copy bandwidth measured in the same process;
reading a prompt as a share of the rate measured for one large matrix product. `--tiny` is a rehearsal: a small model
on any device, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SHAPE = {
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "rope_theta": 500000.0,
    "max_position_embeddings": 8192,
    "eos_token_id": None,
}
TINY = {**SHAPE, "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
TINY |= {"num_attention_heads": 4, "num_key_value_heads": 2}
# name: (rows, tokens of the prompt, new tokens); the same with fewer new tokens is taken off, to time steps alone
DECODE = {"decode, batch 1": (1, 128, 256), "decode, batch 32 at context 2048": (32, 1984, 64)}
PREFILL = 4096


def best(run: Callable[[], Any], rounds: int = 3) -> float:
    """Seconds of the fastest of some runs, after one that compiles."""
    run()
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def figures(generate: Callable[[int, int, int], Any], copy, product, parameters: int, tiny: bool) -> dict[str, float]:
    """What a side reaches.

    Args:
      generate: `(rows, prompt, new) -> None`, writes and waits.
      copy: `() -> bytes moved`, product: `() -> operations`; both wait.
      parameters: of the model, two bytes each.
    """
    scale = 16 if tiny else 1
    moved, done = copy(), product()
    bandwidth, rate = moved / best(copy), done / best(product)
    out = {"copy, GB/s": bandwidth / 1e9, "matrix product, TFLOP/s": rate / 1e12}
    for name, (rows, prompt, new) in DECODE.items():
        few, many = max(new // scale // 8, 1), new // scale
        whole, part = (best(functools.partial(generate, rows, prompt // scale, n)) for n in (many, few))
        step = (whole - part) / (many - few)
        out[f"{name}, tokens/s"] = rows / step
        out[f"{name}, share of reading the weights"] = 2 * parameters / bandwidth / step
    seconds = best(lambda: generate(1, PREFILL // scale, 1))
    out[f"prompt of {PREFILL}, tokens/s"] = PREFILL // scale / seconds
    out[f"prompt of {PREFILL}, share of the product's rate"] = 2 * parameters * (PREFILL // scale) / seconds / rate
    return out


def ours(shape: dict, tiny: bool) -> dict[str, dict[str, float]]:
    import jax
    import jax.numpy as jnp
    import numpy as np

    import jaxformers as jf

    model = jf.init(jf.AutoConfig.for_model("llama", **shape), "ForCausalLM", dtype=jnp.bfloat16)
    rng = np.random.default_rng(0)
    n = 256 if tiny else 8192
    big = jnp.zeros(n * n * (16 if tiny else 32), jnp.bfloat16)
    a = jnp.ones((n, n), jnp.bfloat16)
    copied, multiplied = jax.jit(lambda x: x + 1), jax.jit(lambda x: x @ x)

    def copy():
        copied(big).block_until_ready()
        return 2 * big.nbytes

    def product():
        multiplied(a).block_until_ready()
        return 2 * n**3

    def generate(rows, prompt, new):
        prompts = rng.integers(1, shape["vocab_size"], (rows, prompt))
        jf.generate(model, prompts, max_new_tokens=new, pad_token_id=0)

    return {"ours": figures(generate, copy, product, model.num_parameters(), tiny)}


def theirs(shape: dict, tiny: bool) -> dict[str, dict[str, float]]:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape)).to(torch.bfloat16).eval()
    n = 256 if tiny else 8192
    big = torch.zeros(n * n * (16 if tiny else 32), dtype=torch.bfloat16, device=device)
    a = torch.ones((n, n), dtype=torch.bfloat16, device=device)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None

    def copy():
        big + 1
        wait()
        return 2 * big.nbytes

    def product():
        a @ a
        wait()
        return 2 * n**3

    def generating(**how):
        @torch.inference_mode()
        def generate(rows, prompt, new):
            ids = torch.randint(0, shape["vocab_size"], (rows, prompt), device=device)
            model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, do_sample=False, pad_token_id=0, **how
            )
            wait()

        return generate

    count = sum(p.numel() for p in model.parameters())
    kinds = {"theirs, eager": {}, "theirs, static cache compiled": {"cache_implementation": "static"}}
    return {name: figures(generating(**how), copy, product, count, tiny) for name, how in kinds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theirs", help="interpreter with torch and transformers; without it only our side runs")
    parser.add_argument("--tiny", action="store_true", help="a rehearsal on any device")
    parser.add_argument("--side", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        side = ours if args.side == "ours" else theirs
        print(json.dumps(side(TINY if args.tiny else SHAPE, args.tiny)))
        return
    columns: dict[str, dict[str, float]] = {}
    for side, python in (("ours", sys.executable), ("theirs", args.theirs)):
        if python:
            command = [python, __file__, "--side", side, *(["--tiny"] if args.tiny else [])]
            columns |= json.loads(
                subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
            )
    print(f"{time.strftime('%Y-%m-%d %H:%M')}{', REHEARSAL' if args.tiny else ''}")
    print(f"{'':62}" + "".join(f"{name:>32}" for name in columns))
    for name in columns["ours"]:
        print(f"{name:62}" + "".join(f"{held[name]:32.3f}" for held in columns.values()))


if __name__ == "__main__":
    main()
