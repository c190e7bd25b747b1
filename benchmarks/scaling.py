"""Published models compiled by the real TPU compiler for meshes that are not there: the table of docs/scaling.md.

    python benchmarks/scaling.py [--only NAME ...] [--rows FILE]

needs the extra tpu, takes minutes a row on two cores, and prints a row as it is done. Nothing is run: memory is what
the compiler allots, time what it estimates. `--rows` keeps finished rows in a JSON file, and `--table` prints it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
from typing import Any

LLAMA = dict(hidden_act="silu", rms_norm_eps=1e-5)
LLAMA_2_7B = LLAMA | dict(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32)
LLAMA_2_70B = LLAMA | dict(
    hidden_size=8192, intermediate_size=28672, num_hidden_layers=80, num_attention_heads=64, num_key_value_heads=8
)
LLAMA_3 = LLAMA | dict(vocab_size=128256, num_key_value_heads=8, rope_theta=5e5, max_position_embeddings=131072)
LLAMA_3_8B = LLAMA_3 | dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32)
LLAMA_3_70B = LLAMA_3 | dict(hidden_size=8192, intermediate_size=28672, num_hidden_layers=80, num_attention_heads=64)
LLAMA_3_405B = LLAMA_3 | dict(
    hidden_size=16384, intermediate_size=53248, num_hidden_layers=126, num_attention_heads=128
)
MIXTRAL = dict(num_hidden_layers=32, hidden_size=4096, intermediate_size=14336, num_attention_heads=32)
T5_XXL = dict(
    d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64, feed_forward_proj="gated-gelu",
    tie_word_embeddings=False, decoder_start_token_id=0,
)  # fmt: skip
VIT_G = dict(
    hidden_size=1664,
    num_hidden_layers=48,
    num_attention_heads=16,
    intermediate_size=8192,
    patch_size=14,
    num_labels=1000,
)
WHISPER_LARGE_V3 = dict(
    d_model=1280, encoder_layers=32, decoder_layers=32, encoder_attention_heads=20, decoder_attention_heads=20,
    encoder_ffn_dim=5120, decoder_ffn_dim=5120, num_mel_bins=128, vocab_size=51866,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Row:
    """One compilation: what `jaxformers.compiling.compile_for` is called with."""

    name: str
    model_type: str
    sizes: dict[str, Any]
    topology: str
    mesh: dict[str, int]
    rules: str
    batch: int
    length: int
    head: str = "ForCausalLM"
    remat: str = "full"
    step: str = "train"


ROWS = (
    Row("Llama 2 7B", "llama", LLAMA_2_7B, "v5p:4x4x4", dict(fsdp=16, tensor=4), "fsdp+tensor", 64, 4096),
    Row("Llama 2 70B", "llama", LLAMA_2_70B, "v5p:8x8x8", dict(fsdp=64, tensor=8), "fsdp+tensor+sequence", 512, 4096),
    Row(
        "Llama 3.1 405B", "llama", LLAMA_3_405B, "v5p:8x8x16", dict(fsdp=128, tensor=8), "fsdp+tensor+sequence",
        256, 8192,
    ),
    Row("Llama 3.1 8B", "llama", LLAMA_3_8B, "v6e:16x16", dict(fsdp=256), "fsdp", 512, 8192),
    Row("Llama 3.1 70B", "llama", LLAMA_3_70B, "v6e:16x16", dict(fsdp=256), "fsdp", 256, 8192),
    Row("Mixtral 8x7B", "mixtral", MIXTRAL, "v5p:4x4x8", dict(fsdp=16, expert=8), "fsdp+expert", 128, 4096),
    Row("T5 v1.1 XXL", "t5", T5_XXL, "v5e:16x16", dict(fsdp=256), "fsdp", 2048, 512, "ForConditionalGeneration"),
    Row("ViT-G/14", "vit", VIT_G, "v5e:8x8", dict(fsdp=64), "fsdp", 4096, 257, "ForImageClassification"),
    Row(
        "Whisper large-v3", "whisper", WHISPER_LARGE_V3, "v5e:4x4", dict(fsdp=16), "fsdp", 256, 448,
        "ForConditionalGeneration",
    ),
    Row("Llama 2 70B", "llama", LLAMA_2_70B, "v5p:2x2x4", dict(data=2, tensor=8), "tensor", 64, 4096, step="decode"),
    Row("Llama 2 70B", "llama", LLAMA_2_70B, "v5p:2x2x4", dict(data=2, tensor=8), "tensor", 4, 4096, step="prefill"),
)  # fmt: skip


def compiled(row: Row) -> dict[str, Any]:
    """A row's report, as data; made here, in this process."""
    import jax

    jax.config.update("jax_platforms", "cpu")
    import jaxformers as jf
    from jaxformers.compiling import compile_for

    config = jf.AutoConfig.for_model(row.model_type, **row.sizes)
    report = compile_for(
        config, row.head, topology=row.topology, mesh=row.mesh, rules=row.rules, batch=row.batch, length=row.length,
        remat=row.remat, step=row.step,
    )  # fmt: skip
    return {"name": row.name, **report.facts()}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    head = (
        "model", "step", "chips", "mesh", "rules", "batch x length", "memory a chip", "operations a step",
        "estimated step", "share of peak", "compiled in",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for r in rows:
        axes = " x ".join(f"{n} {s}" for n, s in r["mesh"].items())
        memory = f"{r['memory'].get('total', 0) / 2**30:.1f} of {r['memory']['limit'] / 2**30:.0f} GiB"
        low, high = r["seconds"]
        best, worst = r["share_of_peak"]
        told = (memory, f"{r['operations']:.2e}", f"{low:.3f} to {high:.3f} s", f"{worst:.1%} to {best:.1%}")
        if r["problem"]:
            told = (r["problem"], f"{r['operations']:.2e}", "", "")
        size = f"{r['batch']} x {r['length']}"
        cells = (
            r["name"], r["step"], f"{r['devices']} of {r['topology']}", axes, r["rules"], size, *told,
            f"{r['compile_seconds']:.0f} s",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", type=int, help="numbers of the rows")
    parser.add_argument("--rows", type=pathlib.Path, help="a JSON file of finished rows")
    parser.add_argument("--table", action="store_true", help="print the table of --rows")
    parser.add_argument("--row", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row is not None:
        print(json.dumps(compiled(ROWS[args.row])))
        return
    done = json.loads(args.rows.read_text()) if args.rows and args.rows.exists() else {}
    if not args.table:
        for i in args.only if args.only is not None else range(len(ROWS)):
            one = subprocess.run([sys.executable, __file__, "--row", str(i)], capture_output=True, text=True)
            if one.returncode:
                print(f"row {i}, {ROWS[i].name}: {one.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            done[str(i)] = json.loads(one.stdout.strip().splitlines()[-1])
            print(table([done[str(i)]]).splitlines()[-1], flush=True)
            if args.rows:
                args.rows.write_text(json.dumps(done, indent=1))
    print(table([done[k] for k in sorted(done, key=int)]))


if __name__ == "__main__":
    main()
