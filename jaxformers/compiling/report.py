"""`compile_for`: compiles a step of a model for a described topology and tells what it needs."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers import context, models, sharding, spec
from jaxformers.compiling import hlo, topologies
from jaxformers.compiling.operations import RAGGED, operations, useful
from jaxformers.compiling.programs import Program, program, takes, training_inputs
from jaxformers.model import Head, main_input
from jaxformers.sharding.chips import GIB

# Set for every program: no product is cut into steps that each pass on a piece of a sharded weight. The compiler's own
# estimate of such steps, for a Llama 2 7B on 64 chips, is 2.4 times that of one gather and one product.
OPTIONS = {"xla_jf_spmd_threshold_for_windowed_einsum_mib": "1000000"}


@dataclasses.dataclass(frozen=True)
class Report:
    """What a program needs on each chip, as the TPU compiler sees it. Nothing of it was run or measured.

    Args:
      model, head, step: what was compiled.
      parameters: of the head.
      topology, devices, mesh, rules: where it was compiled for.
      batch, length, tokens: rows, tokens of a row, and tokens of a step on all devices.
      fits: whether the program fits into the chip's memory.
      memory: bytes a device: arguments, temporaries, output (what is not written over an argument), code, total and
        the chip's limit.
      operations: useful operations of a step on all devices: three forward passes' matrix products for training, of
        causal attention the pairs that are seen. What remat computes again does not count.
      collectives: `{kind: {count, bytes}}` of one device.
      kernels: how often each kernel runs that the compiler does not estimate.
      compute_seconds: the compiler's estimates of cycles, over the clock; kernels of attention and of experts, which
        it does not estimate, at half the chip's peak.
      traffic_seconds: collectives over the links of the torus axes that the compiler sends them over.
      seconds: (least, most): if all traffic hides behind the arithmetic, and if none does.
      share_of_peak: operations / (devices * peak * seconds), for both, the larger first.
      compile_seconds: how long it took.
      problem: what the compiler said where it refused.
    """

    model: str
    head: str
    step: str
    parameters: int
    topology: str
    devices: int
    mesh: dict[str, int]
    rules: str
    batch: int
    length: int
    tokens: int
    fits: bool
    memory: dict[str, int]
    operations: int
    collectives: dict[str, dict[str, int]]
    kernels: dict[str, int]
    compute_seconds: float
    traffic_seconds: float
    seconds: tuple[float, float]
    share_of_peak: tuple[float, float]
    compile_seconds: float
    notes: tuple[str, ...] = ()
    problem: str = ""

    def facts(self) -> dict[str, Any]:
        """All of it as plain data."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        axes = " x ".join(f"{n} {s}" for n, s in self.mesh.items())
        lines = [
            f"{self.head}, {self.parameters:,} parameters: {self.step} of {self.batch} x {self.length}",
            f"{self.topology}: {self.devices} devices as {axes}, rules {self.rules}; compiled in "
            f"{self.compile_seconds:.0f} s, nothing was run",
            "",
        ]
        gib = {name: f"{n / GIB:.2f} GiB" for name, n in self.memory.items()}
        if self.problem:
            lines.append(f"does not fit: {self.problem}")
            return "\n".join([*lines, *(f"note: {n}" for n in self.notes)])
        parts = ", ".join(f"{name} {gib[name]}" for name in ("arguments", "temporaries", "output", "code"))
        lines.append(f"{'memory a device':18}{gib['total']} of {gib['limit']} ({parts}): fits")
        lines.append(f"{'operations':18}{self.operations:.3e} a step, on all devices")
        for kind, held in self.collectives.items():
            lines.append(f"{kind:18}{held['count']} times, {held['bytes'] / 1e9:.2f} GB a device")
        low, high = self.seconds
        lines.append(
            f"{'estimated time':18}{low:.3f} s if all traffic is hidden, {high:.3f} s if none is "
            f"(arithmetic {self.compute_seconds:.3f} s, traffic {self.traffic_seconds:.3f} s)"
        )
        best, worst = self.share_of_peak
        lines.append(f"{'share of peak':18}{best:.1%} to {worst:.1%}, {self.tokens / high:,.0f} tokens/s at least")
        return "\n".join([*lines, *(f"note: {n}" for n in self.notes)])


def compile_for(
    config: Any,
    head: str | None = None,
    *,
    topology: str,
    rules: Any = "fsdp",
    mesh: dict[str, int] | None = None,
    step: str = "train",
    batch: int | None = None,
    length: int = 2048,
    options: dict[str, str] | None = None,
    **settings: Any,
) -> Report:
    """Compiles a step of a model for chips that need not be there, with the compiler that they would use.

    Args:
      config: the model's config.
      head: a head's name or suffix; by default the config's own or, if it names none, the first that can do the step.
      topology: "v5p:8x8x8" and the like; see `topologies.topology`.
      rules: as for `jf.load`.
      mesh: sizes of the mesh's axes, one of which may be -1; all devices along one axis if the rules have one.
      options: the compiler's own, beside `OPTIONS` (in a real run they stand in LIBTPU_INIT_ARGS).
      step, batch, length, settings: as for `program`.

    Raises:
      JaxformersError: what can not be meant. What does not fit is reported.
    """
    chip, devices = topologies.topology(topology)
    grid = sharding.mesh(devices, **(mesh or sharding.axes_for(rules)))
    name, chosen = _head(config, head, step)
    made = program(config, chosen, grid, rules, step=step, batch=batch, length=length, **settings)
    start = time.monotonic()
    compiled, problem = _compiled(made, {**OPTIONS, **(options or {})})
    took = time.monotonic() - start
    memory = {"limit": chip.memory} | ({} if compiled is None else _memory(compiled.memory_analysis()))
    if memory.get("total", 0) > chip.memory:
        problem = f"{memory['total'] / GIB:.2f} GiB of {chip.memory / GIB:.0f} GiB"
    work = hlo.Cost() if compiled is None else hlo.cost(compiled.as_text())
    unknown = [f"{work.unknown} loops of unknown length are counted once"] if work.unknown else []
    rows = jax.tree.leaves(made.arguments[2])[0].shape[0]
    total = _operations(made, config, chosen, step, rows, length)
    kernels = _kernel_operations(made, config, chosen, step, rows, length, work.kernels)
    compute = work.cycles / chip.clock + kernels / grid.size / (chip.peak / 2)
    traffic = sum(n / (chip.link * axes) for n, axes in work.moves)
    seconds = max(compute, traffic), compute + traffic
    shares = [total / (grid.size * chip.peak * s) if s else 0.0 for s in seconds]
    return Report(
        model=config.model_type,
        head=name,
        step=step,
        parameters=spec.count(made.plan.declared),
        topology=topology,
        devices=grid.size,
        mesh=dict(grid.shape),
        rules=rules if isinstance(rules, str) else "your own",
        batch=rows,
        length=length,
        tokens=rows * (1 if step == "decode" else length),
        fits=not problem,
        memory=memory,
        operations=total,
        collectives={k: {"count": work.counts[k], "bytes": work.bytes[k]} for k in sorted(work.counts)},
        kernels=dict(sorted(work.kernels.items())),
        compute_seconds=compute,
        traffic_seconds=traffic,
        seconds=seconds,
        share_of_peak=(shares[0], shares[1]),
        compile_seconds=took,
        notes=(*made.plan.notes[:8], *unknown),
        problem=problem,
    )


def _head(config: Any, name: str | None, step: str) -> tuple[str, Head]:
    """The head that is named, or the config's own; of a config that names none the first that can do the step."""
    found = models.find_head(config, name)
    if name is None and not config.architectures and not takes(found[1], step):
        heads = models.module(config.model_type).HEADS
        found = next(((n, h) for n, h in heads.items() if takes(h, step)), found)
    return found


def _compiled(made: Program, options: dict[str, str]) -> tuple[Any, str]:
    """The program compiled and "", or None and what it would need where it does not fit."""
    lowered = made.lower()
    try:
        return lowered.compile(compiler_options=options), ""
    except jax.errors.JaxRuntimeError as e:
        if "RESOURCE_EXHAUSTED" not in str(e):
            raise
        return None, _shortage(str(e))


def _memory(held: Any) -> dict[str, int]:
    output = held.output_size_in_bytes - held.alias_size_in_bytes
    parts = {
        "arguments": held.argument_size_in_bytes,
        "temporaries": held.temp_size_in_bytes,
        "output": output,
        "code": held.generated_code_size_in_bytes,
    }
    return {**parts, "total": sum(parts.values())}


def _shortage(message: str) -> str:
    """The one line of the compiler's complaint that tells how much is needed."""
    forms = r"Used [\d.]+[KMGT]? of [\d.]+[KMGT]? hbm", r"total memory required for .* exceeds available HBM \([^)]*\)"
    found = next((m for form in forms if (m := re.search(form, message))), None)
    return found[0] if found else message.splitlines()[0][:300]


def _operations(made: Program, config: Any, head: Any, step: str, batch: int, length: int) -> int:
    """Useful operations of the step: the forward pass, three times for training."""
    causal = head.cache is not None and not head.reads_source
    variable = main_input(head.apply) == "input_ids"
    with _counting(made):
        if step == "decode":
            return useful(made.run, lambda n: _shapes(made.arguments), length, False)
        return made.passes * useful(
            made.forward, _inputs(made, config, head, step, batch), length, causal and variable
        )


def _kernel_operations(
    made: Program, config: Any, head: Any, step: str, batch: int, length: int, kernels: Mapping[str, int]
) -> float:
    """Operations of the kernels that the compiler does not estimate: of attention, and of experts' products.

    In training a kernel runs forwards, again for the backward pass if what it gave was not kept, and twice (attention
    two and a half times) as long backwards.
    """
    again = 1 if made.settings.get("remat", "none") != "none" else 0
    causal = head.cache is not None and not head.reads_source
    inputs = _inputs(made, config, head, step, batch)
    total = 0.0
    with _counting(made):
        if any("ragged" in name for name in kernels):
            read = made.run if step == "decode" else made.forward
            given = _shapes(made.arguments) if step == "decode" else inputs(length)
            total += operations(read, *given, only=RAGGED) * (3 + again if step == "train" else 1)
        if any("splash" in name for name in kernels) and step != "decode" and main_input(head.apply) == "input_ids":
            one, two = (operations(made.forward, *inputs(n)) for n in (length, 2 * length))
            pairs = (two - 2 * one) // 2
            total += (pairs // 2 if causal else pairs) * (3.5 + again if step == "train" else 1)
    return total


def _counting(made: Program) -> Any:
    """The context to count operations in: products as they are written, experts as on the mesh's devices."""
    return context.running(attention="eager", mesh=made.plan.mesh)


def _shapes(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)


def _inputs(made: Program, config: Any, head: Any, step: str, batch: int) -> Callable[[int], tuple]:
    """Length -> what the forward pass takes."""
    params = spec.abstract(made.plan.declared, jnp.bfloat16)

    def inputs(n: int) -> tuple:
        if step == "train":
            return params, training_inputs(config, head, batch, n)
        shapes = _shapes(made.arguments[2])
        return params, {k: jax.ShapeDtypeStruct((batch, n), x.dtype) for k, x in shapes.items()}

    return inputs
