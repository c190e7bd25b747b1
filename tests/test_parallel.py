"""Models over a mesh: positions, heads, experts and the stream between layers split, and all comes out as on one."""

import functools
import re

import jax
import numpy as np
import pytest
from jax.sharding import Mesh
from support.fill import fill, relative_error

import jaxformers as jf
from jaxformers import sharding, spec

B, S, V = 4, 16, 64
SMALL = dict(vocab_size=V, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
T5 = dict(vocab_size=V, d_model=32, d_kv=8, d_ff=48, num_layers=3, num_heads=4, relative_attention_num_buckets=8)
EXPERTS = {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4, "output_router_logits": True}
VIT = {**{n: v for n, v in SMALL.items() if n != "vocab_size"}, "patch_size": 6, "num_labels": 4}
MODELS = {
    "llama": ("LlamaForCausalLM", {**SMALL, "num_key_value_heads": 2}),
    "mistral": ("MistralForCausalLM", {**SMALL, "num_key_value_heads": 1, "sliding_window": 5}),
    "t5": ("T5ForConditionalGeneration", {**T5, "decoder_start_token_id": 0, "dropout_rate": 0.0}),
    "vit": ("ViTForImageClassification", {**VIT, "image_size": (18, 30)}),  # and one token: 16 positions
    "vit, 17": ("ViTForImageClassification", {**VIT, "image_size": 24}),
    "mixtral": ("MixtralForCausalLM", EXPERTS),
    "gpt_oss": ("GptOssForCausalLM", {**EXPERTS, "head_dim": 8, "num_experts_per_tok": 2, "rope_scaling": None}),
    "switch_transformers": (
        "SwitchTransformersForConditionalGeneration",
        {**T5, "num_layers": 2, "num_experts": 4, "decoder_start_token_id": 0, "num_sparse_encoder_layers": 1}
        | {"num_sparse_decoder_layers": 1, "expert_capacity": 5},
    ),
}


def _filled(path, p):
    held = [fill(n, p.shape[len(p.stacked) :]) for n in spec.names(path)]
    return np.stack(held).reshape(p.shape)


@functools.cache
def subject(name: str):
    """(head, config, stacked weights, inputs)."""
    head, values = MODELS[name]
    config = jf.AutoConfig.for_model(name.split(",")[0], **values)
    model = jf.init(config, head)
    params = spec.map_named(_filled, spec.stack(model.head.declare(config)))
    rng = np.random.default_rng(0)
    ids = rng.integers(3, V, (B, S), dtype=np.int32)
    mask = np.ones((B, S), np.int32)
    mask[1, -3:] = 0
    if name.startswith("vit"):
        height, width = np.broadcast_to(config.image_size, 2)
        pixels = rng.standard_normal((B, 3, height, width)).astype(np.float32)
        return model.head, config, params, {"pixel_values": pixels, "labels": np.arange(B, dtype=np.int32)}
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": np.where(mask == 1, ids, -100).astype(np.int32)}
    return model.head, config, params, inputs


def step(name: str):
    head, config, _, _ = subject(name)

    def loss(params, inputs):
        out = head.apply(params, config, **inputs)
        return out.loss, out.logits

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


@functools.cache
def alone(name: str):
    _, _, params, inputs = subject(name)
    return jax.device_get(step(name)(params, inputs))


def mesh(**axes) -> Mesh:
    n = int(np.prod(list(axes.values())))
    return Mesh(np.asarray(jax.devices()[:n]).reshape(tuple(axes.values())), tuple(axes))


def compare(name: str, axes: dict[str, int], rules: str, **running) -> str:
    """Loss, logits and all gradients over a mesh against one device's; returns the compiled program's text."""
    head, config, params, inputs = subject(name)
    devices = mesh(**axes)
    plan = sharding.plan(spec.stack(head.declare(config)), devices, rules)
    params = jax.device_put(params, plan.shardings)
    inputs = {n: jax.device_put(x, plan.batch(x.ndim)) for n, x in inputs.items()}
    with jf.running(mesh=devices, rules=rules, **running):
        compiled = step(name).lower(params, inputs).compile()
    got = jax.tree.leaves(jax.device_get(compiled(params, inputs)))
    expected = jax.tree.leaves(alone(name))
    largest = max(np.linalg.norm(x) for x in expected)
    for a, b in zip(got, expected, strict=True):
        assert relative_error(a, b) <= 1e-5 or np.linalg.norm(a - b) <= 1e-7 * largest
    return compiled.as_text()


CONTEXT = {
    "context": ({"context": 4}, "context"),
    "context and data": ({"data": 2, "context": 4}, "context"),
    "all three": ({"data": 2, "context": 2, "tensor": 2}, "context+tensor"),
}


@pytest.mark.parametrize("form", ["gather", "ring"])
@pytest.mark.parametrize("name", ["llama", "mistral", "t5", "vit", "mixtral"])
def test_positions_over_devices(name, form):
    text = compare(name, *CONTEXT["all three"], context=form)
    assert {"gather": "all-gather", "ring": "collective-permute"}[form] in text


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_positions_over_more_devices(name):
    compare(name, *CONTEXT["context"], context="ring", remat="full")
    compare(name, *CONTEXT["context and data"], remat="dots")


def test_positions_that_do_not_divide_stay_whole():
    compare("vit, 17", *CONTEXT["all three"], context="ring")


@pytest.mark.parametrize("name", ["llama", "t5", "vit", "mixtral"])
def test_tensor_parallelism_with_the_stream_split(name):
    """The stream that each layer's gradient keeps is a part of the positions; heads and experts see all of them."""
    devices = {"data": 2, "tensor": 4}
    part, whole = (f"f32[2,{B // 2},{length},32]" for length in (S // 4, S))
    text = compare(name, devices, "tensor+sequence", remat="full")
    assert part in text
    assert whole not in text
    assert "all-gather" in text
    assert re.search("reduce-scatter|all-reduce|all-to-all", text)
    assert whole in compare(name, devices, "tensor", remat="full")


@pytest.mark.parametrize("name", ["mixtral", "gpt_oss", "switch_transformers"])
@pytest.mark.parametrize(
    ("axes", "rules"),
    [({"expert": 4}, "expert"), ({"expert": 2, "fsdp": 2, "tensor": 2}, "expert+fsdp+tensor+sequence")],
)
def test_experts_over_devices(name, axes, rules):
    assert "all-to-all" in compare(name, axes, rules)


def test_experts_and_positions_over_devices():
    text = compare("mixtral", {"expert": 2, "context": 2, "tensor": 2}, "expert+context+tensor", context="ring")
    assert "all-to-all" in text
    assert "collective-permute" in text


def test_heads_stay_whole_where_they_are_too_few():
    """Two heads of keys over four devices: each has both, and none half of one, which positions could not turn."""
    assert "all-to-all" not in compare("llama", {"tensor": 4}, "tensor")
