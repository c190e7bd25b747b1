"""`nn.attend`: every kernel computes the same, and long texts take memory that grows with their length."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.fill import relative_error

import jaxformers as jf
from jaxformers import nn
from jaxformers.nn.chunked import chunked


def arrays(length, width, heads=4, keys=2, rows=2, values=12):
    rng = np.random.default_rng(0)
    shapes = (rows, length, heads, 16), (rows, width, keys, 16), (rows, width, keys, values)
    return [jnp.asarray(rng.standard_normal(s), jnp.float32) for s in shapes]


def padding(width):
    mask = np.ones((2, width), np.int32)
    mask[1, :3] = 0
    mask[0, -2:] = 0
    return jnp.asarray(mask)


def bias(*shape):
    return jnp.asarray(np.random.default_rng(1).standard_normal(shape), jnp.float32)


# Lengths that are no multiple of the chunk, one that is, and one below it.
CASES = {
    "all": (37, 45, {}),
    "padding": (37, 45, {"mask": nn.mask.padding(padding(45))}),
    "causal": (37, 37, {"mask": nn.mask.causal(37, 37)}),
    "window": (40, 40, {"mask": nn.mask.decoder(padding(40), 40, None, 6)}),
    "rows": (
        37,
        45,
        {"mask": jnp.asarray(np.random.default_rng(2).random((2, 1, 37, 45)) > 0.3), "bias": bias(4, 37, 1)},
    ),
    "bias": (37, 37, {"bias": bias(2, 4, 37, 37), "cap": 3.0, "mask": nn.mask.decoder(padding(37), 37)}),
    "one row of bias": (37, 45, {"bias": bias(1, 4, 1, 45), "scale": 0.5}),
    "sinks": (37, 37, {"mask": nn.mask.decoder(padding(37), 37, None, 9), "sinks": bias(4)}),
    "both sides": (40, 40, {"mask": nn.mask.window(padding(40), 40, 5)}),
    "short": (5, 6, {"mask": nn.mask.padding(padding(6))}),
    "grown": (8, 40, {"mask": nn.mask.causal(8, 40, 20)}),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks_equal_the_whole(name):
    length, width, how = CASES[name]
    q, k, v = arrays(length, width)
    scale = how.get("scale", 0.25)
    how = {n: x for n, x in how.items() if n != "scale"}
    seen = np.broadcast_to(True if (mask := nn.mask.array(how.get("mask"))) is None else mask, (2, 1, length, width))
    real = jnp.asarray(seen.any(-1)[:, 0])[..., None, None]  # what a row that sees nothing gives is nobody's business

    def blocks(q, k, v):
        return jnp.where(real, chunked(q, k, v, scale=scale, chunk=8, **how), 0)

    def whole(q, k, v):
        with jf.running(attention="eager"):
            return jnp.where(real, nn.attend(q, k, v, scale=scale, **how)[0], 0)

    assert np.isfinite(chunked(q, k, v, scale=scale, chunk=8, **how)).all()
    assert relative_error(jax.jit(blocks)(q, k, v), whole(q, k, v)) <= 1e-6
    a, b = (jax.jit(jax.grad(lambda *x, f=f: jnp.square(f(*x)).sum(), (0, 1, 2)))(q, k, v) for f in (blocks, whole))
    for x, y in zip(a, b, strict=True):
        assert relative_error(x, y) <= 2e-6


def test_dropout_of_blocks_keeps_the_mean():
    q, k, v = arrays(16, 16)
    plain = chunked(q, k, v, scale=0.25, chunk=8)
    keys = jax.random.split(jax.random.key(0), 2000)
    drawn = jax.lax.map(lambda key: chunked(q, k, v, scale=0.25, rate=0.4, key=key, chunk=8), keys, batch_size=100)
    assert np.abs(drawn[0] - plain).max() > 0.1
    assert relative_error(drawn.mean(0), plain) < 0.05


def test_a_causal_rule_is_an_array_where_one_is_wanted():
    rule = nn.mask.causal(3, 5, 2, window=2)
    expected = [[[[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]]]
    np.testing.assert_array_equal(jnp.where(rule, 1, 0), expected)
    both = rule & jnp.asarray([True, True, True, False, True])
    np.testing.assert_array_equal(both.array(), np.asarray(expected, bool) & [True, True, True, False, True])
    np.testing.assert_array_equal(nn.mask.both(rule, None).array(), np.asarray(expected, bool))


SPLASH = {
    "all": None,
    "padding": nn.mask.padding(padding(128)),
    "causal": nn.mask.causal(128, 128),
    "both": nn.mask.decoder(padding(128), 128),
    "window": nn.mask.decoder(padding(128), 128, None, 40),
    "both sides": nn.mask.window(padding(128), 128, 20),
}


@pytest.mark.parametrize("name", SPLASH)
def test_splash_equals_the_whole(name):
    q, k, v = arrays(128, 128, values=16)
    real = padding(128)[..., None, None] == 1

    def attend(kernel, q, k, v):
        with jf.running(attention=kernel):
            return jnp.where(real, nn.attend(q, k, v, mask=SPLASH[name])[0], 0)

    assert "splash" in str(jax.make_jaxpr(functools.partial(attend, "splash"))(q, k, v))
    got, expected = (functools.partial(attend, kernel) for kernel in ("splash", "eager"))
    assert relative_error(jax.jit(got)(q, k, v), expected(q, k, v)) <= 1e-6
    if name == "both":
        a, b = (
            jax.jit(jax.grad(lambda *x, f=f: jnp.square(f(*x)).sum(), (0, 1, 2)))(q, k, v) for f in (got, expected)
        )
        for x, y in zip(a, b, strict=True):
            assert relative_error(x, y) <= 2e-6


@pytest.mark.parametrize(
    "how", [{"bias": bias(1, 4, 128, 128)}, {"rate": 0.1, "key": jax.random.key(0)}, {"weights": True}, {"width": 256}]
)
def test_what_splash_can_not_compute_goes_elsewhere(how):
    q, k, v = arrays(128, how.get("width", 128), values=16)
    how = {n: x for n, x in how.items() if n != "width"}

    def attend(q, k, v):
        with jf.running(attention="splash"):
            return nn.attend(q, k, v, **how)[0]

    assert "splash" not in str(jax.make_jaxpr(attend)(q, k, v))
    assert np.isfinite(attend(q, k, v)).all()


LENGTHS = (4096, 8192, 16384)


def grows_linearly(sizes):
    return all(b <= 2.2 * a for a, b in itertools.pairwise(sizes))


@pytest.mark.parametrize("backwards", [False, True])
def test_memory_grows_with_the_length(backwards):
    def attend(q, k, v, mask):
        out, _ = nn.attend(q, k, v, mask=nn.mask.decoder(mask, q.shape[1]))
        return jnp.square(out).sum()

    f = jax.jit(jax.grad(attend, (0, 1, 2)) if backwards else attend)
    sizes = [_temporary(f, *_shapes(n)) for n in LENGTHS]
    assert grows_linearly(sizes), sizes
    assert sizes[-1] < 4 * 4 * LENGTHS[-1] ** 2 / 8, "an eighth of the scores"


def _shapes(length):
    q = jax.ShapeDtypeStruct((1, length, 4, 16), jnp.float32)
    return q, q, q, jax.ShapeDtypeStruct((1, length), jnp.int32)


def _temporary(f, *shapes):
    return f.lower(*shapes).compile().memory_analysis().temp_size_in_bytes


TINY = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
MODELS = {
    "llama": ("ForCausalLM", TINY),
    "mistral": ("ForCausalLM", {**TINY, "num_key_value_heads": 1, "sliding_window": 128}),
    "bert": ("Model", {**TINY, "max_position_embeddings": LENGTHS[-1]}),
}


@pytest.mark.parametrize("model_type", MODELS)
def test_memory_of_a_model_grows_with_the_length(model_type):
    head, values = MODELS[model_type]
    model = jf.init(jf.AutoConfig.for_model(model_type, **values), head=head, key=jax.random.key(0))

    def last(params, ids, mask):
        out = model.head.apply(params, model.config, input_ids=ids, attention_mask=mask)
        return out[next(n for n in ("logits", "last_hidden_state") if n in out)][:, -1]

    sizes = [_temporary(jax.jit(last), model.params, *(jax.ShapeDtypeStruct((1, n), jnp.int32),) * 2) for n in LENGTHS]
    assert grows_linearly(sizes), sizes
    assert sizes[-1] < 4 * 2 * LENGTHS[-1] ** 2 / 8


def test_long_texts_give_what_short_blocks_do():
    """1100 tokens take the blocks by themselves; `eager` keeps the scores whole."""
    model = jf.init(jf.AutoConfig.for_model("llama", **TINY), head="ForCausalLM", key=jax.random.key(0))
    rng = np.random.default_rng(0)
    ids, mask = rng.integers(0, 64, (2, 1100), dtype=np.int32), np.ones((2, 1100), np.int32)
    mask[1, :7] = 0
    with jf.running(attention="eager"):
        expected = model(input_ids=ids, attention_mask=mask).logits
    traced = functools.partial(model.apply, model.params, input_ids=ids, attention_mask=mask)
    assert "1100,1100" not in str(jax.make_jaxpr(traced)())
    got = np.asarray(model(input_ids=ids, attention_mask=mask).logits)
    assert relative_error(got[mask == 1], np.asarray(expected)[mask == 1]) <= 1e-5
