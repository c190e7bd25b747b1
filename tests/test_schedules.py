"""Learning rates over the steps of a run equal PyTorch transformers', step by step."""

import json
import pathlib

import jax
import numpy as np
import optax
import pytest

from jaxformers import training
from jaxformers.errors import InputError

HELD = json.loads((pathlib.Path(__file__).parent / "goldens" / "schedules.json").read_text())


@pytest.mark.parametrize("case", HELD["cases"], ids=lambda c: f"{c['name']}-{c['warmup']}-{c['options']}")
def test_every_step_has_the_references_rate(case):
    rate = training.schedule(case["name"], HELD["lr"], case["warmup"] or 0, case["steps"], **case["options"])
    ours = jax.jit(jax.vmap(rate))(np.arange(50))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, case["values"], rtol=2e-6, atol=4e-7 * HELD["lr"])  # float32 beside doubles


def test_every_schedule_is_compared():
    from jaxformers.training.schedules import _FACTORS

    assert {case["name"] for case in HELD["cases"]} == set(_FACTORS)


@pytest.mark.parametrize("case", HELD["plateaus"], ids=lambda c: str(c["options"]))
def test_a_rate_that_follows_a_metric(case):
    state, rates = training.Plateau(HELD["lr"], **case["options"]), []
    for metric in HELD["metrics"]:
        state = state.update(metric)
        rates.append(state.learning_rate)
    np.testing.assert_allclose(rates, case["values"], rtol=1e-12)
    assert len(set(rates)) > 1


def test_optax_takes_it():
    tx = optax.sgd(training.schedule("linear", 1.0, 2, 4))
    zero = jax.numpy.zeros(())
    params, state, seen = zero, tx.init(zero), []
    for _ in range(5):
        update, state = tx.update(zero + 1, state, params)
        seen.append(round(-float(update), 6))
    assert seen == [0.0, 0.5, 1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (("cosin", 1.0), "name must be one of linear, cosine"),
        (("reduce_lr_on_plateau", 1.0), "follows a metric: training.Plateau"),
        (("cosine", 1.0, 3), "num_training_steps must be given for cosine"),
        (("linear", 1.0, -1, 4), "num_warmup_steps must not be negative, got -1"),
        (("linear", 1.0, 1, 4, {"power": 2}), "linear takes no power; it takes none"),
        (("cosine_with_min_lr", 1.0, 1, 4), "exactly one of min_lr and min_lr_rate must be given"),
        (("polynomial", 1e-8, 1, 4), "lr_end must be smaller than the learning rate 1e-08, got 1e-07"),
        (("warmup_stable_decay", 1.0, 1, 9), "num_decay_steps must be given for warmup_stable_decay"),
        (("warmup_stable_decay", 1.0, 1, 9, {"num_decay_steps": 2, "decay_type": "log"}), "decay_type must be one of"),
    ],
)
def test_schedules_that_can_not_be(call, problem):
    *given, options = call if isinstance(call[-1], dict) else (*call, {})
    with pytest.raises(InputError, match=problem):
        training.schedule(*given, **options)


def test_plateaus_that_can_not_be():
    with pytest.raises(InputError, match="mode must be min or max, got 'mean'"):
        training.Plateau(1.0, mode="mean")
