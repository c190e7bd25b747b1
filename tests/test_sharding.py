"""Rules and plans: which axis of which parameter goes over which mesh axis, and why the others stay whole."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from support.case import load_cases

import jaxformers as jf
from jaxformers import models, nn, sharding, spec
from jaxformers.spec import Layers, Param


def make_mesh(**axes) -> Mesh:
    n = int(np.prod(list(axes.values())))
    return Mesh(np.asarray(jax.devices()[:n]).reshape(tuple(axes.values())), tuple(axes))


MESH = make_mesh(data=2, fsdp=2, tensor=2)
TREE = {
    "embed": nn.Embedding(16, 8),
    "layers": Layers({"up": nn.Linear(8, 12), "down": nn.Linear(12, 8, "mlp embed")} for _ in range(2)),
    "norm": nn.LayerNorm(8),
}


def specs(rules, tree=TREE, mesh=MESH) -> dict[str, P]:
    plan = sharding.plan(tree, mesh, rules)
    assert jax.tree.structure(plan.shardings) == jax.tree.structure(tree)
    return {spec.label(path): s.spec for path, _, s in plan.each()}


# ------------------------------------------------------------------------------------------------------ plans


def test_fsdp():
    found = specs("fsdp")
    assert found["embed.weight"] == P(None, "fsdp")
    assert found["layers.0.up.weight"] == P(None, "fsdp")
    assert found["layers.0.up.bias"] == P()
    assert found["layers.0.down.weight"] == P("fsdp")
    assert found["norm.weight"] == P("fsdp")


def test_tensor():
    found = specs("tensor")
    assert found["embed.weight"] == P("tensor")
    assert found["layers.1.up.weight"] == P("tensor")
    assert found["layers.1.up.bias"] == P("tensor")
    assert found["layers.1.down.weight"] == P(None, "tensor")
    assert found["layers.1.down.bias"] == P()


def test_both():
    found = specs("fsdp+tensor")
    assert found["layers.0.up.weight"] == P("tensor", "fsdp")
    assert found["layers.0.down.weight"] == P("fsdp", "tensor")


@pytest.mark.parametrize("rules", [None, {}, "replicated", "data"])
def test_replicated(rules):
    assert set(specs(rules).values()) == {P()}


def test_a_stack_keeps_its_layer_axis_whole():
    shardings = sharding.plan(spec.stack(TREE), MESH, "fsdp+tensor").shardings
    assert isinstance(shardings["layers"], spec.Stack)
    assert shardings["layers"]["up"]["weight"].spec == P(None, "tensor", "fsdp")
    assert shardings["layers"]["up"]["bias"].spec == P(None, "tensor")


def test_rules_of_your_own():
    found = specs({"embed": ("data", "fsdp"), "mlp": "tensor", "vocab": None})
    assert found["embed.weight"] == P(None, ("data", "fsdp"))
    assert found["layers.0.up.weight"] == P("tensor", ("data", "fsdp"))
    assert found["norm.bias"] == P(("data", "fsdp"))
    stacked = sharding.plan(spec.stack(TREE), MESH, {"layers": "data"}).shardings
    assert stacked["layers"]["up"]["weight"].spec == P("data")


def test_presets_use_the_axes_that_the_mesh_has():
    assert specs("fsdp+tensor", mesh=make_mesh(fsdp=4))["layers.0.up.weight"] == P(None, "fsdp")
    assert specs("fsdp+tensor", mesh=make_mesh(tensor=4))["layers.0.up.weight"] == P("tensor")


# ------------------------------------------------------------------------------------------------------ notes


def test_what_does_not_divide_is_kept_whole_and_noted():
    plan = sharding.plan(TREE, make_mesh(fsdp=8), {"mlp": "fsdp"})
    assert plan.shardings["layers"][0]["up"]["weight"].spec == P()
    assert len(plan.notes) == 6
    assert "layers.0.up.weight: axis 'mlp' of 12 does not divide by 8 (fsdp); kept whole" in plan.notes
    assert sharding.plan(TREE, MESH, "fsdp+tensor").notes == ()


def test_a_mesh_axis_is_used_once_a_parameter():
    square = {"w": Param((8, 8), "embed embed"), "v": Param((8, 4), "embed mlp")}
    plan = sharding.plan(square, MESH, {"embed": "fsdp", "mlp": ("fsdp", "tensor")})
    assert plan.shardings["w"].spec == P("fsdp")
    assert plan.shardings["v"].spec == P("fsdp")
    assert plan.notes == (
        "w: axis 'embed' wants fsdp, already used by another axis; kept whole",
        "v: axis 'mlp' wants fsdp, tensor, already used by another axis; kept whole",
    )


def test_a_rule_for_an_axis_that_is_not_there_is_noted():
    plan = sharding.plan(TREE, MESH, {"experts": "fsdp", "batch": "data"})
    assert plan.notes == ("rule 'experts': no parameter has this axis; they have embed, mlp, vocab",)


def test_what_differs_by_name():
    own = sharding.Rules(
        {"embed": "fsdp", "mlp": "tensor"}, {r"down": {"embed": None}, r"^norm|embed": {"embed": "data"}}
    )
    found = specs(own)
    assert found["layers.0.up.weight"] == P("tensor", "fsdp")
    assert found["layers.1.down.weight"] == P(None, "tensor")
    assert found["norm.weight"] == P("data")
    assert found["embed.weight"] == P(None, "data")


def test_an_expression_must_fit_all_stacked_layers_or_none():
    own = sharding.Rules({"mlp": "tensor"}, {r"layers\.1\.up": {"mlp": None}})
    assert specs(own)["layers.1.up.weight"] == P()
    plan = sharding.plan(spec.stack(TREE), MESH, own)
    assert plan.shardings["layers"]["up"]["weight"].spec == P(None, "tensor")
    assert {note.split(":")[0] for note in plan.notes} == {"layers.0-1.up.bias", "layers.0-1.up.weight"}
    assert all("fits 1 of 2 stacked layers; left out" in note for note in plan.notes)


def test_zero_splits_the_optimizer_and_leaves_the_parameters():
    for preset, gradients in (("zero1", P()), ("zero2", P(None, ("data", "fsdp")))):
        plan = sharding.plan(TREE, MESH, preset)
        assert plan.shardings["layers"][0]["up"]["weight"].spec == P()
        assert plan.gradients["layers"][0]["up"]["weight"].spec == gradients
        assert plan.optimizer["layers"][0]["up"]["weight"].spec == P(None, ("data", "fsdp"))
        assert plan.batch().spec == P(("data", "fsdp"))
    joined = sharding.plan(TREE, MESH, "zero1+tensor")
    assert joined.shardings["layers"][0]["up"]["weight"].spec == P("tensor")
    assert joined.optimizer["layers"][0]["up"]["weight"].spec == P("tensor", ("data", "fsdp"))


def test_presets_join():
    mesh = make_mesh(data=2, expert=2, fsdp=2)
    experts = {"e": nn.moe.Experts(4, nn.Linear(8, 12))}
    assert specs("fsdp+expert", experts, mesh)["e.0-3.weight"] == P("expert", None, "fsdp")
    assert sharding.plan(experts, mesh, "fsdp+expert").batch(3).spec == P(("data", "fsdp", "expert"))
    stages = specs("stage+tensor", spec.stack(TREE), make_mesh(stage=2, tensor=2))
    assert stages["layers.0-1.up.weight"] == P("stage", "tensor")


# ------------------------------------------------------------------------------------------------------ auto


def test_auto_takes_the_plainest_that_fits():
    tree = {"w": nn.Linear(1024, 1024, bias=False)}  # 4 MiB in float32
    mesh = make_mesh(fsdp=4, tensor=2)

    def chosen(**budget):
        plan = sharding.plan(tree, mesh, "auto", **budget)
        return plan.notes[0].split("'")[1], plan.bytes()

    assert chosen(memory=6 << 20) == ("replicated", 4 << 20)
    assert chosen(memory=3 << 20) == ("tensor", 2 << 20)
    assert chosen(memory=2 << 20) == ("fsdp", 1 << 20)
    assert chosen(memory=1 << 20) == ("fsdp+tensor", 1 << 19)
    assert chosen(memory=2 << 20, dtype="bfloat16") == ("tensor", 2 << 20)
    assert chosen(memory=13 << 20, train=True) == ("zero1", 4 << 20)  # 4 + 4 + 8 / 4
    note = sharding.plan(tree, mesh, "auto", memory=6 << 20).notes[0]
    assert note == "auto: 'replicated'; parameters take 0.00 GiB of a device's 0.01 GiB"
    with pytest.raises(jf.JaxformersError, match=r"finds nothing that fits .* fsdp\+tensor takes"):
        chosen(memory=1 << 18)


def test_auto_on_this_host_keeps_a_small_model_whole_and_says_so(caplog):
    model = jf.init(jf.AutoConfig.for_model("gpt2", n_layer=1, n_embd=8, n_head=2), mesh=MESH, rules="auto")
    assert all(x.sharding.is_fully_replicated for x in jax.tree.leaves(model.params))
    assert "init GPT2Model: auto: 'data'; parameters take 0.00 GiB of a device's" in caplog.text


# ------------------------------------------------------------------------------------------------------ shown


def test_a_plan_prints_as_a_table():
    lines = str(sharding.plan(TREE, MESH, "fsdp+tensor")).splitlines()
    assert lines[0].split("  ")[0] == "parameter"
    up = next(line for line in lines if line.startswith("layers.*.up.weight"))
    assert [x.strip() for x in up.split("  ") if x] == ["layers.*.up.weight", "12 x 8", "tensor fsdp", "6 x 4", "2"]
    count = (16 * 8) // 4 + 2 * (2 * 12 * 8 // 4 + 12 // 2 + 8 // 2) + 2 * 8 // 2
    assert count == 156
    assert lines[-1] == "mesh data 2, fsdp 2, tensor 2: 156 of 568 parameters on a device (27.5%)"


def test_a_plan_draws_which_device_holds_what(capsys):
    plan = sharding.plan(TREE, MESH, "fsdp+tensor")
    plan.draw("layers.0.up.weight")
    out = capsys.readouterr().out
    cells = [[x.strip() for x in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert cells == [["0 4", "2 6"], ["1 5", "3 7"]]  # two halves of mlp down, two of embed across, data copies them
    plan.draw()
    assert "layers.*.down.weight" in capsys.readouterr().out
    with pytest.raises(jf.JaxformersError, match=r"nearest: layers\.0\.up\.weight"):
        plan.draw("layers.0.up.weigth")


# ------------------------------------------------------------------------------------------------------ meshes


def test_a_mesh_by_names():
    assert dict(sharding.mesh(data=2, fsdp=-1, tensor=2).shape) == {"data": 2, "fsdp": 2, "tensor": 2}
    assert sharding.mesh(jax.devices()[:4], tensor=4).devices.tolist() == jax.devices()[:4]


@pytest.mark.parametrize(
    ("axes", "problem"),
    [
        ({"data": 16}, "data 16 needs exactly 16 devices, there are 8"),
        ({"data": 3, "fsdp": -1}, "data 3 x fsdp -1 needs a multiple of 3 devices, there are 8"),
        ({"data": 0}, "axis 'data' must be positive or -1, got 0"),
        ({"data": -1, "fsdp": -1}, "only one axis may be -1, got data, fsdp"),
        ({}, "at least one axis must be named"),
    ],
)
def test_meshes_that_can_not_be(axes, problem):
    with pytest.raises(jf.JaxformersError, match=problem):
        sharding.mesh(**axes)


# ------------------------------------------------------------------------------------------------------ refusals


def test_unknown_presets_name_the_nearest():
    with pytest.raises(jf.JaxformersError, match=r"got 'fsdp-tensor'; presets: fsdp\+tensor"):
        sharding.plan(TREE, MESH, "fsdp-tensor")


def test_unknown_mesh_axes_are_all_listed():
    with pytest.raises(jf.JaxformersError) as e:
        sharding.plan(TREE, MESH, {"embed": "model", "mlp": ("tensor", "expert"), "vocab": None})
    assert [p.split("'")[1] for p in e.value.problems] == ["expert", "model"]
    assert "('data', 'fsdp', 'tensor')" in str(e.value)


def test_axes_that_there_are_not():
    with pytest.raises(jf.JaxformersError, match="there is no axis 'embedd'; nearest: embed"):
        sharding.plan(TREE, MESH, {"embedd": "fsdp"})
    with pytest.raises(jf.JaxformersError, match="axis 'embed' must go over a mesh axis once"):
        sharding.plan(TREE, MESH, {"embed": ("fsdp", "fsdp")})
    with pytest.raises(jf.JaxformersError, match=r"paths: '\(' must be a regular expression"):
        sharding.Rules({}, {"(": {}})
    with pytest.raises(jf.JaxformersError, match="must be a preset's name, a dictionary or Rules, got 3"):
        sharding.plan(TREE, MESH, 3)


def test_a_plans_rules_are_those_of_its_mesh():
    """What a preset says of axes that the mesh lacks is gone: the rules can be given again, also to run by."""
    mesh = make_mesh(fsdp=4)
    rules = sharding.plan(TREE, mesh, "fsdp+tensor").rules
    assert rules.axes["batch"] == ("fsdp",)
    assert specs(rules, mesh=mesh) == specs("fsdp", mesh=mesh)
    with jf.running(mesh=mesh, rules=rules):
        pass


def test_rules_to_run_by_are_checked_too():
    with (
        pytest.raises(jf.JaxformersError, match="mesh axis 'dta' must be one of the mesh's"),
        jf.running(mesh=MESH, rules={"batch": "dta"}),
    ):
        pass


def test_a_preset_that_would_split_nothing():
    with pytest.raises(jf.JaxformersError, match="preset 'fsdp' needs a mesh axis named fsdp, the mesh has"):
        sharding.plan(TREE, make_mesh(data=2), "fsdp")


# ------------------------------------------------------------------------------------------------------ in use


def test_every_linear_layer_of_every_model_is_split_somewhere():
    """Declarations name their axes: at real sizes the presets leave no large matrix whole."""
    mesh = make_mesh(fsdp=4, tensor=2)
    whole = []
    for model_type in models.TABLE:
        published = list(load_cases(model_type).PUBLISHED.values())
        for name, head in models.module(model_type).HEADS.items():
            sizes = next((sizes for sizes, heads in published if name in heads), published[0][0])
            config = jf.AutoConfig.for_model(model_type, **sizes)
            declared = spec.unstack(head.declare(config))  # as files hold it
            shardings = spec.flatten(sharding.plan(declared, mesh, "fsdp+tensor").shardings)
            for at, p in spec.flatten(declared).items():
                if p.size > 2**20 and shardings[at].is_fully_replicated:
                    whole.append(f"{name}: {at} {p.shape} {p.axes}")
    assert not whole


@pytest.mark.parametrize("stack", [False, True])
def test_a_step_keeps_the_shardings_and_one_program(stack):
    config = jf.AutoConfig.for_model(
        "bert", vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    model = jf.init(config, "ForMaskedLM", stack=stack, mesh=MESH, rules="fsdp+tensor")
    ids = jax.device_put(jnp.ones((4, 6), jnp.int32), NamedSharding(MESH, P("data")))
    placed = jax.tree.map(lambda x: x.sharding, model.params)
    traces = []

    @functools.partial(jax.jit, out_shardings=(placed, None))
    def step(params):
        traces.append(1)
        loss, grads = jax.value_and_grad(lambda p: model.apply(p, input_ids=ids, labels=ids).loss)(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), loss

    params, first = step(model.params)
    for old, new in zip(jax.tree.leaves(model.params), jax.tree.leaves(params), strict=True):
        assert new.sharding == old.sharding
    params, second = step(params)
    assert len(traces) == 1
    assert step._cache_size() == 1
    assert second < first
