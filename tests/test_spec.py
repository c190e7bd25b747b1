"""Declarations and what follows from them: init, stack and unstack, names, update, and `nn.fold` over every form."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import jaxformers as jf
from jaxformers import nn, sharding, spec
from jaxformers.nn import Linear, moe
from jaxformers.spec import Layers, Param, Stack, names, paths

D = 8


def Layer(bias: bool = True, dim: int = D):
    return {"norm": nn.LayerNorm(dim), "dense": nn.Linear(dim, dim, "embed mlp", bias=bias)}


def Model(layers):
    return {
        "embed": {"weight": Param((12, D), "vocab embed")},
        "layers": Layers(layers),
        "head": nn.Linear(D, 3, "embed -"),
    }


FORMS = {
    "equal": lambda: Model(Layer() for _ in range(4)),
    "one": lambda: Model([Layer()]),
    "first differs": lambda: Model([Layer(bias=False), *(Layer() for _ in range(3))]),
    "runs": lambda: Model([Layer(), Layer(), Layer(bias=False), Layer(bias=False), Layer(), Layer()]),
    "all differ": lambda: Model([Layer(), Layer(bias=False), Layer(), Layer(bias=False)]),
    "plain list": lambda: {**Model([Layer(), Layer()]), "pair": [nn.Linear(2, 2), nn.Linear(2, 2)]},
    "nested": lambda: {
        "stages": Layers({"blocks": Layers(Layer() for _ in range(n)), "norm": nn.LayerNorm(D)} for n in (2, 3, 1))
    },
    "equal stages": lambda: {"stages": Layers({"blocks": Layers(Layer() for _ in range(2))} for _ in range(3))},
    "none": lambda: {**Model([Layer(), Layer()]), "absent": None},
}
each_form = pytest.mark.parametrize("declared", [pytest.param(f(), id=name) for name, f in FORMS.items()])


def equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@pytest.fixture(scope="module")
def mesh():
    return Mesh(np.asarray(jax.devices()[:8]).reshape(2, 4), ("fsdp", "tensor"))


# ------------------------------------------------------------------------------------------------------ Param


def test_param():
    p = Param([3, np.int64(4)], "mlp embed")
    assert (p.shape, p.axes, p.size, p.stacked) == ((3, 4), ("mlp", "embed"), 12, ())
    assert hash(p) == hash(Param((3, 4), ("mlp", "embed")))
    assert Param((), "").size == 1
    with pytest.raises(ValueError, match=r"axes must name one axis per dimension of \(3, 4\), got \('mlp',\)"):
        Param((3, 4), "mlp")


# ------------------------------------------------------------------------------------------------------ names


def test_names_and_labels():
    tree = spec.stack(FORMS["runs"]())
    listed = [n for path, _ in paths(tree) for n in names(path)]
    assert sorted(listed) == sorted(names(path)[0] for path, _ in paths(FORMS["runs"]()))
    by_label = {spec.label(path): names(path) for path, _ in paths(tree)}
    assert by_label["layers.2-3.dense.weight"] == ["layers.2.dense.weight", "layers.3.dense.weight"]
    assert by_label["layers.4-5.dense.bias"] == ["layers.4.dense.bias", "layers.5.dense.bias"]
    assert by_label["head.bias"] == ["head.bias"]


@each_form
def test_flatten_names_are_the_same_for_list_and_stack(declared):
    a, b = spec.flatten(declared), spec.flatten(spec.stack(declared))
    assert a == b
    assert len(a) == len(jax.tree.leaves(declared))


def test_get():
    tree = FORMS["equal"]()
    assert spec.get(tree, "layers.2.dense.weight").shape == (D, D)
    assert spec.get(tree, "") is tree
    with pytest.raises(KeyError):
        spec.get(tree, "layers.2.sparse")


def test_map_named_keeps_containers_and_order():
    tree = spec.stack(FORMS["plain list"]())
    seen = []
    out = spec.map_named(lambda path, p: seen.append(spec.label(path)) or p, tree)
    assert out == tree
    assert type(out["layers"]) is Stack
    assert type(out["pair"]) is list
    assert seen == [spec.label(path) for path, _ in paths(tree)]


# ------------------------------------------------------------------------------------------------------ list <-> stack


@each_form
def test_unstack_undoes_stack(declared):
    stacked = spec.stack(declared)
    assert spec.unstack(stacked) == declared
    assert jax.tree.structure(spec.unstack(stacked)) == jax.tree.structure(declared)
    assert spec.stack(stacked) == stacked
    assert spec.unstack(declared) == declared
    assert spec.count(stacked) == spec.count(declared)


@each_form
def test_unstack_undoes_stack_on_arrays(declared):
    params = spec.init(declared, jax.random.key(1))
    equal(spec.unstack(spec.stack(params)), params)
    hosts = jax.tree.map(np.asarray, params)
    stacked = spec.stack(hosts)
    assert all(isinstance(x, np.ndarray) for x in jax.tree.leaves(stacked))
    equal(spec.unstack(stacked), hosts)
    shapes = spec.abstract(declared, jnp.bfloat16)
    assert spec.unstack(spec.stack(shapes)) == shapes
    assert spec.stack(shapes) == spec.abstract(spec.stack(declared), jnp.bfloat16)


def test_the_tree_says_what_is_stacked():
    assert isinstance(spec.stack(FORMS["equal"]())["layers"], Stack)
    assert spec.stack(FORMS["equal"]())["layers"]["dense"]["weight"] == Param(
        (4, D, D), ("layers", "mlp", "embed"), stacked=(4,)
    )
    runs = spec.stack(FORMS["runs"]())["layers"]
    assert isinstance(runs, Layers)
    assert [type(x) for x in runs] == [Stack, Stack, Stack]
    first = spec.stack(FORMS["first differs"]())["layers"]
    assert [type(x) for x in first] == [dict, Stack]
    assert not any(isinstance(x, Stack) for x in spec.stack(FORMS["all differ"]())["layers"])
    assert spec.stack(FORMS["one"]())["layers"] == FORMS["one"]()["layers"]
    assert type(spec.stack(FORMS["plain list"]())["pair"]) is list, "a plain list is never stacked"


def test_layers_that_differ_in_anything_are_not_stacked():
    first = {"w": Param((2, 2), "a b")}
    others = {
        "shape": Param((2, 3), "a b"),
        "axes": Param((2, 2), "a c"),
        "init": Param((2, 2), "a b", spec.zeros),
        "trainable": Param((2, 2), "a b", trainable=False),
    }
    for name, p in others.items():
        stacked = spec.stack(Layers([first, {"w": p}]))
        assert [type(x) for x in stacked] == [dict, dict], name
    arrays = Layers([{"w": jnp.zeros(2)}, {"w": jnp.zeros(2, jnp.bfloat16)}])
    assert [x["w"].dtype for x in spec.stack(arrays)] == [jnp.float32, jnp.bfloat16]


def test_layers_and_stack_are_pytrees():
    params = spec.stack(spec.init(FORMS["runs"](), jax.random.key(0)))
    doubled = jax.jit(lambda t: jax.tree.map(lambda x: 2 * x, t))(params)
    assert isinstance(doubled["layers"], Layers)
    assert isinstance(doubled["layers"][0], Stack)
    assert jax.tree.structure(doubled) == jax.tree.structure(params)
    assert jax.tree.structure(Layers([1])) != jax.tree.structure([1])
    assert jax.tree.structure(Stack(a=1)) != jax.tree.structure({"a": 1})
    paths_of = [jax.tree_util.keystr(k) for k, _ in jax.tree_util.tree_leaves_with_path({"l": Layers([{"w": 1}])})]
    assert paths_of == ["['l'][0]['w']"]


# ------------------------------------------------------------------------------------------------------ init


@each_form
def test_init_is_the_same_as_list_and_as_stack(declared):
    key = jax.random.key(3)
    params = spec.init(declared, key)
    equal(spec.init(spec.stack(declared), key), spec.stack(params))


@pytest.mark.parametrize("rules", ["fsdp", "tensor", "fsdp+tensor"])
@pytest.mark.parametrize("stacked", [False, True])
def test_init_is_the_same_on_a_mesh(mesh, rules, stacked):
    declared = FORMS["runs"]()
    declared = spec.stack(declared) if stacked else declared
    plan = sharding.plan(declared, mesh, rules)
    key = jax.random.key(3)
    params = spec.init(declared, key, shardings=plan.shardings)
    equal(params, spec.init(declared, key))
    for x, s in zip(jax.tree.leaves(params), jax.tree.leaves(plan.shardings), strict=True):
        assert x.sharding == s
    assert any(not x.sharding.is_fully_replicated for x in jax.tree.leaves(params))


def test_a_leaf_depends_on_its_own_name_and_the_key_only():
    key = jax.random.key(0)
    both = spec.init({"a": {"w": Param((4, 4), "x y")}, "b": {"w": Param((4, 4), "x y")}}, key)
    alone = spec.init({"b": {"w": Param((4, 4), "x y")}}, key)
    np.testing.assert_array_equal(both["b"]["w"], alone["b"]["w"])
    assert (both["a"]["w"] != both["b"]["w"]).all()
    assert (spec.init({"b": {"w": Param((4, 4), "x y")}}, jax.random.key(1))["b"]["w"] != alone["b"]["w"]).all()
    layers = spec.init(FORMS["equal"](), key)["layers"]
    assert (layers[0]["dense"]["weight"] != layers[1]["dense"]["weight"]).all()


@pytest.mark.parametrize(
    ("init", "std", "bound"),
    [
        (None, 0.05, None),
        (spec.normal(0.3), 0.3, None),
        (spec.truncated_normal(0.3), 0.3 * 0.8796, 0.6),
        (spec.uniform(0.3), 0.3 / 3**0.5, 0.3),
        (spec.zeros, 0.0, 0.0),
    ],
)
def test_initialisers(init, std, bound):
    x = np.asarray(spec.init({"w": Param((300, 300), "a b", init)}, jax.random.key(0), std=0.05)["w"])
    assert abs(x.mean()) <= 5 * std / 300
    assert abs(x.std() - std) <= 0.02 * std
    assert bound is None or np.abs(x).max() <= bound
    assert bound is None or np.abs(x).max() >= 0.99 * bound


def test_init_dtype_and_ones():
    params = spec.init(spec.stack(FORMS["equal"]()), jax.random.key(0), jnp.bfloat16)
    assert {x.dtype for x in jax.tree.leaves(params)} == {np.dtype(jnp.bfloat16)}
    np.testing.assert_array_equal(params["layers"]["norm"]["weight"].astype(np.float32), np.ones((4, D)))


def test_jf_init_places_and_counts(mesh):
    config = jf.AutoConfig.for_model(
        "bert", vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    one = jf.init(config, "ForMaskedLM", key=jax.random.key(5))
    many = jf.init(config, "ForMaskedLM", key=jax.random.key(5), stack=True, mesh=mesh, rules="fsdp+tensor")
    equal(many.params, spec.stack(one.params))
    assert one.num_parameters() == sum(x.size for x in jax.tree.leaves(many.params))


# ------------------------------------------------------------------------------------------------------ what follows


def test_counts_and_trainable():
    declared = {"bn": nn.BatchNorm(5), "layers": Layers([nn.Linear(2, 3), nn.Linear(2, 3)])}
    assert spec.count(declared) == 20 + 18
    assert spec.count(declared, trainable=True) == 10 + 18
    assert spec.count(spec.stack(declared), trainable=True) == 10 + 18
    assert spec.count(spec.init(declared, jax.random.key(0))) == 38
    mask = spec.trainable(declared)
    assert mask["bn"] == {"weight": True, "bias": True, "running_mean": False, "running_var": False}


def test_abstract_carries_shardings(mesh):
    declared = spec.stack(FORMS["equal"]())
    plan = sharding.plan(declared, mesh, "fsdp")
    shapes = spec.abstract(declared, jnp.bfloat16, plan.shardings)
    assert shapes["head"]["weight"].sharding == NamedSharding(mesh, PartitionSpec(None, "fsdp"))
    assert shapes["layers"]["dense"]["weight"].shape == (4, D, D)


def test_update():
    params = spec.init(
        {"bn": nn.BatchNorm(2), "layers": Layers([nn.BatchNorm(2), nn.BatchNorm(2)])}, jax.random.key(0)
    )
    new = {"running_mean": jnp.full(2, 7.0)}
    out = spec.update(params, {"layers": [None, new], "bn": {"running_var": None}})
    assert isinstance(out["layers"], Layers)
    np.testing.assert_array_equal(out["layers"][1]["running_mean"], [7, 7])
    np.testing.assert_array_equal(out["layers"][0]["running_mean"], [0, 0])
    np.testing.assert_array_equal(out["bn"]["running_var"], [1, 1])
    np.testing.assert_array_equal(params["layers"][1]["running_mean"], [0, 0])
    stacked = spec.update(spec.stack(params), {"layers": Stack(running_mean=jnp.ones((2, 2)))})
    assert isinstance(stacked["layers"], Stack)
    np.testing.assert_array_equal(stacked["layers"]["running_mean"], np.ones((2, 2)))
    with pytest.raises(ValueError, match="got \\['mean'\\] where the tree has"):
        spec.update(params, {"bn": {"mean": jnp.zeros(2)}})
    with pytest.raises(ValueError):
        spec.update(params, {"layers": [None]})


# ------------------------------------------------------------------------------------------------------ fold


def block(p, x, scale=None, cache=None, **_):
    """A layer that uses everything `fold` hands it and reports what it saw."""
    h = nn.linear(p["dense"], nn.layer_norm(p["norm"], x, 1e-5))
    if scale is not None:
        h = h * scale
    if cache is not None:
        cache = {"sum": cache["sum"] + h}
    return x + jnp.tanh(h), {"mean": h.mean(-1), "cache": cache, "nothing": None}


def fold_all(params, x, scale, cache, states=True):
    x, ys = nn.fold(block, params["layers"], x, states=states, scale=scale, cache=cache)
    return {
        "x": x,
        "mean": nn.collect(ys, "mean"),
        "hidden": nn.hidden_states(x, ys)[1:] if states else None,
        "sums": [c["sum"] for c in _listed(nn.pick(ys, "cache"))],
        "nothing": nn.collect(ys, "nothing"),
    }


def _listed(caches):
    return spec.unstack(Stack(caches) if not isinstance(caches, list) else Layers(_as_stack(c) for c in caches))


def _as_stack(cache):
    return Stack(cache) if cache["sum"].ndim == 3 else cache


def cache_like(layers, x):
    """A cache in the form of `layers`: stacked where it is."""

    def zeros(layer):
        n = nn.num_layers(layer) if isinstance(layer, Stack) else 0
        made = {"sum": jnp.zeros(((n,) if n else ()) + x.shape)}
        return Stack(made) if n else made

    return zeros(layers) if isinstance(layers, Stack) else Layers(zeros(layer) for layer in layers)


@functools.cache
def folded(form: str, stacked: bool, remat: str):
    params = spec.init(FORMS[form](), jax.random.key(0), std=0.5)
    params = spec.stack(params) if stacked else params
    n = nn.num_layers(params["layers"])
    x = jax.random.normal(jax.random.key(1), (3, D))
    scale = jnp.linspace(0.5, 1.5, n)

    def loss(params, x, scale):
        out = fold_all(params, x, scale, cache_like(params["layers"], x))
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(out)), out

    with jf.running(remat=remat):
        grad = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True))
        (_, out), (g, gx, gs) = grad(params, x, scale)
    return out, {**spec.flatten({"layers": g["layers"]}), "x": gx, "scale": gs}


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize(
    ("form", "remat"),
    [
        *((form, "none") for form in ("equal", "one", "first differs", "all differ")),
        *(("runs", remat) for remat in ("none", "full", "dots", "dots_no_batch")),
    ],
)
def test_fold_is_the_same_over_every_form_and_policy(form, stacked, remat):
    want, want_grads = folded(form, False, "none")
    got, grads = folded(form, stacked, remat)
    assert jax.tree.structure(got) == jax.tree.structure(want)
    assert got["nothing"] is None
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), got, want)
    assert grads.keys() == want_grads.keys()
    for name, g in want_grads.items():
        assert np.abs(g).max() > 0, name
        np.testing.assert_allclose(grads[name], g, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("form", ["equal", "runs"])
def test_fold_is_a_loop(form):
    params = spec.init(FORMS[form](), jax.random.key(0), std=0.5)
    x = jax.random.normal(jax.random.key(1), (3, D))
    want = x
    for layer in params["layers"]:
        want, _ = block(layer, want)
    for layers in (params["layers"], spec.stack(params)["layers"]):
        got, ys = nn.fold(block, layers, x)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
        assert nn.hidden_states(x, ys) is None, "states are reported only when asked for"


def test_a_stack_is_one_scan_and_remat_is_in_the_program():
    params = spec.init(FORMS["equal"](), jax.random.key(0))

    def program(params, remat="none"):
        with jf.running(remat=remat):
            return str(jax.make_jaxpr(lambda p, x: nn.fold(block, p["layers"], x)[0])(params, jnp.ones((3, D))))

    assert program(params).count("dot_general") == 4
    assert "scan" not in program(params)
    assert program(spec.stack(params)).count("dot_general") == 1
    assert program(spec.stack(params)).count("scan") == 1
    for p in (params, spec.stack(params)):
        assert "prevent_cse" not in program(p)
        assert program(p, "full").count("prevent_cse") == (1 if p is not params else 4)


def test_fold_in_a_module_is_pure():
    """The layers that go in are not changed, and a second call gives the same."""
    params = spec.init(spec.stack(FORMS["runs"]()), jax.random.key(0))
    before = jax.tree.map(np.array, params)
    x = jnp.ones((3, D))
    a, _ = nn.fold(block, params["layers"], x)
    b, _ = nn.fold(block, params["layers"], x)
    np.testing.assert_array_equal(a, b)
    equal(jax.tree.map(np.asarray, params), before)


def test_param_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Param((1,), "a").shape = (2,)


def experts_in_layers():
    layer = {
        "experts": moe.Experts(2, {"up": Linear(D, D, bias=False)}),
        "norm": {"weight": Param((D,), "-", spec.ones)},
    }
    return {"layers": Layers(dict(layer) for _ in range(3))}


def test_experts_in_stacked_layers_have_two_leading_axes():
    declared = experts_in_layers()
    stacked = spec.stack(declared)
    assert (spec.is_stacked(declared), spec.is_stacked(stacked)) == (False, True)
    weight = stacked["layers"]["experts"]["up"]["weight"]
    assert (weight.shape, weight.stacked) == ((3, 2, D, D), (3, 2))
    assert weight.axes == ("layers", "experts", "mlp", "embed")
    assert spec.flatten(stacked) == spec.flatten(declared)
    assert list(spec.flatten(stacked))[:2] == ["layers.0.experts.0.up.weight", "layers.0.experts.1.up.weight"]
    names = {n: x for path, x in spec.paths(stacked) for n in spec.names(path)}
    assert list(names)[:4] == [f"layers.{i}.experts.{j}.up.weight" for i in (0, 1) for j in (0, 1)]
    params = spec.init(declared, jax.random.key(0))
    equal(spec.init(stacked, jax.random.key(0)), spec.stack(params))
    equal(spec.stack(spec.unstack(spec.stack(params))), spec.stack(params))


def test_stacks_in_stacks_are_read_and_sharded_like_lists(tmp_path):
    values = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_local_experts=4)
    heads = dict(num_attention_heads=2, num_key_value_heads=2)
    model = jf.init(jf.AutoConfig.for_model("mixtral", **values, **heads), "ForCausalLM", key=jax.random.key(0))
    model.save(tmp_path)
    mesh = Mesh(np.asarray(jax.devices()[:4]), ("expert",))
    split = jf.load(tmp_path, stack=True, mesh=mesh, rules={"experts": "expert"})
    equal(split.params, jf.stack(model.params))
    weight = split.params["model"]["layers"]["block_sparse_moe"]["experts"]["w1"]["weight"]
    assert weight.shape == (3, 4, 24, 16)
    assert {s.data.shape for s in weight.addressable_shards} == {(3, 1, 24, 16)}
    ids = np.arange(6)[None]
    np.testing.assert_allclose(split(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-5)
    apart = model.replace(params=jf.unstack(split.params))  # experts too
    np.testing.assert_allclose(apart(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-5)
