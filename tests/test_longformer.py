"""Longformer's attention in blocks: the same numbers, no block that nobody looks at, no memory of S x S."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import load_cases

import jaxformers as jf
from jaxformers.nn import sparse, splash
from jaxformers.nn.attention import attend
from jaxformers.nn.chunked import chunked


def _made(length: int, rng, spread=(0, 9)):
    q, k, v = (jnp.asarray(rng.standard_normal((2, length, 2, 8)), jnp.float32) for _ in range(3))
    real = jnp.ones((2, length), bool).at[1, length - 5 :].set(False)
    wide = jnp.zeros((2, length), bool).at[0, jnp.array(spread)].set(True)
    return q, k, v, sparse.pattern(real, wide, 2, length)


@pytest.mark.parametrize("rule", ["window", "whole"])
def test_blocks_give_the_same_values_and_gradients(rule):
    q, k, v, seen = _made(50, np.random.default_rng(0))
    mask = seen.window(3) if rule == "window" else seen.whole()
    asked = seen.real if rule == "window" else jnp.take_along_axis(seen.spread, seen.order, 1)

    def kept(run, q, k, v):
        h = run(q, k, v)
        return jnp.where(asked[:, :, None, None], h, 0)

    def loss(run, *x):
        return jnp.square(kept(run, *x)).sum()

    blocks = functools.partial(chunked, mask=mask, scale=8**-0.5, chunk=8)
    whole = lambda *x: attend(*x, mask=mask, weights=True)[0]  # noqa: E731
    np.testing.assert_allclose(kept(blocks, q, k, v), kept(whole, q, k, v), atol=1e-6)
    for ours, theirs in zip(
        *(jax.grad(functools.partial(loss, f), (0, 1, 2))(q, k, v) for f in (blocks, whole)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_blocks_without_global_tokens_are_left_out():
    """What no query sees may even be NaN: it is never read."""
    q, k, v, seen = _made(64, np.random.default_rng(1))
    bad = k.at[:, 40:48].set(jnp.nan)  # keys of block 5 alone, which windows of 3 do not see from blocks 0 to 3
    mask = seen.window(3)
    h, clean = (chunked(q, x, v, mask=mask, chunk=8) for x in (bad, k))
    np.testing.assert_array_equal(h[:, :32], clean[:, :32])
    assert np.isnan(h[:, 40:48]).all()
    whole = chunked(q, k, v, mask=seen.whole(), chunk=8)
    assert not np.isnan(whole).any()
    assert (whole[:, 8:] == 0).all()  # two global tokens: the first block of queries, in order, is all there is


def test_memory_grows_with_the_length():
    def used(length):
        x = jax.ShapeDtypeStruct((1, length, 2, 8), jnp.float32)
        wide = jax.ShapeDtypeStruct((1, length), jnp.bool_)

        def run(q, k, v, wide):
            seen = sparse.pattern(None, wide, 1, length)
            h, _ = sparse.windowed(seen, q, k, v, 64)
            return sparse.spread_out(seen, q, k, v, h)[0]

        return jax.jit(run).lower(x, x, x, wide).compile().memory_analysis().temp_size_in_bytes

    small, large = used(4096), used(16384)
    assert large < 5 * small, (small, large)


@pytest.mark.parametrize("stacked", [False, True])
def test_layers_of_several_windows_run_in_blocks(stacked):
    case = next(c for c in load_cases("longformer").CASES if c.name == "global")
    model = jf.init(jf.AutoConfig.for_model("longformer", **case.config), key=jax.random.key(0))
    model = model.replace(params=jf.stack(model.params)) if stacked else model
    inputs = case.make_inputs("LongformerModel")
    with jf.running(attention="eager"):
        whole = model(**inputs).last_hidden_state
    with jf.running(attention="chunked"):
        np.testing.assert_allclose(model(**inputs).last_hidden_state, whole, atol=1e-5)
    alone = model(**{**inputs, "global_attention_mask": 0 * inputs["global_attention_mask"]}).last_hidden_state
    assert np.abs(alone - whole).max() > 1e-3


def test_splash_leaves_global_tokens_to_other_kernels():
    q, k, _, seen = _made(128, np.random.default_rng(2))
    assert splash.fits(q, k, sparse.pattern(None, None, 2, 128).window(3), None)
    assert not splash.fits(q, k, seen.window(3), None)
