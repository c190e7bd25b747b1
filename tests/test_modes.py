"""Contrastive search, DoLa, assisted decoding and guidance; what a call reports; streaming, stopping and refusals."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest
from support import modes
from support.case import GOLDENS
from support.fill import relative_error
from support.modes import NEGATIVE, REPORT, options, prompts
from support.named import model, start
from support.writing import PAD

import jaxformers as jf
from jaxformers.generation import loop

GOLDEN = json.loads((GOLDENS / "modes.json").read_text())


# ------------------------------------------------------------------------------------------------------ contrastive


@pytest.mark.parametrize("case", modes.CONTRASTIVE)
def test_contrastive_search_equals_the_reference(case):
    name = case.split("/")[0]
    given, equal = modes.CONTRASTIVE[case]
    out = jf.generate(model(name), *prompts(name, equal), **given, **start(name))
    np.testing.assert_array_equal(out, GOLDEN[f"contrastive/{case}"])


@pytest.mark.parametrize("case", ["gpt2/alpha 0.8 of 6", "t5/alpha 0.3 of 7"])
def test_contrastive_search_of_a_stack(case):
    name = case.split("/")[0]
    given, equal = modes.CONTRASTIVE[case]
    out = jf.generate(model(name, stacked=True), *prompts(name, equal), **given, **start(name))
    np.testing.assert_array_equal(out, GOLDEN[f"contrastive/{case}"])


# ------------------------------------------------------------------------------------------------------ DoLa


@pytest.mark.parametrize("case", modes.DOLA)
def test_dola_equals_the_reference(case):
    name = case.split("/")[0]
    given, equal = modes.DOLA[case]
    ids, mask = prompts(name, equal)
    new = jf.generate(model(name), ids, mask, **given)[:, ids.shape[1] :]
    for row, expected in zip(new, GOLDEN[f"dola/{case}"], strict=True):
        assert row.tolist() == expected + [PAD] * (len(row) - len(expected))


def test_dola_draws_no_word_that_the_last_layer_finds_improbable():
    deep, ids = model("deep gpt2"), np.repeat(prompts("gpt2", True)[0], 4, 0)
    given = options(dola_layers="high", do_sample=True, top_k=0, eos_token_id=None)
    out = jf.generate(deep, ids, **given, key=jax.random.key(5))
    probs = jax.nn.softmax(deep(input_ids=out[:, :-1]).logits[:, ids.shape[1] - 1 :], -1)
    drawn = np.take_along_axis(np.asarray(probs), out[:, ids.shape[1] :, None], -1)[..., 0]
    assert (drawn >= 0.0999 * probs.max(-1)).all()
    assert (out[::4] != out[1::4]).any()


# ------------------------------------------------------------------------------------------------------ assisted

SHALLOW = {"assistant_confidence_threshold": 0.0, "num_assistant_tokens": 3}
DRAWN = {"do_sample": True, "temperature": 0.7}
SHARP = {"do_sample": True, "temperature": 0.1}  # T5's scores are flat: the noise alone would choose
ASSISTED = {  # model, draft, how it guesses, options that plain decoding has too
    "some agree": ("llama", "shallow llama", SHALLOW, {}),
    "window": ("mistral", "shallow mistral", SHALLOW, {}),
    "drawn t5": ("t5", "shallow t5", SHALLOW, SHARP),
    "look-up": ("gpt2", None, {"prompt_lookup_num_tokens": 3}, {}),
    "rules": (
        "gpt2",
        "shallow gpt2",
        SHALLOW,
        {"repetition_penalty": 1.3, "min_new_tokens": 4, "no_repeat_ngram_size": 2},
    ),
    "drawn": (
        "gpt2",
        "shallow gpt2",
        {"assistant_confidence_threshold": 0.12, "num_assistant_tokens": 4},
        {**DRAWN, "top_k": 9},
    ),
    "drawn by heuristic": ("gpt2", "other gpt2", {**SHALLOW, "num_assistant_tokens_schedule": "heuristic"}, DRAWN),
    "drawn look-up": ("t5", None, {"prompt_lookup_num_tokens": 3, "max_matching_ngram_size": 1}, SHARP),
    "drawn and guided": ("gpt2", None, {"prompt_lookup_num_tokens": 3}, {**DRAWN, "guidance_scale": 1.6}),
    "drawn and guided t5": (
        "t5",
        "shallow t5",
        SHALLOW,
        {**SHARP, "guidance_scale": 1.6, "negative_prompt_ids": NEGATIVE},
    ),
}


def drafted(draft: str | None, how: dict) -> dict:
    return how if draft is None else {"assistant_model": model(draft), **how}


@pytest.mark.parametrize("case", ASSISTED)
def test_assistance_does_not_change_a_token(case):
    name, draft, how, more = ASSISTED[case]
    given = {**options(max_new_tokens=10), **more, **start(name)}
    for seed in range(4 if "drawn" in case else 1):
        given["key"] = jax.random.key(seed)
        expected = jf.generate(model(name), *prompts(name), **given)
        out = jf.generate(model(name), *prompts(name), **given, **drafted(draft, how))
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("name", ["gpt2", "t5"])
def test_assisted_decoding_equals_the_reference(name):
    ids, mask = prompts(name, equal=True)
    out = jf.generate(
        model(name), ids, mask, **options(max_new_tokens=10), **start(name), **drafted(f"shallow {name}", SHALLOW)
    )
    expected = GOLDEN[f"assisted/{name}"][0]
    assert out[1, : len(expected)].tolist() == expected


@pytest.mark.parametrize("length", [1, 2, 5, 8, 18])
def test_assisted_decoding_ends_at_the_limit(length):
    """Also where the guesses would go beyond the 24 positions that the model has."""
    ids, mask = prompts("gpt2", equal=True)
    given = {"max_new_tokens": length, "eos_token_id": None, "prompt_lookup_num_tokens": 3}
    out = jf.generate(model("gpt2"), ids, mask, **given)
    plain = jf.generate(model("gpt2"), ids, mask, max_new_tokens=length, eos_token_id=None)
    np.testing.assert_array_equal(out, plain)


def count_steps(monkeypatch, name: str, ids, mask=None, **given) -> tuple[np.ndarray, int]:
    """What a stream yields [B, L], and how many steps follow the first token."""
    steps = []
    advance = loop.advance
    monkeypatch.setattr(loop, "advance", lambda *a: steps.append(1) or advance(*a))
    return np.stack(list(jf.stream(model(name), ids, mask, **given)), 1), len(steps)


@pytest.mark.parametrize(("name", "more"), [("llama", {}), ("gpt2", DRAWN), ("t5", SHARP)])
def test_a_draft_that_is_the_model_is_always_right(name, more, monkeypatch):
    """1 + 4 + 4 + 4 tokens."""
    how = {"assistant_model": model(name), **SHALLOW}
    given = {"max_new_tokens": 13, "eos_token_id": None, **more, **start(name)}
    tokens, steps = count_steps(monkeypatch, name, *prompts(name), **given, **how)
    assert steps == 3
    plain = jf.generate(model(name), *prompts(name), **given)
    np.testing.assert_array_equal(tokens, plain[:, -13:])


def test_looked_up_guesses_are_right_in_a_text_that_repeats_itself(monkeypatch):
    """The model repeats one token after a while; a look-up guesses that it goes on."""
    ids = np.array([[43, 4, 30, 11, 25, 55]])
    given = {"max_new_tokens": 16, "eos_token_id": None}
    plain = jf.generate(model("gpt2"), ids, **given)
    tokens, steps = count_steps(monkeypatch, "gpt2", ids, **given, prompt_lookup_num_tokens=3)
    np.testing.assert_array_equal(tokens, plain[:, 6:])
    assert steps <= 9  # of 15


@pytest.mark.parametrize(("name", "draft"), [("t5", "shallow t5"), ("gpt2", None)])
def test_assistance_reports_what_plain_decoding_reports(name, draft):
    ids, mask = prompts(name)
    given = options(max_new_tokens=7, eos_token_id=None, temperature=0.8, do_sample=True, **start(name), **REPORT)
    plain = jf.generate(model(name), ids, mask, **given)
    how = SHALLOW if draft else {"prompt_lookup_num_tokens": 3}
    out = jf.generate(model(name), ids, mask, **given, **drafted(draft, how))
    assert list(out) == list(plain)
    expected = modes.padded_away(name, plain, mask, 1)
    got = modes.padded_away(name, out, mask, 1)
    assert list(got) == list(expected)
    assert max(relative_error(got[k], expected[k]) for k in got) < 1e-5


def test_assistance_of_a_stack():
    given = options(max_new_tokens=10)
    out = jf.generate(
        model("gpt2", True), *prompts("gpt2"), **given, **SHALLOW, assistant_model=model("shallow gpt2", True)
    )
    np.testing.assert_array_equal(out, jf.generate(model("gpt2"), *prompts("gpt2"), **given))


# ------------------------------------------------------------------------------------------------------ guidance


@pytest.mark.parametrize("case", modes.GUIDANCE)
def test_guidance_equals_the_reference(case):
    name = case.split("/")[0]
    given, negative = modes.GUIDANCE[case]
    more = {"negative_prompt_ids": NEGATIVE} if negative else {}
    out = jf.generate(model(name), *prompts(name, equal=True), **given, **more)
    np.testing.assert_array_equal(out, GOLDEN[f"guidance/{case}"])


UNEQUAL = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize("negative", [True, False])
def test_guided_rows_do_not_depend_on_those_beside_them(negative):
    ids, mask = prompts("gpt2")
    given = options(guidance_scale=1.7, eos_token_id=None)
    more = {"negative_prompt_ids": NEGATIVE, "negative_prompt_attention_mask": UNEQUAL} if negative else {}
    together = jf.generate(model("gpt2"), ids, mask, **given, **more)
    for i in range(3):
        own = {"negative_prompt_ids": NEGATIVE[i][UNEQUAL[i] == 1]} if negative else {}
        alone = jf.generate(model("gpt2"), ids[i][mask[i] == 1], **given, **own)
        np.testing.assert_array_equal(together[i, 6:], alone[0, mask[i].sum() :])


def guided(model: jf.Model, scale: float, condition: dict, other: dict):
    """Guided log-probabilities of two whole passes, the last of `other`'s tokens being the last of `condition`'s."""
    with_it, without = (jax.nn.log_softmax(model(**x).logits, -1) for x in (condition, other))
    both = min(with_it.shape[1], without.shape[1])
    with_it, without = with_it[:, -both:], without[:, -both:]
    return np.asarray(without + scale * (with_it - without))


def test_guided_beams_score_what_two_passes_say():
    ids, mask = prompts("gpt2", equal=True)
    flags = {"return_dict_in_generate": True, "output_scores": True}
    out = jf.generate(model("gpt2"), ids, mask, **modes.GUIDED_BEAMS, **flags)
    np.testing.assert_array_equal(out.sequences, GOLDEN["guided beams"]["sequences"])
    np.testing.assert_allclose(out.sequences_scores, GOLDEN["guided beams"]["scores"], atol=2e-5)

    out = jf.generate(model("gpt2"), ids, mask, **{**modes.GUIDED_BEAMS, "max_new_tokens": 9}, **flags)
    new = out.sequences[:, 6:]
    scores = guided(model("gpt2"), 1.7, {"input_ids": out.sequences[:, :-1]}, {"input_ids": out.sequences[:, 5:-1]})
    by_hand = np.take_along_axis(scores, new[..., None], -1).sum((1, 2)) / new.shape[1]
    np.testing.assert_allclose(out.sequences_scores, by_hand, atol=2e-5)


def test_guidance_of_an_encoder_decoder():
    """`negative_prompt_ids` are what its encoder reads instead."""
    t5, (ids, mask) = model("t5"), prompts("t5")
    given = {"eos_token_id": None, "max_new_tokens": 6, **start("t5")}
    more = {"negative_prompt_ids": NEGATIVE, "negative_prompt_attention_mask": UNEQUAL[:, ::-1]}
    out = jf.generate(t5, ids, mask, **given, guidance_scale=2.0, **more)
    condition = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": out[:, :-1]}
    other = {"input_ids": NEGATIVE, "attention_mask": UNEQUAL[:, ::-1].copy(), "decoder_input_ids": out[:, :-1]}
    np.testing.assert_array_equal(guided(t5, 2.0, condition, other).argmax(-1), out[:, 1:])
    assert (out != jf.generate(t5, ids, mask, **given)).any()


def test_guidance_of_a_decoder_that_attends_to_an_encoder():
    """What the encoder says is read in both passes."""
    cross, (ids, mask) = model("cross gpt2"), prompts("gpt2", equal=True)
    states = np.random.default_rng(2).standard_normal((3, 5, 32)).astype(np.float32)
    memory = {"encoder_hidden_states": states, "encoder_attention_mask": np.ones((3, 5), np.int32)}
    given = {"eos_token_id": None, "max_new_tokens": 6, "guidance_scale": 2.0, "negative_prompt_ids": NEGATIVE}
    out = jf.generate(cross, ids, mask, **given, **memory)
    condition = {"input_ids": out[:, :-1], **memory}
    other = {"input_ids": np.concatenate([NEGATIVE, out[:, 6:-1]], 1), **memory}
    np.testing.assert_array_equal(guided(cross, 2.0, condition, other)[:, -6:].argmax(-1), out[:, 6:])
