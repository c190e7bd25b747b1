"""Learning rates over the steps of a run, by the names that `lr_scheduler_type` has in TrainingArguments.

`schedule(...)` gives a function of the step for optax. `Plateau` follows a metric instead, on the host.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any, Self

import jax.numpy as jnp

from jaxformers.errors import InputError, nearest

Factor = Callable[[Any], Any]  # step -> what the learning rate is multiplied by


def schedule(
    name: str,
    learning_rate: float,
    num_warmup_steps: int = 0,
    num_training_steps: int | None = None,
    **options: Any,
) -> Callable[[Any], Any]:
    """The learning rate as a function of the step, for `optax.adamw(schedule(...))`.

    Args:
      name: "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup",
        "inverse_sqrt", "cosine_with_min_lr", "cosine_warmup_with_min_lr" or "warmup_stable_decay".
      learning_rate: its highest value.
      num_warmup_steps: steps in which it rises from 0, for all but "constant".
      num_training_steps: steps of the run; those named after what they do at its end need it.
      options: `num_cycles`, `power`, `lr_end`, `min_lr`, `min_lr_rate`, `warmup_lr_rate`, `timescale`,
        `num_stable_steps`, `num_decay_steps`, `warmup_type`, `decay_type`, `min_lr_ratio`, of those that have them.

    Returns:
      `step int [] -> float32 []`.

    Raises:
      InputError: an unknown name or option, or a number of steps that is missing or negative.
    """
    if name not in _FACTORS:
        hint = ", ".join(nearest(name, _FACTORS, 4))
        more = "; reduce_lr_on_plateau follows a metric: training.Plateau" if name == "reduce_lr_on_plateau" else ""
        raise InputError("schedule", [f"name must be one of {', '.join(_FACTORS)}, got {name!r}"], hint + more)
    make = _FACTORS[name]
    known = inspect.signature(make).parameters
    given = {"lr": learning_rate, "warmup": num_warmup_steps, "steps": num_training_steps}
    problems = [f"{name} takes no {n}; it takes {', '.join(_own(known)) or 'none'}" for n in options if n not in known]
    problems += [
        f"{n} must be given for {name}" for n, p in _own(known).items() if p.default is p.empty and n not in options
    ]
    if "steps" in known and known["steps"].default is inspect.Parameter.empty and num_training_steps is None:
        problems.append(f"num_training_steps must be given for {name}")
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    problems += [f"{n} must not be negative, got {v}" for n, v in counts.items() if v is not None and v < 0]
    if problems:
        raise InputError("schedule", problems)
    factor = make(**{n: v for n, v in given.items() if n in known}, **options)

    def rate(step):
        return jnp.asarray(learning_rate * factor(jnp.asarray(step, jnp.float32)), jnp.float32)

    return rate


def _own(known: Any) -> dict[str, inspect.Parameter]:
    return {n: p for n, p in known.items() if n not in ("lr", "warmup", "steps")}


# ------------------------------------------------------------------------------------------------------ each of them


def _rising(warmup: int, after: Factor) -> Factor:
    """From 0 to 1 in `warmup` steps, then `after`."""
    return lambda step: jnp.where(step < warmup, step / max(1, warmup), after(step))


def _done(step: Any, warmup: int, steps: int) -> Any:
    """How much of what comes behind the warm-up is done."""
    return (step - warmup) / max(1, steps - warmup)


def _wave(done: Any, cycles: float) -> Any:
    return 0.5 * (1.0 + jnp.cos(math.pi * cycles * 2.0 * done))


def _constant() -> Factor:
    return jnp.ones_like


def _constant_with_warmup(warmup: int) -> Factor:
    return _rising(warmup, jnp.ones_like)


def _linear(warmup: int, steps: int) -> Factor:
    return _rising(warmup, lambda step: jnp.maximum(0.0, (steps - step) / max(1, steps - warmup)))


def _cosine(warmup: int, steps: int, num_cycles: float = 0.5) -> Factor:
    return _rising(warmup, lambda step: jnp.maximum(0.0, _wave(_done(step, warmup, steps), num_cycles)))


def _cosine_with_restarts(warmup: int, steps: int, num_cycles: int = 1) -> Factor:
    def after(step):
        done = _done(step, warmup, steps)
        return jnp.where(done >= 1.0, 0.0, jnp.maximum(0.0, _wave((num_cycles * done) % 1.0, 0.5)))

    return _rising(warmup, after)


def _polynomial(lr: float, warmup: int, steps: int, lr_end: float = 1e-7, power: float = 1.0) -> Factor:
    if not lr > lr_end:
        raise InputError("schedule", [f"lr_end must be smaller than the learning rate {lr}, got {lr_end}"])

    def after(step):
        left = jnp.maximum(0.0, 1.0 - _done(step, warmup, steps))
        return ((lr - lr_end) * left**power + lr_end) / lr

    return _rising(warmup, after)


def _inverse_sqrt(warmup: int, timescale: int | None = None) -> Factor:
    scale = (warmup or 10_000) if timescale is None else timescale
    return _rising(warmup, lambda step: jnp.sqrt(scale / jnp.maximum(step + scale - warmup, 1e-9)))


def _lowest(lr: float, min_lr: float | None, min_lr_rate: float | None) -> float:
    if (min_lr is None) == (min_lr_rate is None):
        raise InputError("schedule", ["exactly one of min_lr and min_lr_rate must be given"])
    return min_lr / lr if min_lr_rate is None else min_lr_rate  # type: ignore[operator]


def _cosine_with_min_lr(
    lr: float,
    warmup: int,
    steps: int,
    num_cycles: float = 0.5,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
) -> Factor:
    low = _lowest(lr, min_lr, min_lr_rate)
    return _rising(
        warmup, lambda step: jnp.maximum(0.0, _wave(_done(step, warmup, steps), num_cycles) * (1 - low) + low)
    )


def _cosine_warmup_with_min_lr(
    lr: float,
    warmup: int,
    steps: int,
    num_cycles: float = 0.5,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
    warmup_lr_rate: float | None = None,
) -> Factor:
    """Its first step is not 0, and each step has the rate that the others have behind it."""
    low = _lowest(lr, min_lr, min_lr_rate)

    def factor(step):
        if warmup_lr_rate is None:
            up = (step + 1.0) / max(1, warmup)
        else:
            up = warmup_lr_rate + (1.0 - warmup_lr_rate) * step / max(1, warmup - 1)
        after = _wave(_done(step + 1.0, warmup, steps), num_cycles) * (1 - low) + low
        return jnp.where(step < warmup, up, jnp.maximum(0.0, after))

    return factor


def _warmup_stable_decay(
    warmup: int,
    num_decay_steps: int,
    steps: int | None = None,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0.0,
    num_cycles: float = 0.5,
) -> Factor:
    """https://arxiv.org/abs/2404.06395, section 4."""
    kinds = {"warmup_type": warmup_type, "decay_type": decay_type}
    shapes = ("linear", "cosine", "1-sqrt")
    problems = [f"{n} must be one of {', '.join(shapes)}, got {v!r}" for n, v in kinds.items() if v not in shapes]
    if steps is None and num_stable_steps is None:
        problems.append("num_training_steps or num_stable_steps must be given for warmup_stable_decay")
    if problems:
        raise InputError("schedule", problems)
    stable = steps - warmup - num_decay_steps if num_stable_steps is None else num_stable_steps  # type: ignore[operator]
    end = warmup + stable

    def up(step):
        done = jnp.clip(step / max(1, warmup), 0.0, 1.0)
        return {"linear": done, "cosine": _wave(1.0 - done, 0.5), "1-sqrt": 1.0 - jnp.sqrt(1.0 - done)}[warmup_type]

    def down(step):
        done = jnp.clip((step - end) / max(1, num_decay_steps), 0.0, 1.0)
        return {"linear": 1.0 - done, "cosine": _wave(done, num_cycles), "1-sqrt": 1.0 - jnp.sqrt(done)}[decay_type]

    def factor(step):
        low = min_lr_ratio
        first, last = (jnp.maximum(0.0, f(step) * (1.0 - low) + low) for f in (up, down))
        rest = jnp.where(step < end + num_decay_steps, last, low)
        return jnp.where(step < warmup, first, jnp.where(step < end, 1.0, rest))

    return factor


_FACTORS: dict[str, Callable[..., Factor]] = {
    "linear": _linear,
    "cosine": _cosine,
    "cosine_with_restarts": _cosine_with_restarts,
    "polynomial": _polynomial,
    "constant": _constant,
    "constant_with_warmup": _constant_with_warmup,
    "inverse_sqrt": _inverse_sqrt,
    "cosine_with_min_lr": _cosine_with_min_lr,
    "cosine_warmup_with_min_lr": _cosine_warmup_with_min_lr,
    "warmup_stable_decay": _warmup_stable_decay,
}


# ------------------------------------------------------------------------------------------------------ by a metric


@dataclasses.dataclass(frozen=True)
class Plateau:
    """A learning rate that falls when a metric no longer gets better ("reduce_lr_on_plateau"); plain numbers.

    Args:
      learning_rate: its value now.
      mode: "min" or "max", what is better.
      factor: what it is multiplied by.
      patience: measurements without a better one that are let pass.
      threshold, threshold_mode: how much better counts: "rel" of the best, or "abs".
      cooldown: measurements after a fall that do not count.
      min_lr: where it stops.
      eps: a fall by less is left out.
      best, bad, cooling: the best measurement, how many were not better since, how many do not count yet.
    """

    learning_rate: float
    mode: str = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    min_lr: float = 0.0
    eps: float = 1e-8
    best: float | None = None
    bad: int = 0
    cooling: int = 0

    def __post_init__(self):
        problems = [] if self.mode in ("min", "max") else [f"mode must be min or max, got {self.mode!r}"]
        if self.threshold_mode not in ("rel", "abs"):
            problems.append(f"threshold_mode must be rel or abs, got {self.threshold_mode!r}")
        if not self.factor < 1.0:
            problems.append(f"factor must be below 1, got {self.factor}")
        if problems:
            raise InputError("Plateau", problems)

    def update(self, metric: float) -> Self:
        """The state after another measurement."""
        best, bad = (metric, 0) if self._better(metric) else (self.best, self.bad + 1)
        cooling, rate = self.cooling, self.learning_rate
        if cooling > 0:
            cooling, bad = cooling - 1, 0
        if bad > self.patience:
            lower = max(rate * self.factor, self.min_lr)
            rate = lower if rate - lower > self.eps else rate
            cooling, bad = self.cooldown, 0
        return dataclasses.replace(self, learning_rate=rate, best=best, bad=bad, cooling=cooling)

    def _better(self, metric: float) -> bool:
        if self.best is None:
            return metric == metric
        sign = 1 if self.mode == "min" else -1
        edge = (
            self.best * (1 - sign * self.threshold)
            if self.threshold_mode == "rel"
            else self.best - sign * self.threshold
        )
        return sign * metric < sign * edge
