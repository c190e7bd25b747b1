"""Pipelines: stages that hold some of the layers compute what one device computes, in the ticks that were promised."""

from __future__ import annotations

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from support.fill import fill, leaves, relative_error

import jaxformers as jf
from jaxformers import nn, sharding, spec
from jaxformers.nn import closures
from jaxformers.nn.constrain import positions_whole
from jaxformers.nn.schedules import Schedule
from jaxformers.spec import Layers, Stack

SCHEDULES = [(p, m, v) for p in (2, 4) for v in (1, 2, 3, 4) for m in (1, 3, 4, 8) if v == 1 or m % p == 0]


def mesh(**axes) -> Mesh:
    n = int(np.prod(list(axes.values())))
    return Mesh(np.asarray(jax.devices()[:n]).reshape(tuple(axes.values())), tuple(axes))


def pipeline(microbatches: int, chunks: int = 1, **more):
    schedule = "gpipe" if chunks == 1 else "interleaved"
    return {"microbatches": microbatches, "schedule": schedule, "chunks": chunks, **more}


# ------------------------------------------------------------------------------------------------------ schedules


@pytest.mark.parametrize(("stages", "microbatches", "chunks"), SCHEDULES)
def test_each_chunk_is_computed_right_after_the_one_before_it(stages, microbatches, chunks):
    plan = Schedule(stages, microbatches, chunks)
    done, idle = {}, 0
    for tick in range(plan.ticks):
        for stage in range(stages):
            if not 0 <= tick - stage < plan.turns:
                idle += 1
                continue
            which, chunk = (int(x) for x in plan.work(tick - stage))
            done[which, chunk * stages + stage] = tick
    assert set(done) == {(m, k) for m in range(microbatches) for k in range(chunks * stages)}
    for (m, k), tick in done.items():
        assert k == 0 or done[m, k - 1] == tick - 1
    assert plan.bubble == pytest.approx(idle / (plan.ticks * stages))
    assert plan.bubble == pytest.approx((stages - 1) / (microbatches * chunks + stages - 1))


@pytest.mark.parametrize(("stages", "chunks"), [(2, 2), (4, 2), (2, 4), (4, 3), (6, 4), (3, 3), (8, 6)])
def test_chunks_are_dealt_in_exchanges_of_one_each(stages, chunks):
    held = {s: {} for s in range(stages)}
    for deal in Schedule(stages, stages, chunks).deals():
        assert sorted(a for a, _ in deal.ways) == sorted(b for _, b in deal.ways) == list(range(stages))
        for a, b in deal.ways:
            held[b][int(deal.put[b])] = a * chunks + int(deal.take[a])
    assert held == {s: {r: r * stages + s for r in range(chunks)} for s in range(stages)}


# ------------------------------------------------------------------------------------------------------ layers

L, B, T, D = 12, 8, 3, 4


def layers(dtype=jnp.float32) -> Stack:
    rng = np.random.default_rng(0)
    made = {"w": rng.standard_normal((L, D, D)) / 2, "b": rng.standard_normal((L, D))}
    return Stack({k: jnp.asarray(x, dtype) for k, x in made.items()})


def inputs() -> dict:
    """What layers read; the table is as long as the batch, and has no rows."""
    rng = np.random.default_rng(1)
    shapes = {"x": (B, T, D), "memory": (B, 2, D), "gain": (1, T, D), "table": (B, D), "own": (L, B, 1, D)}
    made = {k: jnp.asarray(rng.standard_normal(shape), jnp.float32) for k, shape in shapes.items()}
    return {**made, "mask": jnp.asarray(rng.random((B, T, 1)) < 0.7)}


def run(w, given, taken=None):
    """Layers that read all kinds of things; the loss depends on what they give and on what they report."""
    beside = {"mask": given["mask"], "of": {"memory": given["memory"]}}

    def step(p, x, number, own, key):
        looked_up = given["table"][number % B]
        y = jnp.einsum("btd,bsd->bts", x, beside["of"]["memory"]) @ beside["of"]["memory"] + x @ p["w"].T + p["b"]
        y = jnp.where(beside["mask"], jnp.tanh(y + looked_up) * given["gain"] + own, 0)
        said = {"flat": y.reshape(-1, D), "turned": y.swapaxes(0, 1), "pair": (y[:, 0], None)}
        return x + y, said

    x, ys = nn.fold(step, w, given["x"], states=True, number=jnp.arange(L), own=given["own"], key=None)
    hidden = nn.hidden_states(given["x"], ys)
    said = [sum(jnp.sin(i + a).mean() for i, a in enumerate(nn.collect(ys, n))) for n in ("flat", "turned")]
    return jnp.square(x).mean() + sum(said) + jnp.sin(hidden[3]).mean(), (x, dict(ys))


def both(w, given):
    floats = {k: v for k, v in given.items() if v.dtype != bool}
    f = jax.value_and_grad(lambda w, floats: run(w, {**given, **floats}), (0, 1), has_aux=True)
    return jax.jit(f)(w, floats)


def assert_equal(found, expected, tolerance: float = 1e-5):
    found, expected = leaves(found), leaves(expected)
    assert set(found) == set(expected)
    largest = max(np.linalg.norm(x) for x in expected.values())
    for name, x in expected.items():
        # Gradients that cancel to nothing (of the bias of keys) are compared with the largest.
        error = np.linalg.norm(np.asarray(found[name], np.float64) - x) / max(np.linalg.norm(x), 1e-3 * largest)
        assert error <= tolerance, f"{name}: {error}"


@functools.cache
def expected():
    return both(layers(), inputs())


@pytest.mark.parametrize(
    ("axes", "how"),
    [
        ({"stage": 4, "data": 2}, pipeline(4)),
        ({"stage": 4, "data": 2}, pipeline(1)),
        ({"data": 2, "stage": 2}, pipeline(2)),
        ({"stage": 3}, pipeline(8)),
        ({"stage": 4, "data": 2}, pipeline(4, 3)),
        ({"stage": 2, "data": 2}, pipeline(4, 2)),
        ({"stage": 2, "data": 2}, pipeline(2, 6)),
        ({"stage": 3}, {**pipeline(1), "remat": "full"}),
        ({"stage": 2, "data": 4}, {**pipeline(4, 3), "remat": "dots"}),  # a row of a micro-batch does not divide
    ],
    ids=str,
)
def test_layers_equal_one_device(axes, how):
    with jf.running(mesh=mesh(**axes), rules="stage", **how):
        found = both(layers(), inputs())
    assert_equal(found, expected())


def test_without_jit_and_with_numpy_arrays():
    given = {**inputs(), "mask": np.asarray(inputs()["mask"])}
    with jf.running(mesh=mesh(stage=2), rules="stage", **pipeline(2)):
        assert_equal(run(layers(), given)[0], expected()[0][0])


def test_one_stage_is_a_plain_scan():
    with jf.running(mesh=mesh(stage=1, data=2), rules="stage", **pipeline(3)):  # three do not divide the batch
        assert_equal(both(layers(), inputs()), expected())


def test_a_key_differs_from_one_part_of_the_batch_to_the_next():
    x, key = jnp.ones((B, D)), jax.random.key(3)

    def step(p, x, key):
        return nn.dropout(x, 0.5, key), {}

    with jf.running(mesh=mesh(stage=2, data=2), rules="stage", **pipeline(2)):
        y = jax.jit(lambda x: nn.fold(step, layers(), x, key=key)[0])(x)
    rows = jax.random.split(key, L)
    for part in range(4):  # micro-batch m has the rows m, m + 2, ...; the first half of them lies on the first device
        one = jnp.ones((B // 4, D))
        for k in rows:
            one = nn.dropout(one, 0.5, jax.random.fold_in(k, part))
        which, device = divmod(part, 2)
        np.testing.assert_array_equal(y[which::2][2 * device : 2 * device + 2], one)


def test_gradients_of_bfloat16_layers_add_up_in_float32():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((64, T, D)), jnp.bfloat16)

    def loss(w, x):
        y = nn.fold(lambda p, x: (x + jnp.tanh(x @ p["w"].T + p["b"]), {}), w, x)[0]
        return jnp.square(y.astype(jnp.float32)).mean()

    full = jax.grad(loss)(jax.tree.map(lambda a: a.astype(jnp.float32), layers(jnp.bfloat16)), x.astype(jnp.float32))
    for how in (pipeline(64), pipeline(64, 2)):
        with jf.running(mesh=mesh(stage=2), rules="stage", **how):
            found = jax.jit(jax.grad(loss))(layers(jnp.bfloat16), x)
        assert found["b"].dtype == jnp.bfloat16
        assert relative_error(np.asarray(found["b"], np.float32), full["b"]) < 4e-3
        assert relative_error(np.asarray(found["w"], np.float32), full["w"]) < 4e-3


# ------------------------------------------------------------------------------------------------------ counted


def stepped(plan: Schedule, width: int, **more):
    """A step's gradient over such a pipeline, and its arguments."""
    w = {"w": jnp.zeros((8, width, width)), "b": jnp.zeros((8, width))}
    args = Stack(w), jnp.zeros((16, width))

    def loss(w, x):
        return jnp.square(nn.fold(lambda p, x: (jnp.tanh(x @ p["w"] + p["b"]), {}), w, x)[0]).sum()

    where = {"mesh": mesh(stage=plan.stages, data=2), "rules": "stage"}
    with jf.running(**where, **pipeline(plan.microbatches, plan.chunks, **more)):
        traced = jax.jit(jax.grad(loss, (0, 1))).trace(*args)
        return traced.jaxpr, traced.lower().compile()


def loops(jaxpr) -> list[int]:
    """How often each loop runs that hands something on."""
    found = []
    for eqn in jaxpr.eqns:
        inner = [p for v in eqn.params.values() for p in (v if isinstance(v, tuple | list) else [v])]
        for sub in (getattr(p, "jaxpr", p) for p in inner):
            if hasattr(sub, "eqns"):
                found += loops(sub)
                if eqn.primitive.name == "scan" and any(e.primitive.name == "ppermute" for e in sub.eqns):
                    found.append(eqn.params["length"])
    return found


def sent(text: str) -> int:
    """Bytes that a device hands on by `ppermute` in a compiled program, loops counted as they run."""
    bodies = {
        m[1]: m[2] for m in re.finditer(r"^(?:ENTRY )?%([\w.-]+) \(.*?\{\n(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    }
    entry = re.search(r"^ENTRY %([\w.-]+)", text, re.MULTILINE)[1]

    def of(name: str) -> int:
        total = 0
        for line in bodies[name].splitlines():
            if "collective-permute(" in line and "ppermute" in line:
                shape = re.search(r"= f32\[([\d,]*)\]", line)[1]
                total += 4 * int(np.prod([int(d) for d in shape.split(",")]))
            elif " while(" in line:
                times = int(re.search(r'known_trip_count":\{"n":"(\d+)"', line)[1])
                total += times * of(re.search(r"body=%([\w.-]+)", line)[1])
            elif called := re.search(r" call\(.*to_apply=%([\w.-]+)", line):
                total += of(called[1])
        return total

    return of(entry)


@pytest.mark.parametrize("plan", [Schedule(4, 2), Schedule(4, 8), Schedule(2, 4, 2), Schedule(4, 4, 2)], ids=str)
def test_ticks_and_bytes_are_those_of_the_schedule(plan):
    width = 16
    jaxpr, compiled = stepped(plan, width)
    assert loops(jaxpr.jaxpr) == [plan.ticks] * 2
    ticks = loops(jaxpr.jaxpr)[0]
    assert plan.bubble == (ticks - plan.microbatches * plan.chunks) / ticks
    rows, own = 16 // 2, 8 // plan.stages
    activations, parameters = 4 * rows * width, 4 * own * (width**2 + width)
    assert sent(compiled.as_text()) == plan.sent(activations, parameters)
    microbatch = activations // plan.microbatches
    dealt = parameters if plan.chunks > 1 else 0
    assert plan.sent(activations, parameters) == 2 * (ticks * microbatch + dealt)
    assert plan.sent(activations, parameters, backward=False) == ticks * microbatch + dealt


@pytest.mark.parametrize("chunks", [1, 2])
def test_no_tick_keeps_parameters_for_the_backward_pass(chunks):
    width, plan = 256, Schedule(4, 8, chunks)
    compiled = stepped(plan, width)[1]
    own = 4 * 2 * width**2
    assert compiled.memory_analysis().temp_size_in_bytes < 5 * own  # a copy a tick would be 11 of them and more


# ------------------------------------------------------------------------------------------------------ models

ROWS, WORDS = 8, 5
SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 4, "num_hidden_layers": 4}
BART = {
    f"{side}_{n}": v
    for side in ("encoder", "decoder")
    for n, v in (("layers", 4), ("attention_heads", 4), ("ffn_dim", 24))
}
MODELS = {
    "llama": ("ForCausalLM", {**SIZES, "vocab_size": 40, "num_key_value_heads": 2}),
    "mixtral": (
        "ForCausalLM",
        {**SIZES, "vocab_size": 40, "num_key_value_heads": 2, "num_local_experts": 4, "output_router_logits": True},
    ),
    "vit": ("ForImageClassification", {**SIZES, "image_size": 8, "patch_size": 4}),
    "bart": ("ForConditionalGeneration", {**BART, "vocab_size": 40, "d_model": 16, "max_position_embeddings": 8}),
    "t5": (
        "ForConditionalGeneration",
        {"vocab_size": 40, "d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 4, "num_layers": 5}
        | {"num_decoder_layers": 5, "decoder_start_token_id": 0, "pad_token_id": 0},
    ),
}


@functools.cache
def model(name: str, stacked: bool = True):
    head, values = MODELS[name]
    made = jf.init(jf.AutoConfig.for_model(name, **values), head)
    params = spec.map_named(lambda path, p: fill(spec.names(path)[0], p.shape), made.head.declare(made.config))
    return made.replace(params=spec.stack(params) if stacked else params)


def read(name: str) -> dict:
    rng = np.random.default_rng(0)
    if name == "vit":
        return {"pixel_values": np.float32(rng.standard_normal((ROWS, 3, 8, 8))), "labels": np.arange(ROWS) % 2}
    ids, labels = rng.integers(3, 40, (2, ROWS, WORDS), dtype=np.int32)
    mask = np.ones((ROWS, WORDS), np.int32)
    mask[1, 3:], mask[6, 4:] = 0, 0
    return {"input_ids": ids, "attention_mask": mask, "labels": labels[:, :4] if name in ("bart", "t5") else labels}


def value_and_grad(model, params, given, **options):
    def f(params, given):
        out = model.apply(params, **given, **options)
        return out.loss, dict(out)

    return jax.jit(jax.value_and_grad(f, has_aux=True))(params, given)


@functools.cache
def alone(name: str):
    return value_and_grad(model(name), model(name).params, read(name))


def placed(name: str, where: Mesh, rules: str):
    made = model(name)
    plan = sharding.plan(spec.stack(made.head.declare(made.config)), where, rules)
    given = jax.tree.map(lambda x: jax.device_put(x, plan.batch(x.ndim)), read(name))
    return made, jax.device_put(made.params, plan.shardings), given


@pytest.mark.parametrize(
    ("axes", "rules", "how"),
    [
        ({"stage": 4, "data": 2}, "stage", pipeline(2)),
        ({"stage": 2, "tensor": 2, "data": 2}, "stage+tensor", pipeline(4, 2)),
        pytest.param({"stage": 4}, "stage", pipeline(8), marks=pytest.mark.slow),
        pytest.param({"stage": 2, "data": 2}, "stage", pipeline(2, 2), marks=pytest.mark.slow),
    ],
    ids=["gpipe", "interleaved", "gpipe of eight", "interleaved of two"],
)
@pytest.mark.parametrize("name", MODELS)
def test_models_equal_one_device(name, axes, rules, how):
    made, params, given = placed(name, mesh(**axes), rules)
    with jf.running(mesh=mesh(**axes), rules=rules, **how):
        found = value_and_grad(made, params, given)
    assert_equal(found, alone(name))


@pytest.mark.parametrize(
    ("name", "axes", "rules", "how"),
    [
        ("llama", {"stage": 2, "context": 2, "data": 2}, "stage+context", pipeline(2, context="ring")),
        ("mixtral", {"stage": 2, "expert": 2, "data": 2}, "stage+expert", pipeline(2)),
        pytest.param(
            *("llama", {"stage": 2, "fsdp": 2, "data": 2}, "stage+fsdp", pipeline(2, 2, remat="full")),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("llama", {"stage": 2, "tensor": 2}, "stage+tensor+sequence", pipeline(8)), marks=pytest.mark.slow
        ),
    ],
    ids=["ring", "experts", "fsdp", "sequence"],
)
def test_with_other_kinds_of_parallelism(name, axes, rules, how):
    made, params, given = placed(name, mesh(**axes), rules)
    with jf.running(mesh=mesh(**axes), rules=rules, **how):
        found = value_and_grad(made, params, given)
    assert_equal(found, alone(name))


def test_hidden_states_and_attentions_are_those_of_one_device():
    made, given = model("bart"), read("bart")
    asked = {"output_hidden_states": True, "output_attentions": True}
    one = made.apply(made.params, **given, **asked)
    with jf.running(mesh=mesh(stage=4), rules="stage", **pipeline(2)):
        found = made(**given, **asked)
    assert len(found.decoder_hidden_states) == 5
    assert_equal(found, one)


# ------------------------------------------------------------------------------------------------------ closures


def test_arrays_are_found_where_functions_keep_them():
    a, b, c, d, e = (jnp.full(2, float(i)) for i in range(5))

    def inner(x, *, scale=b):
        return x * scale

    band = nn.mask.Band(c, c, None)
    constant = np.ones(7)

    def outer(x, extra=(d,)):
        return partial(inner(x)) + a + band.queries + extra[0] + constant[0]

    partial = functools.partial(lambda x, y: x - y, y=e)
    found, remade = closures.captured(outer, rows=9)
    assert sorted(float(x[0]) for x in found) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(remade(found)(a + 1), outer(a + 1))
    np.testing.assert_array_equal(remade([x + 1 for x in found])(a + 1), (a + 1) * 2 - 5 + 1 + 3 + 4 + 1)
    np.testing.assert_array_equal(outer(a + 1), (a + 1) - 4 + 0 + 2 + 3 + 1)  # itself unchanged
    assert len(closures.captured(outer, rows=7)[0]) == 6


@dataclasses.dataclass(frozen=True)
class Seen:
    mask: jax.Array
    name: str = "seen"


def test_arrays_are_found_in_dataclasses():
    seen = Seen(jnp.zeros(2))
    found, remade = closures.captured(lambda x: (x + seen.mask, seen.name), rows=2)
    assert len(found) == 1
    total, name = remade([jnp.ones(2)])(1.0)
    np.testing.assert_array_equal(total, [2, 2])
    assert name == "seen"


def test_layers_may_say_where_activations_lie():
    def step(p, x):
        return positions_whole(x + p["b"]), {}

    with jf.running(mesh=mesh(stage=4), rules="stage", **pipeline(2)):  # no axis is left to lay them over
        y = jax.jit(lambda x: nn.fold(step, layers(), x)[0])(jnp.ones((B, T, D)))
    np.testing.assert_allclose(y, jnp.ones((B, T, D)) + layers()["b"].sum(0), rtol=1e-5)


def test_rows_are_told_from_axes_that_are_as_long():
    x, mask, bias, table, unused = (jnp.ones(s) for s in ((4, 4), (4, 1), (4,), (4, 4), (4, 9)))

    def layer(arrays, x, fixed):
        mask, bias, table, _ = arrays
        return x * mask + bias + table[fixed], {"sum": x.sum(-1)}

    found = closures.rows(layer, [mask, bias, table, unused], x, jnp.asarray(2))
    assert found.given == [True, False, False, False]
    assert found.reports == [(0, 1)]


# ------------------------------------------------------------------------------------------------------ refusals


def refused(match: str, layers_=None, step=None, each=None, axes=None, x=None, **how):
    plain = step or (lambda p, x, **_: (x + p["b"], {}))
    with (
        jf.running(mesh=mesh(**(axes or {"stage": 4})), rules="stage", **how),
        pytest.raises(jf.JaxformersError, match=match),
    ):
        nn.fold(plain, layers() if layers_ is None else layers_, jnp.ones((B, T, D)) if x is None else x, **each or {})


def test_what_does_not_divide_is_refused_all_at_once():
    refused("12 layers must divide by 8, for 8 stages", axes={"stage": 8}, **pipeline(2))
    problems = (
        "12 layers must divide by 8, for 4 stages of 2 chunks",
        "divide the batch of 8, got 3",
        "a multiple of the 4",
    )
    refused("(?s)" + ".*".join(problems), **pipeline(3, 2))


def test_lists_are_refused_with_the_way_out():
    refused("layers must be stacked to run as a pipeline, got a list of 12; load the model with stack=True",
            layers_=spec.unstack(layers()), **pipeline(2))  # fmt: skip
    mixed = Layers([*spec.unstack(layers())[:1], layers()])
    with jf.running(mesh=mesh(stage=4), rules="stage", **pipeline(2)):
        x, ys = nn.fold(lambda p, x: (x + p["b"], {}), mixed, jnp.ones((B, T, D)))
    np.testing.assert_allclose(x, jnp.ones((B, T, D)) + layers()["b"][0] + layers()["b"].sum(0), rtol=1e-5)
    assert [type(y) for y in ys] == [dict, Stack]


def test_layers_that_need_the_whole_batch_are_refused():
    whole = jnp.ones((B, B))
    refused(
        "each row of the batch from its own row", step=lambda p, x: (jnp.tensordot(whole, x, 1), {}), **pipeline(2)
    )
    refused(r"what a layer reports must have rows.*\['mean'\] \[4\]",
            step=lambda p, x: (x, {"mean": x.mean((0, 1))}), **pipeline(2))  # fmt: skip
    refused("activations must have the rows of the batch first", x=(jnp.ones((B, D)), jnp.ones(())), **pipeline(2))


def test_caches_are_refused():
    made = model("llama")
    cache = made.init_cache(ROWS, WORDS)
    with jf.running(mesh=mesh(stage=4), rules="stage", **pipeline(2)):
        with pytest.raises(jf.InputError, match="microbatches must be None for a call with a cache"):
            made(input_ids=read("llama")["input_ids"], past_key_values=cache)
        with jf.running(microbatches=None):
            made(input_ids=read("llama")["input_ids"], past_key_values=cache)


def test_settings_are_checked():
    where = {"mesh": mesh(stage=2), "rules": "stage"}
    for settings, problem in [
        ({**where, "schedule": "1f1b"}, "schedule must be one of gpipe, interleaved, got '1f1b'"),
        ({**where, "microbatches": 0}, "microbatches must be a positive integer, got 0"),
        ({**where, "chunks": True}, "chunks must be a positive integer, got True"),
        ({"microbatches": 2}, "microbatches need a mesh and rules that split layers over one of its axes"),
        ({**where, "rules": "data", "microbatches": 2}, "microbatches need a mesh and rules that split layers"),
    ]:
        with pytest.raises(jf.InputError, match=problem), jf.running(**settings):
            pass
    both_ways = {"layers": ("stage", "data")}
    with jf.running(mesh=mesh(stage=2, data=2), rules=both_ways, microbatches=2), pytest.raises(
        jf.InputError, match="rules must split layers over one mesh axis, got stage, data"
    ):  # fmt: skip
        nn.fold(lambda p, x: (x, {}), layers(), jnp.ones((B, D)))
