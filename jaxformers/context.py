"""How to run a model, as opposed to what it is: attention kernel, rematerialisation, precision, mesh and rules.

The settings live in a JAX user context, which is part of `jax.jit`'s cache key: entering `jf.running(...)` with other
settings retraces, and never reuses a stale program.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import jax

from jaxformers import sharding
from jaxformers.errors import InputError

ATTENTION = ("auto", "xla", "cudnn", "eager", "chunked", "splash")
CONTEXT = ("auto", "gather", "ring")
SCHEDULES = ("gpipe", "interleaved")
REMAT = ("none", "full", "dots", "dots_no_batch", "offload", "offload_dots")


@dataclasses.dataclass(frozen=True)
class Run:
    """Run settings. See `running`."""

    attention: str = "auto"
    remat: str = "none"
    mesh: Any = None
    rules: Any = None
    context: str = "auto"
    microbatches: int | None = None
    schedule: str = "gpipe"
    chunks: int = 2

    def stages(self) -> tuple[str, ...]:
        """The mesh axes that stacked layers are split over."""
        if self.mesh is None or self.rules is None:
            return ()
        return tuple(a for a in sharding.rules.over(self.rules.axes.get("layers")) if a in self.mesh.axis_names)


_context = jax.make_user_context(Run())


def current() -> Run:
    """The settings in force."""
    return _context.value


@contextlib.contextmanager
def running(*, precision: Any = None, **settings):
    """Sets how models run inside a `with` block; what is not named stays as it is.

    Args:
      attention: "auto" (the fastest that fits the device and the call), "xla" (`jax.nn.dot_product_attention`),
        "cudnn" (flash attention on NVIDIA GPUs), "splash" (flash attention on TPUs; on many by `mesh` and `rules`),
        "eager" (written out, always float32 softmax) or "chunked" (block by block, for long texts: memory grows with
        their length, not its square). A kernel that can not compute a call (attention weights are asked for, say)
        leaves it to one that can.
      remat: what the backward pass recomputes, per layer: "none", "full" (keep only layer inputs), "dots" (keep matrix
        products), "dots_no_batch" (keep products with weights only), "offload" (keep layer inputs, in the host's
        memory) or "offload_dots" (keep products with weights, in the host's memory).
      mesh, rules: lay activations over this mesh by these rules (a preset, a dictionary or `sharding.Rules`): the rows
        of a batch, positions, heads. Parameters lie as `jf.load(..., mesh=mesh, rules=rules)` placed them.
      context: how attention sees positions that the rules split over devices ("context"): "gather" brings all keys and
        values to each device, "ring" lets their blocks go round, so that no device holds them all; "auto" takes the
        ring from 131,072 keys on. A call that a ring can not compute (a bias, say) gathers.
      microbatches: run stacked layers as a pipeline over the mesh axis that the rules split them over ("stage"): a
        batch is cut into so many parts, and each stage computes its layers of one part while others compute theirs of
        others. None leaves it to XLA, which brings each layer to all devices. See docs/sharding.md.
      schedule, chunks: of a pipeline: "gpipe" (a stage's layers are neighbours) or "interleaved" (a stage has `chunks`
        groups of neighbours, and waits so many times less; parameters are dealt anew in every step).
      precision: precision of matrix products and convolutions, as `jax.default_matmul_precision` takes it ("highest",
        "bfloat16", ...); it is part of jit's cache key as well.

    Raises:
      InputError: a setting is unknown or has a value that is not offered.
      JaxformersError: the rules are no rules, or name an axis that the mesh lacks.
    """
    known = {f.name for f in dataclasses.fields(Run)} | {"precision"}
    problems = [f"unknown setting {k!r}; known: {', '.join(sorted(known))}" for k in settings if k not in known]
    for name, values in (
        ("attention", ATTENTION),
        ("remat", REMAT),
        ("context", CONTEXT),
        ("schedule", SCHEDULES),
    ):
        if name in settings and settings[name] not in values:
            problems.append(f"{name} must be one of {', '.join(values)}, got {settings[name]!r}")
    if settings.get("rules") is not None and settings.get("mesh", current().mesh) is None:
        problems.append("rules need a mesh to go over: running(mesh=..., rules=...)")
    for name in ("microbatches", "chunks"):
        if name in settings and not _counts(settings[name], name == "microbatches"):
            problems.append(f"{name} must be a positive integer, got {settings[name]!r}")
    if problems:
        raise InputError("running", problems)
    if "rules" in settings:
        rules, mesh = settings["rules"], settings.get("mesh", current().mesh)
        settings["rules"] = None if rules is None else sharding.on_mesh(rules, mesh)
    if settings.get("microbatches") is not None and not dataclasses.replace(current(), **settings).stages():
        problem = "microbatches need a mesh and rules that split layers over one of its axes"
        raise InputError("running", [problem], "as in running(mesh=sharding.mesh(stage=4), rules='stage', ...)")
    products = contextlib.nullcontext() if precision is None else jax.default_matmul_precision(precision)
    with products, _context(dataclasses.replace(current(), **settings)):
        yield current()


def _counts(value: Any, optional: bool) -> bool:
    return (optional and value is None) or (isinstance(value, int) and not isinstance(value, bool) and value > 0)
