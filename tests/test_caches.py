"""Caches: rings, quantised and sharded ones, an encoder's keys kept once, and no copies of any."""

import jax
import numpy as np
import pytest
from jax.sharding import Mesh
from support.case import load_cases
from support.fill import fill, relative_error

import jaxformers as jf
from jaxformers import nn, spec
from jaxformers.generation import loop
from jaxformers.generation.call import Call

IDS = np.random.default_rng(5).integers(3, 60, (2, 9)).astype(np.int32)


def build(model_type: str, head: str, stacked: bool = False, **config) -> jf.Model:
    config = jf.AutoConfig.for_model(model_type, **{**load_cases(model_type).TINY, **config})
    model = jf.init(config, head)
    model = model.replace(params=spec.map_named(lambda path, p: fill(spec.names(path)[0], p.shape), model.params))
    return model.replace(params=jf.stack(model.params)) if stacked else model


def slots(cache) -> set[int]:
    return {x.shape[-2] for x in jax.tree.leaves(cache["layers"])}


@pytest.mark.parametrize("stacked", [False, True], ids=["list", "stack"])
@pytest.mark.parametrize("pieces", [(9,), (1,) * 9, (2, 5, 1, 1), (3, 1, 5)])
def test_a_ring_holds_what_a_window_sees(pieces, stacked):
    model = build("mistral", "MistralForCausalLM", stacked)
    mask = np.ones(IDS.shape, np.int32)
    mask[1, :3] = 0
    positions = np.maximum(np.cumsum(mask, -1) - 1, 0)
    whole = model(input_ids=IDS, attention_mask=mask, position_ids=positions).logits
    cache, parts, at = model.init_cache(2, 12), [], 0
    assert slots(cache) == {4}
    for n in pieces:
        part = {"input_ids": IDS, "attention_mask": mask, "position_ids": positions}
        part = {name: x[:, at : at + n] for name, x in part.items()}
        out = model(**part, past_key_values=cache)
        cache, at = out.past_key_values, at + n
        parts.append(out.logits)
    real = mask.astype(bool)
    assert relative_error(np.concatenate(parts, 1)[real], np.asarray(whole)[real]) <= 1e-5


def test_no_ring_where_all_tokens_fit_or_must_be_kept():
    model = build("mistral", "MistralForCausalLM")
    assert slots(model.init_cache(1, 3)) == {3}
    kept = model.head.cache(model.config, 1, 12, model.dtype, False, ring=False)
    assert slots(kept) == {12}
    assert nn.cache.can_rewind(kept)
    assert not nn.cache.can_rewind(model.init_cache(1, 12))


@pytest.mark.parametrize("stacked", [False, True], ids=["list", "stack"])
@pytest.mark.parametrize(("model_type", "head"), [("gpt2", "LMHeadModel"), ("mistral", "ForCausalLM")])
def test_an_int8_cache_is_a_quarter_and_near(model_type, head, stacked):
    model = build(model_type, head, stacked)
    exact = model(input_ids=IDS, past_key_values=model.init_cache(2, 12))
    out = model(input_ids=IDS[:, :5], past_key_values=model.init_cache(2, 12, "int8"))
    out = model(input_ids=IDS[:, 5:], past_key_values=out.past_key_values)
    assert 1e-4 < relative_error(out.logits, np.asarray(exact.logits[:, 5:])) < 0.03
    cache = out.past_key_values
    held = {str(x.dtype) for x in jax.tree.leaves(cache["layers"])}
    assert held == {"int8", "float32"}
    size = sum(x.nbytes for x in jax.tree.leaves(exact.past_key_values["layers"]))
    small = sum(x.nbytes for x in jax.tree.leaves(cache["layers"]) if x.dtype == np.int8)
    assert small * 4 == size


def test_generate_with_an_int8_cache():
    model = build("gpt2", "LMHeadModel", eos_token_id=None)
    out = model.generate(IDS, max_new_tokens=6, cache_implementation="quantized", cache_config={"nbits": 8})
    cache, new, expected = model.init_cache(2, 32, "int8"), IDS, []
    for _ in range(6):
        step = model(input_ids=new, past_key_values=cache)
        new, cache = np.asarray(step.logits[:, -1:].argmax(-1)), step.past_key_values
        expected.append(new)
    np.testing.assert_array_equal(out[:, 9:], np.concatenate(expected, 1))
    with pytest.raises(jf.InputError, match="nbits=8, got 4"):
        model.generate(IDS, cache_implementation="quantized", cache_config={"nbits": 4})
    with pytest.raises(jf.InputError, match="cache_implementation must keep the cache on the device"):
        model.generate(IDS, cache_implementation="offloaded")


def wide(stacked: bool = False) -> jf.Model:
    config = {"hidden_size": 64, "num_hidden_layers": 8, "max_position_embeddings": 4096, "eos_token_id": None}
    return build("llama", "LlamaForCausalLM", stacked, **config)


def test_sharded_like_the_heads():
    mesh = Mesh(np.asarray(jax.devices()[:8]).reshape(2, 4), ("data", "tensor"))
    config = jf.AutoConfig.for_model("llama", **{**load_cases("llama").TINY, "eos_token_id": None})
    for stacked in (False, True):
        model = jf.init(config, "ForCausalLM", mesh=mesh, rules="tensor", stack=stacked)
        call = Call(model, IDS, max_new_tokens=5)
        state = loop.begin(call.method, call.weights, call.task)
        for _ in range(2):
            for x in jax.tree.leaves(state["state"].cache["layers"]):
                assert x.sharding.spec[x.ndim - 3] == "tensor"
            state = loop.advance(call.method, call.weights, call.task, state)
        alone = jf.init(config, "ForCausalLM", stack=stacked)
        np.testing.assert_array_equal(model.generate(IDS, max_new_tokens=5), alone.generate(IDS, max_new_tokens=5))


@pytest.mark.parametrize("stacked", [False, True], ids=["list", "stack"])
def test_a_cache_is_donated_and_never_copied(stacked):
    """In one program there is room for one cache and some layers of it; a step of a stream reuses the one given."""
    call = Call(wide(stacked), IDS[:, :6], max_new_tokens=2000)
    width = call.width + call.method.slots
    size = sum(x.size * 4 for x in jax.tree.leaves(jax.eval_shape(lambda: call.method.decoder.cache(2, width))))
    whole = loop.run.lower(call.method, call.weights, call.task).compile().memory_analysis()
    assert size < whole.temp_size_in_bytes < 1.6 * size
    state = jax.eval_shape(call.method.first, call.weights, call.task)
    step = loop.advance.lower(call.method, call.weights, call.task, state).compile().memory_analysis()
    assert step.alias_size_in_bytes > 0.95 * size
    assert step.temp_size_in_bytes < 0.5 * size


def test_an_encoders_keys_are_made_once_and_kept_once_a_prompt():
    model = build("t5", "T5ForConditionalGeneration", decoder_start_token_id=0)
    call = Call(model, IDS, num_beams=3, max_new_tokens=4)
    state = jax.eval_shape(call.method.first, call.weights, call.task)["state"]
    own, across = (
        {x.shape[0] for layer in state.cache["layers"] for x in jax.tree.leaves(f(layer))}
        for f in (lambda layer: [layer["k"], layer["v"]], lambda layer: layer["memory"])
    )
    assert (own, across) == ({6}, {2})
    assert set(state.inputs) == {"attention_mask"}


@pytest.mark.parametrize("beams", [1, 3])
def test_a_decoder_that_attends_to_an_encoder(beams):
    """The encoder's states are read once; beams that share them write what full passes say."""
    model = build("gpt2", "LMHeadModel", eos_token_id=None, add_cross_attention=True)
    rng = np.random.default_rng(1)
    states = rng.standard_normal((2, 5, model.config.n_embd)).astype(np.float32)
    source = {"encoder_hidden_states": states, "encoder_attention_mask": np.array([[1] * 5, [1, 1, 1, 0, 0]])}
    out = model.generate(IDS, num_beams=beams, max_new_tokens=4, pad_token_id=0, **source)
    other = model.generate(IDS, num_beams=beams, max_new_tokens=4, pad_token_id=0)
    assert (out != other).any()
    if beams == 1:
        for t in range(9, 13):
            logits = model(input_ids=np.pad(out[:, :t], ((0, 0), (0, 13 - t))), **source).logits
            np.testing.assert_array_equal(out[:, t], np.asarray(logits)[:, t - 1].argmax(-1))
        return
    for row in range(2):  # each prompt alone, its encoder alone
        alone = {name: x[row : row + 1] for name, x in source.items()}
        one = model.generate(IDS[row], num_beams=beams, max_new_tokens=4, pad_token_id=0, **alone)
        np.testing.assert_array_equal(out[row], one[0])
    with pytest.raises(jf.InputError, match="encoder_hidden_states must have a row for each of 2 prompts"):
        model.generate(IDS, encoder_hidden_states=states[:1])
