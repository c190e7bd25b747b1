"""Attention over a mesh: each device computes its own rows, heads and positions, and all together what one would."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from support.fill import relative_error

import jaxformers as jf
from jaxformers import nn
from jaxformers.nn import zigzag


def mesh(**axes) -> Mesh:
    n = int(np.prod(list(axes.values())))
    return Mesh(np.asarray(jax.devices()[:n]).reshape(tuple(axes.values())), tuple(axes))


def arrays(length, width=None, heads=4, keys=2, rows=4, values=16):
    rng = np.random.default_rng(0)
    width = length if width is None else width
    shapes = (rows, length, heads, 16), (rows, width, keys, 16), (rows, width, keys, values)
    return [jnp.asarray(rng.standard_normal(s), jnp.float32) for s in shapes]


def padding(width, rows=4):
    mask = np.ones((rows, width), np.int32)
    mask[1, -3:] = 0
    mask[2, -(width // 3) :] = 0
    return jnp.asarray(mask)


def compare(running, q, k, v, more=(), weights=False, real=True, **how):
    """Values and gradients of `attend` under `running`, compiled, against one device's. Returns the compiled text.

    real: bool, broadcastable to [B, S, N, H]; queries of padding give what they like.
    """

    def attend(q, k, v, more):
        y, probs = nn.attend(q, k, v, **how, **more, weights=weights)
        y = jnp.where(real, y, 0)
        return jnp.square(y).sum() + jnp.sin(y).sum() + (0 if probs is None else jnp.square(probs).sum()), (y, probs)

    step = jax.value_and_grad(attend, (0, 1, 2, 3), has_aux=True)
    more = dict(more)
    with jf.running(attention="eager"):
        (_, expected), before = jax.jit(step)(q, k, v, more)
    with jf.running(**running):
        compiled = jax.jit(lambda *x: step(*x)).lower(q, k, v, more).compile()
        (_, got), after = compiled(q, k, v, more)
    for a, b in zip(jax.tree.leaves((got, after)), jax.tree.leaves((expected, before)), strict=True):
        assert relative_error(a, b) <= 1e-5
    return compiled.as_text()


@pytest.mark.parametrize("length", [24, 48])
@pytest.mark.parametrize("ways", [2, 3, 4])
def test_positions_are_dealt_early_and_late(length, ways):
    x = jnp.arange(length)
    over = jax.sharding.PartitionSpec("context")
    run = functools.partial(jax.shard_map, mesh=mesh(context=ways), in_specs=over, out_specs=over)
    dealt = jax.jit(run(lambda x: zigzag.deal(x, "context", 0)))(x)
    np.testing.assert_array_equal(dealt, zigzag.order(length, ways))
    np.testing.assert_array_equal(jax.jit(run(lambda x: zigzag.back(x, "context", 0)))(dealt), x)
    assert len({int(part.sum()) for part in dealt.reshape(ways, -1)}) == 1


SPLASH = {
    "all": None,
    "padding": nn.mask.padding(padding(512)),
    "causal": nn.mask.causal(512, 512),
    "both": nn.mask.decoder(padding(512), 512),
    "window": nn.mask.decoder(padding(512), 512, None, 140),
}


@pytest.mark.parametrize("name", SPLASH)
@pytest.mark.parametrize("axes", [{"data": 2, "tensor": 4}, {"data": 2, "context": 2, "tensor": 2}])
def test_splash_over_devices(name, axes):
    """With four ways of heads, two heads of keys are shared."""
    q, k, v = arrays(512)
    how = {"attention": "splash", "mesh": mesh(**axes), "rules": "data+tensor+context"}
    with jf.running(**how):
        assert "pallas_call" in str(jax.make_jaxpr(lambda q, k, v: nn.attend(q, k, v, mask=SPLASH[name])[0])(q, k, v))
    real = True if name in ("all", "causal") else padding(512)[..., None, None] == 1
    compare(how, q, k, v, mask=SPLASH[name], real=real)
