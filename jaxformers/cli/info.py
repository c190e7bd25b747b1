"""`jaxformers info`: what is covered, or what a model type or a checkpoint holds."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
from typing import Any

import jax

from jaxformers import bridges, loading, models, spec
from jaxformers.auto import AutoConfig
from jaxformers.checkpoints.hub import resolve
from jaxformers.config import ModelConfig
from jaxformers.errors import ConfigError
from jaxformers.model import Head


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "what", nargs="?", help="a model type, a checkpoint's directory or a hub id; all types if left out"
    )
    parser.add_argument("--head", help="a head's name or suffix; the config's own by default")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the facts."""
    facts = covered() if args.what is None else described(args.what, args.head)
    print(json.dumps(facts, indent=2) if args.json else text(facts))
    return 0


def covered() -> dict[str, Any]:
    """Every architecture of the table: its modality, its heads, and which of them `generate`."""
    rows = {}
    for model_type, home in sorted(models.TABLE.items()):
        heads = models.module(model_type).HEADS
        writers = [name for name, head in heads.items() if head.cache and not models.is_bare(model_type, name)]
        rows[model_type] = {"modality": home.split(".")[0], "heads": list(heads), "generate": writers}
    total = sum(len(row["heads"]) for row in rows.values())
    return {"architectures": len(rows), "heads": total, "table": rows}


def described(what: str, head: str | None = None) -> dict[str, Any]:
    """A model type at its default sizes, or a checkpoint: its head, parameters, memory, and how the file fits.

    Raises:
      ConfigError: no such model type or head.
      CheckpointError: no such directory, or a damaged file.
    """
    if what in models.TABLE and not pathlib.Path(what).exists():
        facts: dict[str, Any] = {"model_type": what, "heads": list(models.module(what).HEADS)}
        try:
            config = AutoConfig.for_model(what)
        except ConfigError as e:
            return {**facts, "sizes": f"none by default: {e}"}
        return {**facts, **sizes(config, *models.find_head(config, head))}
    directory = resolve(what)
    config = AutoConfig.from_pretrained(directory)
    name, chosen = models.find_head(config, head)
    tensors = bridges.open_weights(directory)
    facts = {"checkpoint": os.fspath(what), "model_type": config.model_type, **sizes(config, name, chosen)}
    facts["file"] = {
        "tensors": len(tensors),
        "bytes": sum(t.nbytes for t in tensors.values()),
        "dtypes": sorted({str(t.dtype) for t in tensors.values()}),
    }
    fitted = loading.fit(config, chosen, tensors, f"{name} from {what}")
    return {**facts, "initialised": list(fitted.fresh), "unused": list(fitted.unused)}


def sizes(config: ModelConfig, name: str, head: Head) -> dict[str, Any]:
    """Parameters, bytes of them in memory, and bytes of the cache a token for heads that decode step by step."""
    declared = head.declare(config)
    count = spec.count(declared)
    facts: dict[str, Any] = {"head": name, "parameters": count, "bytes": {"float32": 4 * count, "bfloat16": 2 * count}}
    if head.cache is not None:
        one, two = (cache_bytes(config, head, n) for n in (64, 65))
        facts["cache_bytes"] = {"a_token": two - one, "fixed": one - 64 * (two - one)}
    return facts


def cache_bytes(config: ModelConfig, head: Head, length: int) -> int:
    """Bytes of the keys, values and states that the layers keep for one bfloat16 text of `length` tokens."""
    assert head.cache is not None
    make = head.cache
    cache = jax.eval_shape(lambda: make(config, 1, length, jax.numpy.bfloat16, False))
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(cache["layers"]))


def text(facts: dict[str, Any]) -> str:
    """Facts as lines for people."""
    if "table" in facts:
        width = max(map(len, facts["table"]))
        lines = [f"{facts['architectures']} architectures, {facts['heads']} heads (* generates)", ""]
        for model_type, row in facts["table"].items():
            heads = ", ".join(f"{h}*" if h in row["generate"] else h for h in row["heads"])
            lines.append(f"{model_type:{width}}  {row['modality']:10}  {heads}")
        return "\n".join(lines)
    return "\n".join(f"{name.replace('_', ' '):14}{_plain(name, value)}" for name, value in facts.items())


def _plain(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k.replace('_', ' ')} {_plain(f'{name} {k}', v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, int) and "bytes" in name:
        return next(f"{value / 10**n:.3g} {unit}" for n, unit in _UNITS if value >= 10**n or n == 0)
    return f"{value:,}" if isinstance(value, int) else str(value)


_UNITS = ((12, "TB"), (9, "GB"), (6, "MB"), (3, "kB"), (0, "B"))
