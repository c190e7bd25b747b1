"""Attention over a mesh: each device computes its own rows, heads and positions, and all together what one would."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from support.fill import relative_error

import jaxformers as jf
from jaxformers import nn
from jaxformers.nn import ring, zigzag


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


def bias(*shape):
    return jnp.asarray(np.random.default_rng(1).standard_normal(shape), jnp.float32)


LONG = padding(48)
CASES = {
    "all": {},
    "padding": {"mask": nn.mask.padding(LONG)},
    "causal": {"mask": nn.mask.causal(48, 48)},
    "both": {"mask": nn.mask.decoder(LONG, 48)},
    "window": {"mask": nn.mask.decoder(LONG, 48, None, 7)},
    "both sides": {"mask": nn.mask.window(LONG, 48, 5)},
    "also": {"mask": nn.mask.Band(jnp.arange(48), jnp.arange(48), None, 4, 0, (jnp.arange(48) < 2)[None, None, None])},
    "cap": {"mask": nn.mask.causal(48, 48), "cap": 0.7, "scale": 0.9},
    "sinks": {"mask": nn.mask.decoder(LONG, 48, None, 9), "more": {"sinks": bias(4)}},
    "cross": {"width": 36, "mask": nn.mask.padding(padding(36))},
    "cross, whole": {"width": 35, "mask": nn.mask.padding(padding(35))},
    "later": {"width": 96, "mask": nn.mask.causal(48, 96, 40)},
    "rows": {"mask": jnp.asarray(np.random.default_rng(2).random((4, 1, 48, 48)) > 0.3)},
    "bias": {"mask": nn.mask.decoder(LONG, 48), "more": {"bias": bias(1, 4, 48, 48)}},
    "bias of keys": {"more": {"bias": bias(4, 1, 48)}},
    "weights": {"mask": nn.mask.decoder(LONG, 48), "weights": True},
}
# What can go round.
ROUND = {"all", "padding", "causal", "both", "window", "both sides", "also", "cap", "sinks", "cross", "later"}
ALL_THREE = {"data": 2, "context": 2, "tensor": 2}


def over(name, form, axes, kernel="auto"):
    """A case over a mesh by this form and kernel."""
    case = dict(CASES[name])
    q, k, v = arrays(48, case.pop("width", 48), values=12)
    mask = nn.mask.array(case.get("mask"))
    real = True if mask is None else mask.any(-1)[:, 0, :, None, None]  # what the others give is nobody's business
    how = {"context": form, "mesh": mesh(**axes), "rules": "data+tensor+context", "attention": kernel}
    return compare(how, q, k, v, real=real, **case)


@pytest.mark.parametrize("name", CASES)
def test_keys_are_gathered(name):
    text = over(name, "gather", {"context": 4})
    assert ("all-gather" in text) == (name != "cross, whole")  # 35 keys lie whole already
    over(name, "gather", ALL_THREE, "chunked")


@pytest.mark.parametrize("name", CASES)
def test_keys_go_round(name):
    text = over(name, "ring", ALL_THREE)
    assert ("collective-permute" in text) == (name in ROUND)


@pytest.mark.parametrize("form", ["gather", "ring"])
@pytest.mark.parametrize("axes", [{"context": 3}, {"context": 2, "tensor": 4}])
def test_three_devices_and_shared_heads(form, axes):
    over("sinks", form, axes)
    over("both", form, axes, "xla")


@pytest.mark.parametrize("window", [None, 40])
def test_devices_of_a_ring_compute_as_many_blocks(window, monkeypatch):
    """Counted while it runs, forwards and backwards; what a causal mask leaves empty is not computed."""
    monkeypatch.setattr(ring, "CHUNK", 8)
    computed = collections.Counter()
    asked = nn.mask.Band.any_seen

    def counting(band):
        seen = asked(band)
        jax.debug.callback(lambda at, seen: computed.update({int(at): int(seen)}), jax.lax.axis_index("context"), seen)
        return seen

    monkeypatch.setattr(nn.mask.Band, "any_seen", counting)
    q, k, v = arrays(192, rows=1)

    def loss(q, k, v):
        return jnp.square(nn.attend(q, k, v, mask=nn.mask.causal(192, 192, window=window))[0]).sum()

    with jf.running(context="ring", mesh=mesh(context=4), rules="context"):
        jax.block_until_ready(jax.jit(jax.grad(loss, (0, 1, 2)))(q, k, v))
    jax.effects_barrier()
    blocks = 192 // 8
    if window is None:
        each_way = blocks * (blocks + 1) // 2  # over four devices
        assert dict(computed) == dict.fromkeys(range(4), 2 * each_way // 4)
    else:  # the first texts' windows are cut short
        assert max(computed.values()) - min(computed.values()) <= blocks
        assert sum(computed.values()) < blocks * (blocks + 1) // 2


def test_a_ring_keeps_no_keys_of_others():
    """What the gradient of a long text works with is less than all of its keys and values."""
    length = 65536
    q = jax.ShapeDtypeStruct((1, length, 2, 16), jnp.float32)
    devices = mesh(context=8)
    share = jax.sharding.NamedSharding(devices, jax.sharding.PartitionSpec(None, "context"))

    def loss(q, k, v):
        return jnp.square(nn.attend(q, k, v, mask=nn.mask.causal(length, length))[0]).sum()

    sizes = {}
    for form in ("ring", "gather"):
        with jf.running(context=form, mesh=devices, rules="context"):
            step = jax.jit(jax.grad(loss, (0, 1, 2)), in_shardings=share, out_shardings=share)
            sizes[form] = step.lower(q, q, q).compile().memory_analysis().temp_size_in_bytes
    assert sizes["ring"] < 2 * q.size * 4 < sizes["gather"], sizes


def test_calls_that_no_form_splits_are_left_to_xla():
    """Dropout draws what one device would; steps of decoding, and lengths that do not divide, lie whole."""
    how = {"mesh": mesh(data=2, context=4), "rules": "data+context", "context": "ring"}

    def traced(q, k, v, **call):
        return str(jax.make_jaxpr(lambda q, k, v: nn.attend(q, k, v, **call)[0])(q, k, v))

    q, k, v = arrays(48)
    drawn = {"rate": 0.3, "key": jax.random.key(0), "mask": nn.mask.causal(48, 48)}
    with jf.running(**how):
        assert "shard_map" in traced(q, k, v)
        assert "shard_map" not in traced(q, k, v, **drawn)
        assert "shard_map" not in traced(q[:, :1], k, v, mask=nn.mask.causal(1, 48, 20))
        assert "shard_map" not in traced(q[:, :47], k[:, :47], v[:, :47])
    compare(how, q, k, v, **drawn)
    compare(how, q[:, :47], k[:, :47], v[:, :47])


def moved(jaxpr) -> int:
    """Bytes that a device sends in a traced program, loops counted as often as they run."""
    total = 0
    for e in jaxpr.eqns:
        inside = [getattr(v, "jaxpr", v) for v in e.params.values() if hasattr(getattr(v, "jaxpr", v), "eqns")]
        total += e.params.get("length", 1) * sum(moved(j) for j in inside)
        sizes = sum(v.aval.size * v.aval.dtype.itemsize for v in e.invars)
        ways = e.params.get("axis_size", 1)
        share = {"ppermute": 1, "all_gather": ways - 1, "reduce_scatter": (ways - 1) / ways}
        total += int(sizes * share.get(e.primitive.name, 0))
    return total


@pytest.mark.parametrize("form", ["gather", "ring"])
@pytest.mark.parametrize("kernel", ["eager", "chunked"])
def test_bytes_moved_are_what_the_documentation_says(form, kernel):
    ways, (q, k, v) = 4, arrays(64, rows=2)
    keys, queries = 2 * k.size // ways * 4, q.size // ways * 4  # a device's own share, of both keys and values
    mask = nn.mask.causal(64, 64)

    def loss(q, k, v):
        return jnp.square(nn.attend(q, k, v, mask=mask)[0]).sum()

    with jf.running(context=form, attention=kernel, mesh=mesh(context=ways), rules="context"):
        forwards = moved(jax.make_jaxpr(loss)(q, k, v).jaxpr)
        both = moved(jax.make_jaxpr(jax.grad(loss, (0, 1, 2)))(q, k, v).jaxpr)
    if form == "ring":  # dealt and taken back: keys and values, queries and what they read
        assert forwards == (ways - 1) * keys + keys + 2 * queries
        assert both - forwards == (ways - 1) * 2 * keys + keys + keys + 2 * queries
    else:
        dealt, positions = (2 * queries, 64 // ways * 4) if kernel == "chunked" else (0, 0)
        assert forwards == (ways - 1) * keys + dealt + positions
        assert both - forwards == (ways - 1) * keys + dealt


def test_writing_with_positions_split():
    """A prompt's positions are split, those of the tokens that follow are not."""
    values = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
    model = jf.init(jf.AutoConfig.for_model("llama", **values), "LlamaForCausalLM", key=jax.random.key(0))
    prompts = np.random.default_rng(0).integers(3, 64, (4, 16), dtype=np.int32)
    expected = model.generate(prompts, max_new_tokens=6)
    devices = mesh(data=2, context=4)
    with jf.running(mesh=devices, rules="context"):
        np.testing.assert_array_equal(model.generate(prompts, max_new_tokens=6), expected)


@pytest.mark.parametrize("form", ["gather", "ring"])
def test_half_precision(form):
    """Sums over devices are float32, and rounding no more than one device's."""
    q, k, v = arrays(64)
    mask = nn.mask.decoder(padding(64), 64)

    def step(q, k, v):
        return jax.value_and_grad(
            lambda *x: jnp.square(nn.attend(*x, mask=mask)[0].astype(jnp.float32)).sum(), (0, 1, 2)
        )(q, k, v)

    half = [x.astype(jnp.bfloat16) for x in (q, k, v)]
    expected, alone = jax.tree.leaves(step(q, k, v)), jax.tree.leaves(step(*half))
    with jf.running(context=form, mesh=mesh(context=4), rules="context"):
        got = jax.tree.leaves(jax.jit(lambda *x: step(*x))(*half))
    for a, b, c in zip(got, alone, expected, strict=True):
        assert a.dtype == b.dtype
        assert relative_error(a.astype(jnp.float32), c) <= max(1.5 * relative_error(b.astype(jnp.float32), c), 2e-3)
