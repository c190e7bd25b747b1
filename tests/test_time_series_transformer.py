"""Time Series Transformer's forecasts, and the distributions and scalers that it is made with."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import load_cases
from support.fill import relative_error
from test_contract import Subject

import jaxformers as jf
from jaxformers.models.time_series import time_series_transformer as tst
from jaxformers.nn import distributions, scaling

CASES = {case.name: case for case in load_cases("time_series_transformer").CASES}
FORECASTS = ("forecast", "std", "normal", "counts", "variates", "variates_counts", "variates_unscaled")
TOLD = (
    "past_values",
    "past_time_features",
    "future_time_features",
    "past_observed_mask",
    "static_categorical_features",
    "static_real_features",
)


@functools.cache
def subject(name: str) -> Subject:
    return Subject("time_series_transformer", CASES[name], "TimeSeriesTransformerForPrediction")


def told(s: Subject) -> dict[str, np.ndarray]:
    return {name: s.inputs[name] for name in TOLD if name in s.inputs}


# ------------------------------------------------------------------------------------------------------ generate


@pytest.mark.parametrize("name", FORECASTS)
def test_means_are_those_of_one_pass_over_themselves(name):
    s = subject(name)
    path = tst.generate(s.model.params, s.config, None, **told(s)).sequences
    assert path.shape == (2, 1, *s.inputs["future_values"].shape[1:])
    out = s.model(**told(s), future_values=path[:, 0])
    undone = (None, None) if name.endswith("counts") else (out.loc, out.scale)
    assert relative_error(path[:, 0], distributions.mean(s.config.distribution_output, out.params, *undone)) <= 1e-5


@pytest.mark.parametrize("name", ["forecast", "variates", "counts"])
def test_draws_follow_the_distribution_of_each_step(name):
    s, many = subject(name), 4000
    drawn = tst.generate(s.model.params, s.config, jax.random.key(3), **told(s), num_parallel_samples=many).sequences
    drawn = np.asarray(drawn)
    assert drawn.shape == (2, many, *s.inputs["future_values"].shape[1:])
    # Each step, given what was drawn before it: standardised it has mean 0 and variance 1.
    rows = {k: np.repeat(v, many, 0) for k, v in told(s).items()}
    out = s.model(**rows, future_values=drawn.reshape(2 * many, *drawn.shape[2:]))
    undone = (None, None) if name == "counts" else (out.loc, out.scale)
    kind = s.config.distribution_output
    mean, variance = (np.asarray(f(kind, out.params, *undone)) for f in (distributions.mean, distributions.variance))
    z = (drawn.reshape(mean.shape) - mean) / np.sqrt(variance)
    z = z.reshape(2, many, -1)
    assert np.abs(z.mean(1)).max() < 5 / np.sqrt(many)
    assert 0.8 < np.square(z).mean((0, 1)).min() <= np.square(z).mean((0, 1)).max() < 1.25
    if name == "counts":
        np.testing.assert_array_equal(drawn, np.round(drawn))


def test_as_many_futures_as_the_config_says_by_list_and_by_stack():
    s = subject("forecast")
    draw = functools.partial(tst.generate, config=s.config, key=jax.random.key(0), **told(s))
    a, b = draw(s.model.params).sequences, draw(s.stacked.params).sequences
    assert a.shape == (2, 100, 5)
    assert relative_error(b, a) <= 1e-5
    assert relative_error(draw(s.model.params).sequences, a) == 0
    other = tst.generate(s.model.params, s.config, jax.random.key(1), **told(s)).sequences
    assert relative_error(other, a) > 1e-2


def test_one_program_for_all_values_of_a_shape():
    s = subject("forecast")
    sizes = set()
    for seed in range(3):
        tst.generate(s.model.params, s.config, jax.random.key(seed), **told(s), num_parallel_samples=2)
        sizes.add(tst.generate._cache_size())
    assert len(sizes) == 1


@pytest.mark.reference
@pytest.mark.parametrize("name", FORECASTS)
def test_forecasts_equal_the_reference(name, monkeypatch):
    """The reference's own loop, with the mean of each step's distribution for a draw."""
    import sys

    import torch
    from support.case import GOLDENS
    from transformers.time_series_utils import AffineTransformed

    monkeypatch.syspath_prepend(str(GOLDENS))
    record = sys.modules.get("record") or __import__("record")
    for kind in (AffineTransformed, torch.distributions.NegativeBinomial, torch.distributions.Independent):
        monkeypatch.setattr(kind, "sample", lambda self, shape=(): self.mean)
    s = subject(name)
    reference = record.build(s.model_type, s.case, s.head)
    reference.config.num_parallel_samples = 1
    theirs = reference.generate(**record._torch(told(s))).sequences.numpy()
    ours = tst.generate(s.model.params, s.config, None, **told(s)).sequences
    assert relative_error(ours, theirs) <= 1e-5


# ------------------------------------------------------------------------------------------------------ calls


@pytest.mark.parametrize("form", ["model", "stacked"])
def test_a_cache_changes_nothing_and_keeps_the_encoder(form):
    s = Subject("time_series_transformer", CASES["forecast"], "TimeSeriesTransformerModel")
    model = getattr(s, form)
    held = tst.cache(s.config, 2, 10, jnp.float32, form == "stacked")
    out = model(**s.inputs, past_key_values=held)
    for name in ("last_hidden_state", "encoder_last_hidden_state"):
        assert relative_error(out[name], s.outputs[name]) <= 1e-5
    again = model(**s.inputs, past_key_values=out.past_key_values)
    assert int(again.past_key_values["index"]) == 10
    assert "encoder_last_hidden_state" not in again


def test_loss_is_of_the_observed_steps():
    s = subject("forecast")
    seen, future = s.inputs["future_observed_mask"], s.inputs["future_values"]
    out = s.model(**s.inputs)
    log_prob = distributions.log_prob("student_t", out.params, future, out.loc, out.scale)
    assert np.isclose(float(out.loss), float(-(log_prob * seen).sum() / seen.sum()), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"past_values": np.ones((2, 9), np.float32)}, r"past_values must be \[2, 10\], or longer"),
        ({"past_time_features": np.ones((2, 9, 3), np.float32)}, r"past_time_features must be \[2, 10, 3\]"),
        ({"future_time_features": None}, r"future_time_features must be given, of shape \[2, 5, 3\]"),
        ({"static_categorical_features": None}, r"static_categorical_features must be given"),
        ({"static_real_features": np.ones((2, 2), np.float32)}, r"static_real_features must be \[2, 1\]"),
        ({"future_values": np.ones((2, 4), np.float32)}, r"future_values must be \[2, 5\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    s = subject("forecast")
    with pytest.raises(jf.InputError, match=message):
        s.model(**{**s.inputs, **change})


def test_a_lag_of_none_can_not_be_generated_from():
    s = Subject("time_series_transformer", CASES["lag_of_none"], "TimeSeriesTransformerForPrediction")
    with pytest.raises(jf.InputError, match="lags must be at least 1"):
        tst.generate(s.model.params, s.config, None, **told(s))


def test_axes_of_a_scaler_are_refused():
    for change in ({"scaling_dim": 2}, {"keepdim": False}):
        with pytest.raises(jf.ConfigError, match="scaling_dim and keepdim"):
            tst.Config.from_dict({"prediction_length": 4, **change})


# ------------------------------------------------------------------------------------------------------ distributions


PARAMS = {
    "student_t": (np.array([4.5, 9.0, 30.0]), np.array([0.3, -2.0, 5.0]), np.array([0.5, 1.0, 2.0])),
    "normal": (np.array([0.3, -2.0, 5.0]), np.array([0.5, 1.0, 2.0])),
    "negative_binomial": (np.array([0.7, 3.0, 20.0]), np.array([0.3, -1.0, 0.5])),
}


@pytest.mark.parametrize("kind", sorted(PARAMS))
@pytest.mark.parametrize("scaled", [False, True])
def test_draws_have_the_mean_the_variance_and_the_density(kind, scaled):
    params = tuple(jnp.asarray(x, jnp.float32) for x in PARAMS[kind])
    how = {"loc": jnp.asarray([1.0, -3.0, 0.5]), "scale": jnp.asarray([2.0, 0.5, 3.0])} if scaled else {}
    drawn = np.asarray(distributions.sample(kind, jax.random.key(0), params, **how, shape=(200_000,)))
    mean, variance = distributions.mean(kind, params, **how), distributions.variance(kind, params, **how)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.03 * np.sqrt(variance).max())
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.08)
    # The density sums to one, and to the mean.
    if kind == "negative_binomial":
        at, step = np.arange(3000.0), 1.0
    else:
        step = 0.02
        at = np.arange(-200, 200, step)
    p = np.exp(np.asarray(distributions.log_prob(kind, params, jnp.asarray(at)[:, None], **how), np.float64)) * step
    np.testing.assert_allclose(p.sum(0), 1, atol=2e-3)
    np.testing.assert_allclose((p * at[:, None]).sum(0), mean, atol=2e-2, rtol=2e-3)


def test_variates_of_one_event_are_independent():
    params = tuple(jnp.asarray(x, jnp.float32) for x in PARAMS["normal"])
    values = jnp.asarray([[0.0, 1.0, 2.0]])
    each = distributions.log_prob("normal", params, values)
    np.testing.assert_allclose(distributions.log_prob("normal", params, values, event=True), each.sum(-1), rtol=1e-6)


def test_parameters_lie_in_their_domains():
    for kind, one in distributions.DISTRIBUTIONS.items():
        raw = [jnp.linspace(-50, 50, 11, dtype=jnp.float32) for _ in one.names]
        made = dict(zip(one.names, one.domain(*raw), strict=True))
        assert (made.get("df", jnp.asarray(3.0)) >= 2).all(), kind
        assert (made.get("scale", jnp.asarray(1.0)) > 0).all(), kind
        assert (made.get("total_count", jnp.asarray(1.0)) > 0).all(), kind


# ------------------------------------------------------------------------------------------------------ scalers


def test_scalers_read_what_is_observed():
    x = jnp.asarray([[1.0, -3.0, 100.0], [0.0, 0.0, 0.0]])
    seen = jnp.asarray([[1, 1, 0], [0, 0, 0]])
    loc, scale = scaling.mean_scale(x, seen)
    np.testing.assert_allclose(loc, [[0], [0]])
    np.testing.assert_allclose(scale, [[2], [2]])  # the second is the batch's
    np.testing.assert_allclose(scaling.mean_scale(x, seen, default=7.0)[1], [[2], [7]])
    np.testing.assert_allclose(scaling.mean_scale(x, seen, minimum=3.0)[1], [[3], [3]])
    loc, scale = scaling.std_scale(x, seen, minimum=0.25)
    np.testing.assert_allclose(loc, [[-1], [0]])
    np.testing.assert_allclose(scale, [[4.25**0.5], [0.5]])
    loc, scale = scaling.no_scale(x)
    np.testing.assert_allclose((loc, scale), ([[0], [0]], [[1], [1]]))
