"""`Model`: a pytree that jit, grad, optax and orbax take; its inputs; the run context."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cases.bert import TINY

import jaxformers as jf
from jaxformers.model import arguments, run

IDS = np.arange(3, 21).reshape(2, 9)
MASK = np.array([[1] * 9, [1] * 6 + [0] * 3])


@pytest.fixture(scope="module")
def model():
    return jf.init(jf.AutoConfig.for_model("bert", **TINY), "BertForMaskedLM", key=jax.random.key(1))


def loss(model):
    return model.apply(model.params, input_ids=IDS, labels=IDS).loss


def test_grad_and_optax_take_a_model(model):
    optimiser = optax.adamw(1e-2)

    @jax.jit
    def step(model, state):
        value, grads = jax.value_and_grad(loss)(model)
        updates, state = optimiser.update(grads, state, model)
        return optax.apply_updates(model, updates), state, value

    state, values = optimiser.init(model), []
    for _ in range(8):
        model, state, value = step(model, state)
        values.append(float(value))
    assert values[-1] < 0.6 * values[0]
    assert isinstance(model, jf.Model)
    assert model.name == "BertForMaskedLM"


def test_orbax_takes_a_model(model, tmp_path):
    import orbax.checkpoint as ocp

    model = model.replace(params=jf.stack(model.params))
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", model)
        checkpointer.wait_until_finished()
        back = checkpointer.restore(tmp_path / "state", jax.tree.map(jnp.zeros_like, model))
    assert jax.tree.structure(back) == jax.tree.structure(model)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(model), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_vmap_over_models(model):
    other = jf.init(model.config, model.name, key=jax.random.key(2))
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), model, other)
    losses = jax.vmap(loss)(both)
    np.testing.assert_allclose(losses, [loss(model), loss(other)], rtol=1e-5)


def test_pickles(model):
    back = pickle.loads(pickle.dumps(model.config))
    assert back == model.config
    assert hash(back) == hash(model.config)


def test_inputs_may_be_lists_and_positions(model):
    by_list = model(IDS.tolist(), attention_mask=MASK.tolist()).logits
    by_array = model(input_ids=jnp.asarray(IDS), attention_mask=jnp.asarray(MASK)).logits
    np.testing.assert_array_equal(by_list, by_array)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"input_id": IDS}, ["input_id", "input_ids"]),
        ({"input_ids": IDS, "attention_masks": MASK, "label": IDS}, ["attention_masks", "label"]),
        ({"input_ids": [[1, 2], [3]]}, ["input_ids", "equal length"]),
        ({"input_ids": np.array([[1, TINY["vocab_size"]]])}, ["input_ids", f"[0, {TINY['vocab_size']})"]),
        ({"input_ids": np.array([[-1, 2]])}, ["input_ids", "-1"]),
        ({}, ["input_ids", "inputs_embeds"]),
    ],
)
def test_bad_inputs_are_one_clear_error(model, inputs, words):
    with pytest.raises(jf.InputError) as e:
        model(**inputs)
    assert all(word in str(e.value) for word in words), str(e.value)


def test_the_signature_names_every_argument(model):
    known = arguments(model.head.apply)
    assert {"input_ids", "attention_mask", "labels", "output_hidden_states", "key"} <= set(known)


def test_dropout_follows_the_key(model):
    def logits(key):
        return np.asarray(model(input_ids=IDS, key=key).logits)

    plain, a, b = logits(None), logits(jax.random.key(0)), logits(jax.random.key(1))
    np.testing.assert_array_equal(a, logits(jax.random.key(0)))
    assert np.abs(a - plain).max() > 1e-3
    assert np.abs(a - b).max() > 1e-3


def test_config_flags_ask_for_states(model):
    flagged = model.replace(config=model.config.replace(output_hidden_states=True))
    assert len(flagged(input_ids=IDS).hidden_states) == TINY["num_hidden_layers"] + 1
    assert flagged(input_ids=IDS, output_hidden_states=False).hidden_states is None


@pytest.mark.parametrize("attention", ["xla", "eager", "chunked"])
def test_attention_kernels_agree(model, attention):
    expected = model(input_ids=IDS, attention_mask=MASK).logits
    with jf.running(attention=attention):
        got = model(input_ids=IDS, attention_mask=MASK).logits
    np.testing.assert_allclose(got, expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("remat", ["full", "dots", "dots_no_batch"])
@pytest.mark.parametrize("stacked", [False, True])
def test_remat_changes_no_gradient(model, remat, stacked):
    model = model.replace(params=jf.stack(model.params)) if stacked else model
    plain = jax.jit(jax.grad(loss))(model)
    with jf.running(remat=remat):
        again = jax.jit(jax.grad(loss))(model)
        jaxpr = str(jax.make_jaxpr(jax.grad(loss))(model))
    assert "remat" in jaxpr
    assert "remat" not in str(jax.make_jaxpr(jax.grad(loss))(model))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_run_context_is_part_of_the_cache_key(model):
    model(input_ids=IDS)
    traces = run._cache_size()
    with jf.running(attention="xla"):
        model(input_ids=IDS)
    entered = run._cache_size()
    model(input_ids=IDS)
    assert traces < entered == run._cache_size()


def test_unknown_settings_are_refused():
    with pytest.raises(jf.InputError, match="attention must be one of"), jf.running(attention="flash9"):
        pass
    with pytest.raises(jf.InputError, match="remats"), jf.running(remats="full"):
        pass


def test_doors():
    config = jf.AutoConfig.for_model("bert", **TINY)
    assert jf.AutoModelForMaskedLM.from_config(config).name == "BertForMaskedLM"
    assert jf.AutoModel.from_config(config).name == "BertModel"
    with pytest.raises(jf.ConfigError, match="BertForImageClassification"):
        jf.AutoModelForImageClassification.from_config(config)
    with pytest.raises(jf.ConfigError, match="BertForMaskedLM"):
        jf.init(config, "BertForMaskedML")
