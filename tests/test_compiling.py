"""Programs for chips that are not there: what is counted, what is refused, and, slowly, published sizes on TPUs."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

import jaxformers as jf
from jaxformers import cli, models, sharding, spec
from jaxformers.cli.compile import axes
from jaxformers.compiling import hlo, operations, program, topology
from jaxformers.errors import JaxformersError

SIZES = dict(vocab_size=64, hidden_size=16, num_hidden_layers=3, num_attention_heads=4, intermediate_size=32)


def head_of(model_type="llama", head="ForCausalLM", **sizes):
    config = jf.AutoConfig.for_model(model_type, **(sizes or SIZES))
    return config, *models.find_head(config, head)


# ------------------------------------------------------------------------------------------------------ operations


def test_products_are_counted_as_often_as_they_run():
    x, w = jnp.ones((4, 8)), jnp.ones((3, 8, 8))

    def layers(x, w):
        return jax.lax.scan(lambda x, w: (jax.checkpoint(lambda x: jnp.tanh(x @ w))(x), None), x, w)[0]

    assert operations.operations(layers, x, w) == 3 * 2 * 4 * 8 * 8
    assert operations.operations(lambda x: jax.lax.cond(x[0, 0] > 0, lambda x: x @ w[0], lambda x: x, x), x) == 512
    image, filters = jnp.ones((1, 6, 6, 4)), jnp.ones((3, 3, 2, 8))
    convolve = lambda x, w: jax.lax.conv_general_dilated(  # noqa: E731
        x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=2
    )
    assert operations.operations(convolve, image, filters) == 2 * 4 * 4 * 8 * 3 * 3 * 2
    sizes = jnp.asarray([1, 3], jnp.int32)
    assert operations.operations(lambda x, w: jax.lax.ragged_dot(x, w, sizes), x, w[:2]) == 2 * 4 * 8 * 8


def test_a_decoders_operations_are_six_a_parameter_and_token_and_its_attention():
    config, _, head = head_of()
    made = program(config, head, sharding.mesh(fsdp=8), "fsdp", batch=8, length=32)
    params = spec.abstract(made.plan.declared, jnp.bfloat16)

    def inputs(n):
        ids = jax.ShapeDtypeStruct((8, n), jnp.int32)
        return params, {"input_ids": ids, "labels": ids}

    with jf.running(attention="eager"):
        whole = 3 * operations.useful(made.forward, inputs, 32, causal=False)
        seen = 3 * operations.useful(made.forward, inputs, 32, causal=True)
    products = sum(
        p.size for path, p in spec.paths(made.plan.declared) if "embed_tokens" not in path and len(p.shape) > 1
    )
    products -= sum(p.size for path, p in spec.paths(made.plan.declared) if "layernorm" in str(path))
    tokens, pairs = 8 * 32, 8 * 32 * 32
    attention = 3 * 4 * pairs * 3 * 16  # three passes of two products, in three layers 16 wide
    assert whole == 6 * products * tokens + attention
    assert seen == whole - attention // 2


def test_experts_count_for_the_tokens_that_they_read(monkeypatch):
    """Where experts' products are grouped, as on TPUs; a CPU has every expert read every token."""
    sizes = SIZES | dict(num_local_experts=8, num_experts_per_tok=2, num_key_value_heads=4)
    config, _, head = head_of("mixtral", "ForCausalLM", **sizes)
    params = spec.abstract(spec.stack(head.declare(config)), jnp.bfloat16)
    ids = {"input_ids": jax.ShapeDtypeStruct((2, 8), jnp.int32)}
    monkeypatch.setattr("jaxformers.nn.moe.platform", lambda: "tpu")

    def forward(params, inputs):
        return head.apply(params, config, **inputs).logits

    found = operations.operations(forward, params, ids, only=operations.RAGGED)
    assert found == 3 * 3 * 2 * (2 * 8 * 2) * 16 * 32  # layers, projections, two a product, tokens read, sizes


# ------------------------------------------------------------------------------------------------------ programs


def test_the_training_step_that_is_compiled_is_one_that_trains():
    config, _, head = head_of()
    mesh = sharding.mesh(fsdp=4, tensor=2)
    made = program(config, head, mesh, "fsdp+tensor", batch=8, length=16, tx=optax.adamw(1e-2))
    step = made.lower().compile()
    params = jax.device_put(spec.init(made.plan.declared, jax.random.key(0)), made.plan.shardings)
    state = jax.device_put(optax.adamw(1e-2).init(params), jax.tree.map(lambda x: x.sharding, made.arguments[1]))
    ids = jnp.asarray(np.random.default_rng(0).integers(0, 64, (8, 16)), jnp.int32)
    batch = jax.device_put({"input_ids": ids, "labels": ids}, jax.tree.map(lambda x: x.sharding, made.arguments[2]))
    losses = []
    for _ in range(3):
        params, state, loss = step(params, state, batch)
        losses.append(float(loss))
    assert losses[2] < losses[1] < losses[0]
    assert params["model"]["layers"]["mlp"]["up_proj"]["weight"].sharding.spec == P(None, "tensor", "fsdp")


@pytest.mark.parametrize(
    ("model_type", "head", "sizes", "labels"),
    [
        ("bert", "ForSequenceClassification", SIZES, (8,)),
        ("vit", "ForImageClassification", dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2), (8,)),
        (
            "t5",
            "ForConditionalGeneration",
            dict(d_model=16, num_layers=1, num_heads=2, d_ff=8, d_kv=8, decoder_start_token_id=0),
            (8, 32),
        ),
        ("whisper", "ForConditionalGeneration", dict(d_model=24, encoder_layers=1, decoder_layers=1), (8, 32)),
    ],
)
def test_every_kind_of_head_has_its_inputs(model_type, head, sizes, labels):
    config, _, head = head_of(model_type, head, **sizes)
    made = program(config, head, sharding.mesh(data=8), "data", batch=8, length=32)
    assert made.arguments[2]["labels"].shape == labels
    assert made.lower().out_info[2].shape == ()


@pytest.mark.parametrize("step", ["prefill", "decode"])
def test_a_prompt_and_a_token(step):
    config, _, head = head_of()
    made = program(config, head, sharding.mesh(data=2, tensor=4), "data+tensor", step=step, batch=2, length=32)
    keys = made.arguments[1]["layers"]["k"]
    assert keys.shape == (3, 2, 4, 33, 4)
    assert keys.sharding.spec == P(None, "data", "tensor")
    assert made.arguments[2]["input_ids"].shape == (2, 32 if step == "prefill" else 1)
    assert made.lower().out_info[0].shape == (2, 64)


def test_what_is_not_said_follows_from_what_is():
    """The head from the step, and a row for each part that the rules cut a batch into."""
    from jaxformers.compiling.report import _head

    for model_type, step, head in (
        ("llama", "train", "LlamaForCausalLM"),
        ("vit", "train", "ViTForImageClassification"),
        ("bert", "decode", "BertLMHeadModel"),
        ("t5", "decode", "T5ForConditionalGeneration"),
    ):
        config = jf.AutoConfig.for_model(model_type)
        assert _head(config, None, step)[0] == head
    assert _head(config.replace(architectures=("T5Model",)), None, "train")[0] == "T5Model"
    config, _, head = head_of()
    mesh = sharding.mesh(data=2, fsdp=2, tensor=2)
    for rules, rows in (("fsdp+tensor", 4), ("data", 2), ("tensor", 2), ("auto", 2)):
        made = program(config, head, mesh, rules, length=8)
        assert made.arguments[2]["input_ids"].shape == (rows, 8), rules


def test_steps_that_can_not_be():
    config, _, head = head_of(head="Model")
    mesh = sharding.mesh(data=8)
    for step, problem in (("train", "a head with a loss is needed to train"), ("sing", "step must be one of train")):
        with pytest.raises(JaxformersError, match=problem):
            program(config, head, mesh, "data", step=step, batch=8)
    config, _, head = head_of("bert", "ForMaskedLM")
    with pytest.raises(JaxformersError, match="a head that writes words is needed for decode"):
        program(config, head, mesh, "data", step="decode", batch=8)
    with pytest.raises(JaxformersError, match="batch must be positive, got 0"):
        program(config, head, mesh, "data", batch=0)


# ------------------------------------------------------------------------------------------------------ text

TEXT = """HloModule jit_step
%add (x: f32[], y: f32[]) -> f32[] {
  ROOT %s = f32[] add(%x, %y)
}

%fused_gather (p: bf16[8,16]) -> bf16[32,16] {
  ROOT %g = bf16[32,16]{1,0} all-gather(%p), replica_groups=[4,4]<=[16], dimensions={0}
}

%body (state: (s32[], bf16[8,16])) -> (s32[], bf16[8,16]) {
  %fusion.1 = bf16[8,16]{1,0:T(8,128)} fusion(%a), kind=kOutput, backend_config={"estimated_cycles":"100"}
  %all-gather.1 = bf16[32,16]{1,0} all-gather(%fusion.1), replica_groups=[4,4]<=[16], num_dims:1
  %other.7 = bf16[8,16]{1,0} custom-call(%a), custom_call_target="AllocateBuffer", backend_config={"text":"
}, more"}
  %splash.7 = bf16[8,16]{1,0} custom-call(%a), custom_call_target="tpu_custom_call"
  ROOT %t = (s32[], bf16[8,16]) tuple(%i, %fusion.1)
}

%condition (state: (s32[], bf16[8,16])) -> pred[] {
  %constant.3 = s32[]{:T(128)} constant(24)
  %i = s32[] get-tuple-element(%state), index=0
  ROOT %lt = pred[] compare(%i, %constant.3), direction=LT
}

%wide (state: (s32[], bf16[8,16], s32[])) -> pred[] {
  %i.1 = s32[] get-tuple-element(%state), index=0
  %n.1 = s32[] get-tuple-element(%state), index=2
  ROOT %lt = pred[] compare(%i.1, %n.1), direction=LT
}

%short (state: (s32[], bf16[8,16], s32[])) -> (s32[], bf16[8,16], s32[]) {
  %copy.2 = bf16[8,16] copy(%p), backend_config={"estimated_cycles":"10"}
}

ENTRY %main (p: bf16[8,16]) -> bf16[8,16] {
  %w = (s32[], bf16[8,16]) while(%init), condition=%condition, body=%body
  %bound = s32[] constant(3)
  %start = (s32[], bf16[8,16], s32[]) tuple(%zero, %p, %bound)
  %v = (s32[], bf16[8,16], s32[]) while(%start), condition=%wide, body=%short
  %u = (s32[], bf16[8,16], s32[]) while(%other), condition=%wide, body=%short
  %copy = bf16[8,16] copy(%p), backend_config={"estimated_cycles":"7"}
  %all-reduce-scatter.2 = f32[4]{0} fusion(%p), kind=kCustom, calls=%x, replica_groups={{0,1},{2,3}}
  %all-reduce.5 = (f32[16]{0}, bf16[8,16]{1,0}) all-reduce(%p, %q), replica_groups=mesh['a'=4,'b'=4] {'b'}, num_dims:2
  %collective-permute-start = (bf16[8,16], bf16[8,16], u32[], u32[]) collective-permute-start(%p)
  %f = bf16[32,16] fusion(%p), kind=kCustom, calls=%fused_gather
}
"""


def test_loops_count_as_often_as_they_run():
    found = hlo.cost(TEXT)
    assert found.cycles == 24 * 100 + 7 + 3 * 10 + 10
    assert found.unknown == 1
    assert found.kernels == {"splash": 24}
    assert found.counts == {
        "all-gather": 25, "reduce-scatter": 1, "all-reduce": 1, "collective-permute": 1,
    }  # fmt: skip
    array = 8 * 16 * 2
    assert found.bytes == {
        "all-gather": 25 * 4 * array, "reduce-scatter": 2 * 16, "all-reduce": 64 + array, "collective-permute": array,
    }  # fmt: skip
    assert found.moves[0] == (24 * 4 * array * 3 / 4, 1)
    assert (2 * 3 / 4 * (64 + array), 2) in found.moves


# ------------------------------------------------------------------------------------------------------ command


def test_topologies_and_meshes_that_can_not_be():
    with pytest.raises(JaxformersError, match=r"must be a chip and its grid, .* got 'v5:2x2'; chips: v5"):
        topology("v5:2x2")
    with pytest.raises(JaxformersError, match="must be axes and sizes, as in 'fsdp=-1,tensor=4', got 'fsdp:4'"):
        axes("fsdp:4")
    with pytest.raises(JaxformersError, match=r"rules 'fsdp\+tensor' go over fsdp, tensor, whose sizes must be given"):
        sharding.axes_for("fsdp+tensor")
    assert axes("fsdp=-1, tensor=4") == {"fsdp": -1, "tensor": 4}
    assert sharding.axes_for("zero1") == sharding.axes_for("fsdp") == {"fsdp": -1}
    assert sharding.axes_for("data") == {"data": -1}
    assert sharding.axes_for("sequence") == {"tensor": -1}
    with pytest.raises(JaxformersError, match="rules 'auto' are chosen for a mesh"):
        sharding.axes_for("auto")


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is not None, reason="libtpu is installed")
def test_without_the_compiler_the_command_names_the_extra(capsys):
    assert cli.main(["compile", "gpt2", "--head", "LMHeadModel", "--topology", "v5e:2x2"]) == 1
    told = "libtpu, the TPU compiler, is not installed; pip install 'jaxformers[tpu]'"
    assert told in capsys.readouterr().err


def compiled(*words: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "jaxformers", "compile", *words, "--json"], capture_output=True, text=True
    )
    assert done.returncode in (0, 2), done.stderr
    return json.loads(done.stdout)


TPU = pytest.mark.skipif(importlib.util.find_spec("libtpu") is None, reason="needs the extra tpu")


@TPU
@pytest.mark.slow
def test_a_tpu_that_is_not_there():
    got = compiled("gpt2", "--topology", "v5e:2x2", "--length", "1024")
    assert got["head"] == "GPT2LMHeadModel"
    assert got["fits"]
    assert got["devices"] == 4
    assert got["mesh"] == {"fsdp": 4}
    assert got["memory"]["total"] < got["memory"]["limit"] == 16 << 30
    assert abs(got["memory"]["arguments"] / (124_439_808 * 12 / 4) - 1) < 0.05  # float32 and AdamW's two moments
    assert 0 < got["share_of_peak"][1] <= got["share_of_peak"][0] < 1
    small = compiled("llama", "--head", "ForCausalLM", "--topology", "v5e:2x2", "--step", "decode")
    assert small["fits"]
    assert small["parameters"] == 6_738_415_616
    large = compiled("llama", "--head", "ForCausalLM", "--topology", "v5e:2x2")
    assert not large["fits"]
    assert "15.75G" in large["problem"]


SCALING = pathlib.Path(__file__).parents[1] / "benchmarks" / "scaling.py"


def rows() -> list:
    """The rows of docs/scaling.md."""
    made = importlib.util.spec_from_file_location("scaling", SCALING)
    module = importlib.util.module_from_spec(made)
    sys.modules["scaling"] = module
    made.loader.exec_module(module)
    return list(enumerate(module.ROWS))


@TPU
@pytest.mark.slow
@pytest.mark.parametrize(("number", "row"), rows(), ids=lambda x: getattr(x, "name", x))
def test_published_models_fit(number, row):
    """Compiled at their published sizes, with the rules that the documentation recommends."""
    words = [sys.executable, str(SCALING), "--row", str(number)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    assert got["fits"], got["problem"]
    assert got["memory"]["total"] < got["memory"]["limit"]
    assert 0 < got["share_of_peak"][1] <= got["share_of_peak"][0] < 1
    assert got["step"] == row.step
    assert got["notes"] == []  # nothing was counted by halves, and no axis stayed whole against the rules
