"""State space blocks: the two ways to scan are one, in any number of pieces; windows; caches; initialisers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.fill import relative_error

from jaxformers import nn, spec
from jaxformers.nn import ssm

B, D, N = 2, 6, 4


def inputs(length):
    rng = np.random.default_rng(length)
    x, b, c = (rng.standard_normal((B, length, n)).astype(np.float32) for n in (D, N, N))
    step = rng.uniform(0.01, 1.0, (B, length, D)).astype(np.float32)
    decay = -rng.uniform(0.1, 4.0, (D, N)).astype(np.float32)
    return x, step, decay, b, c, rng.standard_normal((B, D, N)).astype(np.float32)


def by_hand(x, step, decay, b, c, h):
    """The recurrence in float64, one step after another."""
    x, step, decay, b, c, h = (np.asarray(a, np.float64) for a in (x, step, decay, b, c, h))
    ys = []
    for t in range(x.shape[1]):
        h = np.exp(step[:, t, :, None] * decay) * h + (step * x)[:, t, :, None] * b[:, t, None]
        ys.append((h * c[:, t, None]).sum(-1))
    return np.stack(ys, 1), h


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 150])
def test_the_scan_is_the_recurrence(length, parallel):
    *args, state = inputs(length)
    for start in (state, None):
        y, last = jax.jit(ssm.selective_scan, static_argnames="parallel")(*args, start, parallel=parallel)
        expected, end = by_hand(*args, np.zeros_like(state) if start is None else start)
        assert relative_error(y, expected) <= 1e-6
        assert relative_error(last, end) <= 1e-6


def test_both_scans_have_one_gradient():
    args = inputs(70)

    def loss(args, parallel):
        y, last = ssm.selective_scan(*args, parallel=parallel)
        return (y**2).mean() + (last**2).mean()

    grads = [jax.jit(jax.grad(loss), static_argnums=1)(args, parallel) for parallel in (False, True)]
    for one, other in zip(*grads, strict=True):
        assert float(jnp.abs(one).max()) > 0
        assert relative_error(one, other) <= 1e-5


@pytest.mark.parametrize("pieces", [(70, 80), (64, 1, 1, 84), (149, 1)])
def test_the_scan_goes_on_from_its_state(pieces):
    x, step, decay, b, c, state = inputs(150)
    whole, end = ssm.selective_scan(x, step, decay, b, c, state)
    ys, at = [], 0
    for n in pieces:
        part = slice(at, at + n)
        y, state = ssm.selective_scan(x[:, part], step[:, part], decay, b[:, part], c[:, part], state)
        ys.append(y)
        at += n
    assert relative_error(np.concatenate(ys, 1), whole) <= 1e-6
    assert relative_error(state, end) <= 1e-6


def test_the_scan_is_float32_whatever_it_is_given():
    *args, state = (jnp.asarray(a, jnp.bfloat16) for a in inputs(5))
    y, last = ssm.selective_scan(*args, state)
    assert y.dtype == last.dtype == jnp.float32


@pytest.mark.parametrize("kernel", [1, 2, 4, 12])
@pytest.mark.parametrize("pieces", [(9,), (4, 1, 1, 3), (1,) * 9])
def test_the_convolution_sees_what_came_before(kernel, pieces):
    rng = np.random.default_rng(kernel)
    p = {"weight": rng.standard_normal((D, 1, kernel)).astype(np.float32), "bias": np.ones(D, np.float32)}
    x = rng.standard_normal((B, 9, D)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (kernel - 1, 0), (0, 0)))
    expected = np.stack([(padded[:, t : t + kernel] * p["weight"][:, 0].T).sum(1) + 1 for t in range(9)], 1)
    ys, at, window = [], 0, None
    for n in pieces:
        y, window = ssm.causal_conv(p, x[:, at : at + n], window)
        ys.append(y)
        at += n
    assert relative_error(np.concatenate(ys, 1), expected) <= 1e-6
    newest = np.pad(x, ((0, 0), (kernel, 0), (0, 0)))[:, -kernel:]
    np.testing.assert_array_equal(window, newest.swapaxes(1, 2))


@pytest.mark.parametrize("stacked", [False, True])
def test_a_cache_of_states(stacked):
    cache = ssm.StateCache(3, B, 7, (D, 4), (D, N), jnp.bfloat16, stacked)
    parts = [cache["layers"]] if stacked else cache["layers"]
    front = (3, B) if stacked else (B,)
    assert isinstance(cache["layers"], spec.Stack if stacked else spec.Layers)
    for part in parts:
        assert (part["conv"].shape, part["conv"].dtype) == ((*front, D, 4), jnp.bfloat16)
        assert (part["ssm"].shape, part["ssm"].dtype) == ((*front, D, N), jnp.float32)
    chosen = nn.cache.select(cache, np.array([1, 0, 1]))
    assert chosen["mask"].shape == (3, 7)
    assert jax.tree.leaves(chosen["layers"])[0].shape[int(stacked)] == 3


def test_states_are_not_quantised():
    cache = ssm.StateCache(1, B, 7, (D, 4), (D, N), jnp.int8)
    assert {x.dtype for x in jax.tree.leaves(cache["layers"])} == {jnp.dtype(jnp.float32)}


def test_initialisers():
    key = jax.random.key(0)
    np.testing.assert_allclose(np.exp(ssm.decay_log(key, (2, 5), jnp.float32)), [[1, 2, 3, 4, 5]] * 2, rtol=1e-6)
    steps = np.asarray(jax.nn.softplus(ssm.step_bias(0.001, 0.1, 0.004)(key, (4000,), jnp.float32)))
    assert steps.min() == pytest.approx(0.004, rel=1e-3)
    assert steps.max() == pytest.approx(0.1, rel=2e-2)
    assert np.median(steps) == pytest.approx(0.01, rel=0.1)
    assert (ssm.constant(0.5)(key, (3,), jnp.float32) == 0.5).all()
