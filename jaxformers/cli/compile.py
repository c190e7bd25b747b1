"""`jaxformers compile`: what a step would need on chips that are described and not there."""

from __future__ import annotations

import argparse
import json
import pathlib
import re
from typing import Any

import jax

from jaxformers.errors import JaxformersError

EXAMPLES = """examples:
  jaxformers compile llama --topology v5p:4x4x4 --rules fsdp+tensor --mesh fsdp=16,tensor=4 --length 4096
  jaxformers compile path-or-hub-id --topology v5e:4x4 --rules fsdp --step decode --batch 16
  jaxformers compile vit --head ForImageClassification --topology v6e:4x4 --rules data --batch 1024 --json
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("what", help="a model type, a checkpoint's directory or a hub id")
    parser.add_argument(
        "--topology", required=True, help="a TPU and its grid: v4, v5e, v5p, v6e or tpu7x, as v5p:8x8x8"
    )
    parser.add_argument(
        "--head", help="a head's name or suffix; by default the config's own, or one that can do the step"
    )
    parser.add_argument("--rules", default="fsdp", help="a preset, or several joined by +; 'auto' chooses")
    parser.add_argument("--mesh", default="", help="sizes of the mesh's axes: fsdp=-1,tensor=4")
    parser.add_argument("--step", default="train", choices=("train", "prefill", "decode"))
    parser.add_argument("--batch", type=int, help="rows on all devices together; one for each part of them by default")
    parser.add_argument("--length", type=int, default=2048, help="tokens of a row")
    parser.add_argument("--remat", default="full", help="what the backward pass recomputes")
    parser.add_argument("--attention", default="auto", help="the attention kernel")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change a field of the config"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Compiles and prints; 0 where it fits, 2 where it does not."""
    jax.config.update("jax_platforms", "cpu")
    from jaxformers import compiling, models
    from jaxformers.auto import AutoConfig

    changes = dict(_field(text) for text in args.set)
    if args.what in models.TABLE and not pathlib.Path(args.what).exists():
        config = AutoConfig.for_model(args.what, **changes)
    else:
        config = AutoConfig.from_pretrained(args.what, **changes)
    report = compiling.compile_for(
        config,
        args.head,
        topology=args.topology,
        rules=args.rules,
        mesh=axes(args.mesh),
        step=args.step,
        batch=args.batch,
        length=args.length,
        remat=args.remat,
        attention=args.attention,
    )
    print(json.dumps(report.facts(), indent=2) if args.json else report)
    return 0 if report.fits else 2


def axes(text: str) -> dict[str, int]:
    """ "fsdp=-1,tensor=4" -> {"fsdp": -1, "tensor": 4}."""
    found: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, size = part.partition("=")
        if not name.strip().isidentifier() or not re.fullmatch(r"-1|[1-9]\d*", size.strip()):
            raise JaxformersError("mesh", [f"must be axes and sizes, as in 'fsdp=-1,tensor=4', got {text!r}"])
        found[name.strip()] = int(size)
    return found


def _field(text: str) -> tuple[str, Any]:
    """ "hidden_size=64" -> ("hidden_size", 64); what is no JSON is text."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
