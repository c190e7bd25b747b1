"""Mixtures of experts: the ways of computing them agree, and no token is dropped."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.fill import relative_error

from jaxformers import spec
from jaxformers.nn import Linear, linear, moe

T, D, F, E = 13, 8, 6, 4


def expert(p, x, linear):
    return linear(p["down"], jnp.tanh(linear(p["up"], x)))


def experts(bias: bool):
    declared = moe.Experts(E, {"up": Linear(D, F, bias=bias), "down": Linear(F, D, "mlp embed", bias=bias)})
    return spec.init({"experts": declared}, jax.random.key(0), std=1.0)["experts"]


def token_by_token(p, x, weights, chosen):
    """The definition, in a loop."""
    y = np.zeros_like(x)
    for t, (ws, es) in enumerate(zip(weights, chosen, strict=True)):
        for w, e in zip(ws, es, strict=True):
            one = jax.tree.map(lambda a, e=e: a[e], dict(p))
            y[t] += w * np.asarray(expert(one, x[t], linear))
    return y


@pytest.mark.parametrize("way", [moe._one_by_one, moe._grouped])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("router", ["spread", "one_expert_for_all"])
def test_each_way_is_the_weighted_sum_over_chosen_experts(way, bias, router):
    rng = np.random.default_rng(0)
    x, logits = rng.standard_normal((T, D)).astype(np.float32), rng.standard_normal((T, E)).astype(np.float32)
    if router == "one_expert_for_all":
        logits[:, 2] += 50  # the others are left to a token each, or to none
    p = experts(bias)
    weights, chosen = moe.choose(jnp.asarray(logits), 2)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)
    y = jax.jit(lambda p, x: way(dict(p), x, weights, chosen, expert))(p, x)
    assert relative_error(y, token_by_token(p, x, np.asarray(weights), np.asarray(chosen))) <= 1e-5


def test_the_ways_have_the_same_gradients():
    rng = np.random.default_rng(1)
    x, logits = (jnp.asarray(rng.standard_normal((T, n)), jnp.float32) for n in (D, E))
    p = experts(True)

    def loss(p, x, logits, way):
        return jnp.square(way(dict(p), x, *moe.choose(logits, 2), expert)).sum()

    one, grouped = (
        jax.grad(lambda *a, w=w: loss(*a, w), (0, 1, 2))(p, x, logits) for w in (moe._one_by_one, moe._grouped)
    )
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(grouped), strict=True):
        assert np.linalg.norm(a) > 0
        assert relative_error(b, a) <= 1e-5


def test_experts_are_declared_stacked_under_the_names_of_each():
    declared = {"experts": moe.Experts(3, {"up": Linear(D, F, bias=False)})}
    assert list(spec.flatten(declared)) == [f"experts.{i}.up.weight" for i in range(3)]
    assert declared["experts"]["up"]["weight"].shape == (3, F, D)
    assert spec.count(declared) == 3 * D * F


def test_balance_loss_is_the_number_of_choices_where_experts_are_used_evenly_and_more_elsewhere():
    even = jnp.asarray(np.tile(np.eye(E), (3, 1)) * 1e-3)
    assert float(moe.balance_loss((even,), 1)) == pytest.approx(1.0, abs=1e-3)
    uneven = jnp.zeros((12, E)).at[:, 1].set(9.0)
    assert float(moe.balance_loss((uneven,), 1)) > 3.9
    mask = jnp.asarray([[1] * 6, [0] * 6])
    half = jnp.concatenate([uneven[:6], -uneven[6:]])
    assert float(moe.balance_loss((half, half), 1, mask)) == pytest.approx(float(moe.balance_loss((uneven,), 1)))
