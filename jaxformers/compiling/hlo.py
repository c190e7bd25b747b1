"""What a compiled TPU program does, read from its text: estimated cycles and collectives, loops counted as they run.

XLA's own cost analysis counts the body of a loop once, and layers in a scan are such a body.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Mapping

BITS = {"pred": 8, "s4": 4, "u4": 4, "s8": 8, "u8": 8, "bf16": 16, "f16": 16, "s16": 16, "u16": 16, "f32": 32}
BITS |= {"s32": 32, "u32": 32, "f64": 64, "s64": 64, "u64": 64, "f8e4m3fn": 8, "f8e5m2": 8}
COLLECTIVES = ("all-gather", "all-reduce", "reduce-scatter", "all-to-all", "collective-permute", "ragged-all-to-all")

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.-]+) \(.*\{\s*$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%([\w.-]+) = (.*)$")
_OPCODE = re.compile(r"[\s)}]([a-z][\w-]*)\(")
_ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,]*)\]")


@dataclasses.dataclass
class Cost:
    """Work of a computation on one device.

    Args:
      cycles: the compiler's estimates of its fusions and products.
      kernels: calls of kernels of ours (Pallas), which it does not estimate, by name.
      counts: how often each kind of collective runs.
      bytes: what each kind moves: the array that is gathered, reduced, scattered or exchanged.
      moves: (bytes, axes of the torus) of each collective, weighted by how far its kind carries them.
      unknown: loops whose length is not in the text; they count once.
    """

    cycles: float = 0
    kernels: Counter = dataclasses.field(default_factory=Counter)
    counts: Counter = dataclasses.field(default_factory=Counter)
    bytes: Counter = dataclasses.field(default_factory=Counter)
    moves: list[tuple[float, int]] = dataclasses.field(default_factory=list)
    unknown: int = 0

    def add(self, other: Cost, times: int = 1) -> None:
        """Adds another's work, so many times."""
        self.cycles += times * other.cycles
        self.unknown += other.unknown
        for mine, its in ((self.kernels, other.kernels), (self.counts, other.counts), (self.bytes, other.bytes)):
            for key, value in its.items():
                mine[key] += times * value
        self.moves += [(times * n, axes) for n, axes in other.moves]


def cost(text: str) -> Cost:
    """The work of a program's entry, from `compiled.as_text()`."""
    computations: dict[str, list[tuple[str, str]]] = {}
    entry, current = "", None
    for line in text.splitlines():
        head = _COMPUTATION.match(line)
        if head:
            current = computations.setdefault(head[2], [])
            entry = head[2] if head[1] else entry
        elif current is not None and (found := _INSTRUCTION.match(line)):
            current.append((found[1], found[2]))
        elif line == "}":  # a line may also start with it within a kernel's text
            current = None
    return _Reader(computations).of(entry)


class _Reader:
    def __init__(self, computations: Mapping[str, list[tuple[str, str]]]):
        self.computations = computations
        self.known: dict[str, Cost] = {}

    def of(self, name: str) -> Cost:
        if name not in self.known:
            total = self.known[name] = Cost()
            for own, rest in self.computations.get(name, ()):
                self._instruction(name, own, rest, total)
        return self.known[name]

    def _instruction(self, where: str, own: str, rest: str, total: Cost) -> None:
        found = _OPCODE.search(" " + rest)
        if found is None:
            return
        code, result = found[1], (" " + rest)[: found.start() + 1]
        cycles = re.search(r'"estimated_cycles":"(\d+)"', rest)
        total.cycles += int(cycles[1]) if cycles else 0
        if code == "while":
            condition, body = (_called(rest, word) for word in ("condition", "body"))
            trips = self.trips(condition, dict(self.computations[where]), rest)
            total.unknown += trips is None
            total.add(self.of(body), trips or 1)
        elif code in ("call", "async-start"):
            total.add(self.of(_called(rest, "to_apply") or _called(rest, "calls")))
        elif code == "conditional":
            each = [self.of(n) for n in _branches(rest)]
            if each:
                total.add(max(each, key=lambda c: c.cycles))
        elif code == "custom-call" and 'custom_call_target="tpu_custom_call"' in rest:
            total.kernels[re.sub(r"[.\d]+$", "", own)] += 1
        kind = next((k for k in COLLECTIVES if code in (k, f"{k}-start")), None)
        if code == "fusion" and (inner := _called(rest, "calls")):
            kind = self._fused(own, inner) or kind
        if kind:
            _collective(kind, result, rest, total)

    def _fused(self, own: str, inner: str) -> str | None:
        """The collective that a fusion is made of."""
        if "all-reduce-scatter" in own or "reduce-scatter" in own:
            return "reduce-scatter"
        codes = {m[1] for _, rest in self.computations.get(inner, ()) if (m := _OPCODE.search(" " + rest))}
        return next((k for k in COLLECTIVES if k in codes), None)

    def trips(self, condition: str, outside: Mapping[str, str], loop: str) -> int | None:
        """How often a loop runs: the number that its counter, which starts from 0, is compared with.

        It stands in the condition, or in the tuple that the loop starts from. None where it is no constant.
        """
        held = dict(self.computations.get(condition, ()))
        start = re.search(r"while\(%([\w.-]+)\)", loop)
        state = outside.get(start[1], "") if start else ""
        first = re.findall(r"%([\w.-]+)", state.split(" tuple(")[1]) if " tuple(" in state else []
        for rest in held.values():
            if " compare(" not in f" {rest}" or "direction=LT" not in rest:
                continue
            for name in re.findall(r"%([\w.-]+)", rest.split("compare(")[1].split(")")[0]):
                told = held.get(name, "")
                at = re.search(r"get-tuple-element\(.*\), index=(\d+)", told)
                if at and int(at[1]) < len(first):
                    told = outside.get(first[int(at[1])], "")
                number = re.search(r"constant\((\d+)\)", told)
                if number and int(number[1]) > 0:
                    return int(number[1])
        return None


def _called(rest: str, word: str) -> str:
    found = re.search(rf"\b{word}=%?([\w.-]+)", rest)
    return found[1] if found else ""


def _branches(rest: str) -> list[str]:
    several = re.search(r"branch_computations=\{([^}]*)\}", rest)
    if several:
        return [n.strip().lstrip("%") for n in several[1].split(",")]
    return [n for word in ("true_computation", "false_computation") if (n := _called(rest, word))]


def size(shapes: str) -> int:
    """Bytes of the arrays in a type such as "(bf16[8,128]{1,0}, f32[])"."""
    arrays = [(kind, dims) for kind, dims in _ARRAY.findall(shapes) if kind in BITS]
    return sum(math.prod(int(d) for d in dims.split(",") if d) * BITS[kind] // 8 for kind, dims in arrays)


def _collective(kind: str, result: str, rest: str, total: Cost) -> None:
    group = _group(rest)
    moved = size(result)
    if kind == "reduce-scatter":
        moved *= group
    if f"{kind}-start(" in rest:  # (operands, results)
        moved = max(size(part) for part in _halves(result))
    total.counts[kind] += 1
    total.bytes[kind] += moved
    share = (group - 1) / group if group else 1.0
    far = {"all-reduce": 2 * share, "collective-permute": 1.0, "all-to-all": share / 4}.get(kind, share)
    axes = re.search(r"num_dims:(\d)", rest)
    total.moves.append((moved * far, int(axes[1]) if axes else 1))


def _halves(result: str) -> list[str]:
    arrays = [f"{k}[{d}]" for k, d in _ARRAY.findall(result) if k in BITS and d]
    half = len(arrays) // 2
    return ["".join(arrays[:half]), "".join(arrays[half : 2 * half])] if half else ["".join(arrays)]


def _group(rest: str) -> int:
    """How many devices take part in one group of a collective."""
    named = re.search(r"replica_groups=mesh\[([^\]]*)\] ?\{([^}]*)\}", rest)
    if named:
        sizes = dict(part.split("=") for part in named[1].replace("'", "").split(","))
        return math.prod(int(sizes[a.strip().strip("'")]) for a in named[2].split(",") if a.strip())
    ranges = re.search(r"replica_groups=\[(\d+),(\d+)\]", rest)
    if ranges:
        return int(ranges[2])
    listed = re.search(r"replica_groups=\{\{([\d,]*)\}", rest)
    return len(listed[1].split(",")) if listed else 2
