"""What a call of `generate` reports beside its tokens, tells a streamer, and stops at; and what it refuses."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers
from support import modes
from support.case import GOLDENS
from support.fill import read_sketches, sketch, sketch_error
from support.modes import NEGATIVE, options, prompts
from support.named import model, start
from support.writing import PAD

import jaxformers as jf
from jaxformers.generation import loop
from jaxformers.tokenization.fast import FastTokenizer

GOLDEN = json.loads((GOLDENS / "modes.json").read_text())
SKETCHES = read_sketches(GOLDENS / "modes.npz")
IDS = np.array([[10, 48, 31, 36, 37], [43, 30, 11, 25, 55]])
CONTRASTIVE = {"penalty_alpha": 0.6, "top_k": 4}
LOOK_UP = {"prompt_lookup_num_tokens": 3}


# ------------------------------------------------------------------------------------------------------ outputs


@pytest.mark.parametrize("case", modes.REPORTED)
def test_every_field_equals_the_reference(case):
    name, given = case.split("/")[0], modes.REPORTED[case]
    ids, mask = prompts(name, equal="repetition_penalty" in given)
    out = jf.generate(model(name), ids, mask, **given, **start(name))
    np.testing.assert_array_equal(out.sequences, GOLDEN[f"reported/{case}"])
    ours = modes.padded_away(name, out, mask, modes.rows_a_prompt(given))
    expected = {k.removeprefix(f"{case}/"): x for k, x in SKETCHES.items() if k.startswith(f"{case}/")}
    assert sorted(ours) == sorted(expected)
    errors = {k: sketch_error(sketch(ours[k]), x) for k, x in expected.items()}
    assert {k: e for k, e in errors.items() if e > 1e-5} == {}


@pytest.mark.parametrize("case", modes.TRANSITIONS)
def test_transition_scores_equal_the_reference(case):
    name, given = case.split("/")[0], modes.TRANSITIONS[case]
    flags = {"return_dict_in_generate": True, "output_scores": True}
    out = jf.generate(model(name), *prompts(name, equal=True), **given, **flags, **start(name))
    beams = out.get("beam_indices")
    for normal in (False, True):
        scores = jf.transition_scores(out.sequences, out.scores, beams, normalize_logits=normal)
        np.testing.assert_allclose(scores, GOLDEN[f"transitions/{case}/{normal}"], atol=2e-5)
    if beams is not None:
        scores = jf.transition_scores(out.sequences, out.scores, beams)
        lengths = (beams >= 0).sum(1)
        summed = scores.sum(1) / lengths ** given.get("length_penalty", 1.0)
        np.testing.assert_allclose(out.sequences_scores, summed, atol=2e-5)


def test_transition_scores_need_scores():
    out = jf.generate(model("gpt2"), IDS, max_new_tokens=2, eos_token_id=None, return_dict_in_generate=True)
    assert list(out) == ["sequences"]
    with pytest.raises(jf.InputError, match="output_scores"):
        jf.transition_scores(out.sequences, out.get("scores"))


# ------------------------------------------------------------------------------------------------------ rules and ends


@pytest.mark.parametrize("case", modes.PREFIXED)
def test_allowed_tokens_equal_the_reference(case):
    name = case.split("/")[0]
    given = {**modes.PREFIXED[case], "prefix_allowed_tokens_fn": modes.allowed}
    out = jf.generate(model(name), *prompts(name), **given, **start(name))
    np.testing.assert_array_equal(out, GOLDEN[f"prefixed/{case}"])


def ends_at_18(seen):
    return jax.lax.dynamic_index_in_dim(seen.tokens, seen.length - 1, 1, keepdims=False) == 18


def one_more(seen, logits):
    """The token before, plus one."""
    last = jax.lax.dynamic_index_in_dim(seen.tokens, seen.length - 1, 1, keepdims=False)
    return jnp.where(jnp.arange(logits.shape[-1]) == (last[:, None] + 1) % 60, logits, -jnp.inf)


@pytest.mark.parametrize("mode", [{}, CONTRASTIVE, LOOK_UP, {"num_beams": 2}])
def test_rules_and_ends_of_your_own(mode):
    given = {"max_new_tokens": 9, "pad_token_id": PAD, "eos_token_id": None, **mode}
    ids = np.array([[9, 9, 14], [9, 9, 52]])
    out = jf.generate(model("gpt2"), ids, **given, logits_rules=(one_more,), stopping_rules=(ends_at_18,))
    new = [[15, 16, 17, 18, *[PAD] * 5], [53, 54, 55, 56, 57, 58, 59, 0, 1]]
    np.testing.assert_array_equal(out[:, 3:], new)


def word_level() -> FastTokenizer:
    return FastTokenizer(tokenizers.Tokenizer(tokenizers.models.WordLevel({f"w{i}": i for i in range(67)}, "w0")))


@pytest.mark.parametrize("mode", [{}, LOOK_UP])
def test_a_string_ends_a_row(mode):
    given = {"max_new_tokens": 9, "pad_token_id": PAD, "eos_token_id": None, **mode, "logits_rules": (one_more,)}
    ids = np.array([[9, 9, 14], [9, 9, 52]])
    out = jf.generate(model("gpt2"), ids, **given, stop_strings=["w18 w19", "w55 "], tokenizer=word_level())
    new = [[15, 16, 17, 18, 19], [53, 54, 55, 56, PAD]]
    np.testing.assert_array_equal(out[:, 3:], new)
    with pytest.raises(jf.InputError, match="tokenizer"):
        jf.generate(model("gpt2"), ids, **given, stop_strings="w18")


@pytest.mark.parametrize("mode", [{}, CONTRASTIVE, LOOK_UP])
def test_time_that_is_up_ends_with_the_first_token(mode):
    ids, mask = prompts("gpt2")
    whole = jf.generate(model("gpt2"), ids, mask, **options(**mode))
    np.testing.assert_array_equal(jf.generate(model("gpt2"), ids, mask, **options(**mode, max_time=1e6)), whole)
    out = jf.generate(model("gpt2"), ids, mask, **options(**mode, max_time=0.0))
    np.testing.assert_array_equal(out, whole[:, :7])


# ------------------------------------------------------------------------------------------------------ streams


class Recorder:
    """A streamer that keeps what it is given, and wants no more after `most` calls of `put`."""

    def __init__(self, most: int = 1000):
        self.given: list[np.ndarray] = []
        self.ended, self.most = 0, most

    @property
    def stopped(self) -> bool:
        return len(self.given) >= self.most

    def put(self, ids):
        self.given.append(np.array(ids))

    def end(self):
        self.ended += 1


@pytest.mark.parametrize("mode", [{}, CONTRASTIVE, LOOK_UP])
def test_a_streamer_is_given_the_prompt_and_then_each_token(mode):
    ids, mask = prompts("gpt2")
    given = options(**mode)
    expected = jf.generate(model("gpt2"), ids, mask, **given)
    streamer = Recorder()
    out = jf.generate(model("gpt2"), ids, mask, **given, streamer=streamer)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(streamer.given[0], ids)
    np.testing.assert_array_equal(np.stack(streamer.given[1:], 1), expected[:, 6:])
    assert streamer.ended == 1
    np.testing.assert_array_equal(np.stack(list(jf.stream(model("gpt2"), ids, mask, **given)), 1), expected[:, 6:])


@pytest.mark.parametrize("assisted", [False, True])
def test_a_streamer_that_has_stopped_gets_no_more(assisted, monkeypatch):
    steps = []
    advance = loop.advance
    monkeypatch.setattr(loop, "advance", lambda *a: steps.append(1) or advance(*a))
    # A draft that is the model brings four tokens a step.
    mode = {"assistant_model": model("gpt2"), "num_assistant_tokens": 3, "assistant_confidence_threshold": 0.0}
    streamer = Recorder(most=4)  # the prompt and three tokens
    given = options(eos_token_id=None, **mode) if assisted else options()
    out = jf.generate(model("gpt2"), *prompts("gpt2"), **given, streamer=streamer)
    assert (len(streamer.given), streamer.ended, len(steps)) == ((4, 1, 1) if assisted else (4, 1, 2))
    assert out.shape[1] == (11 if assisted else 9)
    np.testing.assert_array_equal(np.stack(streamer.given[1:], 1), out[:, 6:9])


@pytest.mark.parametrize("call", [jf.stream, lambda *a, **k: jf.generate(*a, **k, streamer=Recorder())])
def test_beams_are_not_streamed(call):
    with pytest.raises(jf.InputError, match="num_beams must be 1, got 2"):
        call(model("gpt2"), IDS, num_beams=2)


# ------------------------------------------------------------------------------------------------------ unsound scores


def broken() -> jf.Model:
    """Reads nan at token 61."""
    llama = model("llama")
    table = llama.params["model"]["embed_tokens"]["weight"].at[61].set(jnp.nan)
    return llama.replace(
        params={**llama.params, "model": {**llama.params["model"], "embed_tokens": {"weight": table}}}
    )


def nothing(seen, logits):
    """Bans every token of rows that begin with 43."""
    return jnp.where(seen.tokens[:, seen.prompt - 3, None] == 43, -jnp.inf, logits)


@pytest.mark.parametrize("mode", [{}, {"do_sample": True}, CONTRASTIVE, LOOK_UP, {"num_beams": 2}])
def test_scores_that_choose_no_token_are_one_error_that_names_the_rows(mode):
    given = {"max_new_tokens": 3, "eos_token_id": None, "logits_rules": (nothing,), **mode}
    with pytest.raises(jf.InputError, match=r"leave a token to write, got nan or none in rows \[1\]"):
        jf.generate(broken(), np.array([[5, 6, 7], [5, 61, 7], [8, 9, 3]]), **given)
    with pytest.raises(jf.InputError, match=r"got nan or none in rows \[0, 2\]"):
        jf.generate(model("llama"), np.array([[43, 6, 7], [5, 6, 7], [43, 9, 3]]), **given)


def test_a_stream_ends_with_scores_that_choose_no_token():
    """It yields nothing that was not chosen."""
    given = {"max_new_tokens": 3, "eos_token_id": None, "logits_rules": (nothing_after_two,)}
    stream = jf.stream(model("gpt2"), IDS, **given)
    assert [next(stream).shape, next(stream).shape] == [(2,), (2,)]
    with pytest.raises(jf.InputError, match=r"got nan or none in rows \[0, 1\]"):
        next(stream)


def nothing_after_two(seen, logits):
    return jnp.where(seen.length - seen.prompt < 2, logits, -jnp.inf)


def test_invalid_values_removed():
    out = jf.generate(
        broken(), np.array([[5, 61, 7]]), max_new_tokens=2, eos_token_id=None, remove_invalid_values=True
    )
    assert out[0, 3:].tolist() == [0, 0]


# ------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("name", "given", "word"),
    [
        ("gpt2", {"pad_token_id": 67}, r"pad_token_id must hold ids below the vocabulary's 67, got \[67\]"),
        ("gpt2", {"bos_token_id": 68}, "bos_token_id must hold"),
        ("gpt2", {"eos_token_id": [3, 99]}, r"eos_token_id must hold ids below the vocabulary's 67, got \[99\]"),
        ("t5", {"decoder_start_token_id": 67}, "decoder_start_token_id must hold"),
        ("gpt2", {"forced_bos_token_id": 67}, "forced_bos_token_id must hold"),
        ("gpt2", {"forced_eos_token_id": [67]}, "forced_eos_token_id must hold"),
        ("gpt2", {"suppress_tokens": [1, 70]}, r"suppress_tokens must hold .* got \[70\]"),
        ("gpt2", {"begin_suppress_tokens": [70]}, "begin_suppress_tokens must hold"),
        ("gpt2", {"bad_words_ids": [[3], [4, 88]]}, r"bad_words_ids must hold .* got \[88\]"),
        ("gpt2", {"force_words_ids": [[88]], "num_beams": 2}, r"force_words_ids must hold .* got \[88\]"),
        ("gpt2", {"sequence_bias": {(3, 90): 100.0, (91,): 1.0}}, r"sequence_bias must hold .* got \[90, 91\]"),
        ("gpt2", {"token_healing": True}, "token_healing must be False"),
        ("gpt2", {"assistant_early_exit": 2}, "assistant_early_exit must be None"),
        ("gpt2", {"cache_implementation": "offloaded"}, "must keep the cache on the device"),
        ("gpt2", {"cache_implementation": "quantized", "cache_config": {"nbits": 4}}, "must ask for nbits=8, got 4"),
        ("t5", {"dola_layers": "low"}, "dola_layers must be None"),
        ("gpt2", {"dola_layers": [3, 9]}, "dola_layers must name a layer below the last, 3"),
        ("gpt2", {"guidance_scale": 2.0, "negative_prompt_ids": [[67]]}, r"negative_prompt_ids must lie in \[0, 67\)"),
        ("gpt2", {"guidance_scale": 2.0, "negative_prompt_ids": NEGATIVE}, "must have 2 rows, got 3"),
        (
            "gpt2",
            {
                "guidance_scale": 2.0,
                "negative_prompt_ids": NEGATIVE[:2],
                "negative_prompt_attention_mask": [[1, 1, 0]] * 2,
            },
            "negative_prompt_ids must be padded on the left",
        ),
        ("t5", {"guidance_scale": 2.0}, "negative_prompt_ids must be given"),
    ],
)
def test_what_is_refused(name, given, word):
    programs = loop.run._cache_size()
    with pytest.raises(jf.JaxformersError, match=word):
        jf.generate(model(name), IDS, **{**start(name), **given})
    assert loop.run._cache_size() == programs


def small(head: str) -> jf.Model:
    return jf.init(jf.AutoConfig.for_model("gpt2", vocab_size=50, n_embd=8, n_layer=1, n_head=1), head)


def test_what_is_refused_of_drafts():
    def refused(match, name="gpt2", **given):
        with pytest.raises(jf.JaxformersError, match=match):
            jf.generate(model(name), IDS, **start(name), **given)

    refused("assistant_model must have the model's vocabulary of 67, got 50", assistant_model=small("GPT2LMHeadModel"))
    refused("assistant_model must be a decoder like the model, got T5For", assistant_model=model("t5"))
    refused("assistant_model must be an encoder-decoder like the model", "t5", assistant_model=model("gpt2"))
    refused("assistant_model: the model must have a head that writes text", assistant_model=small("GPT2Model"))
    refused("num_beams must be 1 with an assistant_model, got 2", assistant_model=model("gpt2"), num_beams=2)
    config = jf.AutoConfig.for_model("mamba", vocab_size=67, hidden_size=8, num_hidden_layers=1, state_size=2)
    recurrent = jf.init(config, "MambaForCausalLM")
    refused(
        "assistant_model must have a cache that tokens can be taken back from, got Mamba", assistant_model=recurrent
    )
    with pytest.raises(jf.InputError, match=r"generate: model must have a cache .*; leave assistant_model and"):
        jf.generate(recurrent, IDS, prompt_lookup_num_tokens=3)


def test_every_problem_of_a_call_is_named():
    with pytest.raises(jf.InputError) as error:
        jf.generate(model("gpt2"), IDS, pad_token_id=67, suppress_tokens=[99], token_healing=True)
    assert all(word in str(error.value) for word in ("pad_token_id", "suppress_tokens", "token_healing"))
