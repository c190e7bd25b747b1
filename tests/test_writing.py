"""Text generation: the reference's tokens, one program a bucket, sampling, streaming and bad input."""

from __future__ import annotations

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import GOLDENS, load_cases
from support.fill import fill
from support.writing import CASES, MODELS, OPTIONS, PAD, options, prompts, unequal

import jaxformers as jf
from jaxformers import models, spec
from jaxformers.generation import loop
from jaxformers.generation.rules import Seen

GOLDEN = json.loads((GOLDENS / "writing.json").read_text())
IDS = np.array([[5, 6, 7, 8, 9]])


@functools.cache
def model(name: str, stacked: bool = False) -> jf.Model:
    model_type, case, head = MODELS[name]
    config = jf.AutoConfig.for_model(model_type, **load_cases(model_type).CASES[case].config)
    name, found = models.find_head(config, head)
    declared = found.declare(config)
    params = spec.map_named(lambda path, p: jnp.asarray(fill(spec.names(path)[0], p.shape)), declared)
    return jf.Model(jf.stack(params) if stacked else params, config, found, name)


def start(name: str) -> dict:
    return {"decoder_start_token_id": 0} if name == "t5" else {}


@pytest.mark.parametrize(("name", "what"), CASES)
def test_equals_the_reference(name, what):
    ids, mask = prompts(unequal(what))
    expected = GOLDEN[f"{name}/{what}"]
    beams = OPTIONS[what].get("num_beams", 1) > 1
    flags = {"return_dict_in_generate": True, "output_scores": True} if beams else {}
    out = jf.generate(model(name), ids, mask, **options(what), **start(name), **flags)
    np.testing.assert_array_equal(out.sequences if beams else out, expected["sequences"])
    if beams:
        np.testing.assert_allclose(out.sequences_scores, expected["scores"], atol=2e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("beams", [1, 3])
def test_a_stack_writes_the_same(name, beams):
    kwargs = {"max_new_tokens": 8, "num_beams": beams, "pad_token_id": PAD, **start(name)}
    expected = model(name).generate(IDS, **kwargs)
    np.testing.assert_array_equal(model(name, stacked=True).generate(IDS, **kwargs), expected)


def test_padding_and_neighbours_do_not_change_a_sampled_row():
    kwargs = {"max_new_tokens": 8, "do_sample": True, "key": jax.random.key(3), "eos_token_id": None}
    alone = jf.generate(model("gpt2"), IDS, **kwargs)
    batch = np.array([[3, 4, 5, 6, 7, 8, 9], [0, 0, *IDS[0]], [0, 0, *IDS[0]]])
    mask = np.array([[1] * 7, [0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1, 1]])
    together = jf.generate(model("gpt2"), batch, mask, **kwargs)
    np.testing.assert_array_equal(together[1, 7:], alone[0, 5:])
    assert (together[2, 7:] != together[1, 7:]).any()  # equal prompts in one call are drawn apart
    assert (jf.generate(model("gpt2"), IDS, **{**kwargs, "key": jax.random.key(4)}) != alone).any()


def test_sampling_follows_the_processed_distribution():
    draws, top_k, temperature = 20_480, 6, 1.5
    kwargs = {"do_sample": True, "top_k": top_k, "temperature": temperature, "num_return_sequences": draws // 8}
    counts = np.zeros(model("gpt2").config.vocab_size)
    for seed in range(8):
        out = jf.generate(model("gpt2"), IDS, max_new_tokens=1, key=jax.random.key(seed), **kwargs)
        counts += np.bincount(out[:, -1], minlength=len(counts))
    logits = np.asarray(model("gpt2")(input_ids=IDS).logits[0, -1], np.float64) / temperature
    logits[logits < np.sort(logits)[-top_k]] = -np.inf
    expected = draws * np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    support = expected > 0
    assert counts.sum() == draws
    assert counts[~support].sum() == 0
    chi_square = ((counts - expected)[support] ** 2 / expected[support]).sum()
    assert chi_square < 20.5  # 5 degrees of freedom, p = 0.001


def test_calls_in_one_bucket_share_a_program():
    kwargs = {"eos_token_id": None, "pad_token_id": PAD}
    jf.generate(model("llama"), IDS, max_new_tokens=4, **kwargs)
    programs = loop.run._cache_size()
    for width, new in ((3, 9), (7, 6), (11, 2)):
        ids = np.arange(5, 5 + width)[None]
        out = jf.generate(model("llama"), ids, max_new_tokens=new, **kwargs)
        assert out.shape == (1, width + new)
    assert loop.run._cache_size() == programs


@pytest.mark.parametrize("name", MODELS)
def test_a_stream_yields_what_generate_writes(name):
    kwargs = {"max_new_tokens": 7, "pad_token_id": PAD, "eos_token_id": 35, **start(name)}
    ids, mask = prompts(unequal=True)
    whole = jf.generate(model(name), ids, mask, **kwargs)
    tokens = np.stack(list(jf.stream(model(name), ids, mask, **kwargs)), 1)
    np.testing.assert_array_equal(tokens, whole[:, whole.shape[1] - tokens.shape[1] :])


def test_a_stream_stops_with_its_consumer(monkeypatch):
    steps = []
    advance = loop.advance
    monkeypatch.setattr(loop, "advance", lambda *a: steps.append(1) or advance(*a))
    stream = jf.stream(model("gpt2"), IDS, max_new_tokens=12, eos_token_id=None)
    next(stream), next(stream)
    stream.close()
    assert len(steps) == 1


def test_scores_of_every_step():
    kwargs = {"max_new_tokens": 4, "eos_token_id": None, "return_dict_in_generate": True, "output_scores": True}
    out = jf.generate(model("gpt2"), IDS, **kwargs)
    logits = model("gpt2")(input_ids=out.sequences[:, :-1]).logits[0, -4:]
    assert len(out.scores) == 4
    np.testing.assert_allclose(np.stack(out.scores)[:, 0], logits, atol=1e-4)


def test_default_length_is_twenty_new_tokens():
    ids = np.array([[5, 6, 7]])
    assert jf.generate(model("llama"), ids, eos_token_id=None).shape == (1, 23)
    assert jf.generate(model("llama"), IDS, eos_token_id=None).shape == (1, 24)  # what the config has positions for


@pytest.mark.parametrize(
    ("ids", "mask", "options", "word"),
    [
        (np.zeros((1, 0), int), None, {}, "at least one token"),
        ([[1, 67]], None, {}, "input_ids must lie in"),
        (IDS, [[0] * 5], {}, "rows \\[0\\] of input_ids have none"),
        (IDS, [[1, 1, 1, 0, 0]], {}, "padded on the left"),
        (IDS, None, {"max_length": 5}, "max_length must be above the prompt's 5"),
        (np.full((1, 30), 5), None, {}, "must fit 24 positions"),
        (IDS, None, {"num_return_sequences": 2}, "num_return_sequences must be 1"),
        (IDS, None, {"num_beams": 2, "num_return_sequences": 3}, "at most num_beams"),
        (IDS, None, {"temperature": 0.0}, "temperature must be above 0"),
        (IDS, None, {"top_p": 1.2}, "top_p must lie in"),
        (IDS, None, {"min_new_tokens": 9, "max_new_tokens": 3}, "min_new_tokens must be at most"),
        (IDS, None, {"max_new_token": 3}, "max_new_tokens"),
    ],
)
def test_bad_input_is_one_clear_error(ids, mask, options, word):
    programs = loop.run._cache_size()
    with pytest.raises(jf.JaxformersError, match=word):
        jf.generate(model("gpt2"), ids, mask, **options)
    assert loop.run._cache_size() == programs


def test_a_model_that_does_not_write():
    vit = jf.init(jf.AutoConfig.for_model("bert", **load_cases("bert").CASES[0].config), "BertModel")
    with pytest.raises(jf.InputError, match="writes text"):
        vit.generate(IDS)


def test_config_files(tmp_path):
    config = jf.GenerationConfig(max_new_tokens=7, num_beams=2, bad_words_ids=[[3], [1, 4]], eos_token_id=[35, 54])
    config.save_pretrained(tmp_path)
    config.replace(num_beams=4).save_pretrained(tmp_path, "four.json")
    held = json.loads((tmp_path / "generation_config.json").read_text())
    assert held == {"max_new_tokens": 7, "num_beams": 2, "bad_words_ids": [[3], [1, 4]], "eos_token_id": [35, 54]}
    assert jf.GenerationConfig.from_pretrained(tmp_path) == config
    assert jf.GenerationConfig.from_pretrained(tmp_path, "four.json").num_beams == 4
    (tmp_path / "new.json").write_text('{"transformers_version": "4.57.6", "top_k": 7}')
    kept = jf.GenerationConfig.from_pretrained(tmp_path, "new.json")
    assert kept.top_k == 7
    assert kept.to_dict() == {"transformers_version": "4.57.6", "top_k": 7}


def test_the_call_wins_over_the_config_given_and_that_over_the_models():
    gpt2 = model("gpt2")
    base = jf.GenerationConfig(max_new_tokens=3, eos_token_id=None)
    assert jf.generate(gpt2, IDS, generation_config=base).shape == (1, 8)
    assert jf.generate(gpt2, IDS, generation_config=base, max_new_tokens=6).shape == (1, 11)


def test_rules_of_your_own():
    out = jf.generate(model("gpt2"), IDS, max_new_tokens=3, eos_token_id=None, logits_rules=(_only_eleven,))
    assert (out[0, 5:] == 11).all()


def _only_eleven(seen: Seen, logits):
    return jnp.where(jnp.arange(logits.shape[-1]) == 11, logits, -jnp.inf)
