"""Diverse and constrained beam search: the reference's tokens, what constraints follow, and bad input."""

from __future__ import annotations

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import GOLDENS, load_cases
from support.fill import fill
from support.writing import MODELS

import jaxformers as jf
from jaxformers import models, spec
from jaxformers.generation import DisjunctiveConstraint, PhrasalConstraint, loop
from jaxformers.generation.constraints import Automaton

GOLDEN = json.loads((GOLDENS / "beams.json").read_text())
FOLLOW = GOLDEN.pop("follow")
IDS = np.array([[5, 6, 7, 8, 9], [31, 32, 33, 34, 35], [9, 8, 7, 6, 5]])
GROUPS = {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 1.5}
WORDS = {"num_beams": 4, "force_words_ids": [[20]]}


@functools.cache
def model(name: str = "gpt2") -> jf.Model:
    model_type, case, head = MODELS[name]
    config = jf.AutoConfig.for_model(model_type, **load_cases(model_type).CASES[case].config)
    name, found = models.find_head(config, head)
    params = spec.map_named(lambda path, p: jnp.asarray(fill(spec.names(path)[0], p.shape)), found.declare(config))
    return jf.Model(params, config, found, name)


def made(words) -> tuple:
    return tuple(DisjunctiveConstraint(w) if isinstance(w[0], list) else PhrasalConstraint(w) for w in words)


def holds(row, phrase) -> bool:
    return any(list(row[i : i + len(phrase)]) == list(phrase) for i in range(len(row)))


@functools.cache
def written(name: str) -> jf.Output:
    case = GOLDEN[name]
    flags = {"return_dict_in_generate": True, "output_scores": True}
    return jf.generate(model(case["model"]), np.array(case["ids"]), np.array(case["mask"]), **case["options"], **flags)


@pytest.mark.parametrize("name", GOLDEN)
def test_equals_the_reference(name):
    out = written(name)
    np.testing.assert_array_equal(out.sequences, GOLDEN[name]["sequences"])
    np.testing.assert_allclose(out.sequences_scores, GOLDEN[name]["scores"], atol=2e-5)


@pytest.mark.parametrize("name", [name for name, case in GOLDEN.items() if case["options"]["eos_token_id"] is None])
def test_the_scores_of_the_tokens_add_up_to_those_of_the_texts(name):
    out = written(name)
    length = (out.beam_indices >= 0).sum(1)
    scores = jf.transition_scores(out.sequences, out.scores, out.beam_indices).sum(1)
    np.testing.assert_allclose(scores / length, out.sequences_scores, atol=2e-5)


def test_calls_that_differ_in_arrays_share_a_program():
    written("gpt2: two phrases")
    programs = loop.run._cache_size()
    written("gpt2: two phrases, again")
    assert loop.run._cache_size() == programs


def test_constraints_as_objects_write_the_same():
    case = GOLDEN["gpt2: begins alike"]
    words = case["options"]["force_words_ids"]
    options = {**case["options"], "constraints": made(words[:1]), "force_words_ids": words[1:]}
    flags = {"return_dict_in_generate": True, "output_scores": True}
    ids, mask = np.array(case["ids"]), np.array(case["mask"])
    written("gpt2: begins alike")
    programs = loop.run._cache_size()
    np.testing.assert_array_equal(jf.generate(model(), ids, mask, **options, **flags).sequences, case["sequences"])
    assert loop.run._cache_size() == programs


@pytest.mark.parametrize("name", ["gpt2: 2 of 4", "gpt2: a phrase"])
def test_a_stopping_rule_ends_as_an_end_token_does(name):
    case = GOLDEN[name]
    kwargs = {**case["options"], "eos_token_id": None, "stopping_rules": (_ends,)}
    ids, mask = np.array(case["ids"]), np.array(case["mask"])
    assert case["options"]["eos_token_id"] == [35]
    np.testing.assert_array_equal(jf.generate(model(), ids, mask, **kwargs, max_time=3600.0), case["sequences"])
    none = jf.generate(model(), ids, mask, **kwargs, max_time=0.0)  # the first token is always written
    assert none.shape == (len(case["sequences"]), ids.shape[1] + 1)


def _ends(seen):
    return jax.lax.dynamic_index_in_dim(seen.tokens, seen.length - 1, 1, keepdims=False) == 35


def test_groups_are_asked_about_their_own_prompts():
    kwargs = {"prefix_allowed_tokens_fn": _two_ids, "max_new_tokens": 3, "eos_token_id": None}
    out = jf.generate(model(), IDS, **GROUPS, **kwargs, num_return_sequences=4)
    assert [set(rows.flat) for rows in out[:, 5:].reshape(3, -1)] == [{10, 11}, {20, 21}, {30, 31}]


def _two_ids(prompt, ids):
    assert list(ids[:5]) == IDS[prompt].tolist()
    return [10 * prompt + 10, 10 * prompt + 11]


# ------------------------------------------------------------------------------------------------------ constraints


def test_an_automaton_follows_as_the_reference_does():
    machine = Automaton(made(FOLLOW["words"]))
    texts = jnp.asarray(FOLLOW["texts"])
    lengths = jnp.arange(texts.shape[1] + 1)

    @jax.jit
    def banks():
        valid = jnp.arange(texts.shape[1]) < lengths[:, None]
        progress = jax.vmap(lambda text: machine.read(jnp.broadcast_to(text, valid.shape), valid))(texts)
        return machine.bank(progress), *machine.offers(progress)[:2]

    bank, token, there = map(np.asarray, banks())
    np.testing.assert_array_equal(bank, FOLLOW["banks"])
    offers = [[sorted(t[on].tolist()) for t, on in zip(*row, strict=True)] for row in zip(token, there, strict=True)]
    assert offers == FOLLOW["offers"]


def test_a_phrase_is_followed_by_hand():
    phrase = PhrasalConstraint([5, 6])
    assert phrase.advance() == 5
    assert phrase.update(5) == (True, False, False)
    assert phrase.remaining() == 1
    assert phrase.update(6) == (True, True, False)
    assert phrase.remaining() == 0
    assert phrase.advance() is None
    assert phrase.update(6) == (False, False, True)
    assert phrase.remaining() == 2
    assert not phrase.does_advance(6)


def test_alternatives_are_followed_by_hand():
    either = DisjunctiveConstraint([[1, 2], [1, 3, 4]])
    assert either.advance() == [1]
    assert either.update(1) == (True, False, False)
    assert either.advance() == [2, 3]
    assert either.remaining() == 2
    assert either.update(2) == (True, True, False)
    assert either.remaining() == 0
    either.reset()
    assert [either.update(i) for i in (1, 3, 5)] == [(True, False, False), (True, False, False), (False, False, True)]


def test_constraints_are_values():
    begun = PhrasalConstraint([5, 6])
    begun.update(5)
    assert begun == PhrasalConstraint(np.array([5, 6]))
    assert hash(begun) == hash(PhrasalConstraint((5, 6)))
    assert begun != PhrasalConstraint([5])
    assert PhrasalConstraint([5]) != DisjunctiveConstraint([[5]])


@pytest.mark.parametrize(
    ("make", "ids", "word"),
    [
        (PhrasalConstraint, [], "token_ids must be a list of ids of at least 0, not empty, got \\[\\]"),
        (PhrasalConstraint, [3, -1], "got \\[3, -1\\]"),
        (PhrasalConstraint, [3, 1.5], "got \\[3, 1.5\\]"),
        (PhrasalConstraint, 3, "got 3"),
        (DisjunctiveConstraint, [], "nested_token_ids must be a list of lists"),
        (DisjunctiveConstraint, [[1], []], "none empty, got"),
        (DisjunctiveConstraint, [1, 2], "got \\[1, 2\\]"),
        (DisjunctiveConstraint, [[1, 2, 3], [4], [1, 2]], "got \\[1, 2\\] and \\[1, 2, 3\\]"),
        (DisjunctiveConstraint, [[1, 2], [1, 2]], "or equal to it, got \\[1, 2\\] and \\[1, 2\\]"),
    ],
)
def test_constraints_that_are_refused(make, ids, word):
    with pytest.raises(jf.ConfigError, match=word):
        make(ids)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"force_words_ids": [[67]]}, "force_words_ids must hold ids below the vocabulary's 67, got \\[67\\]"),
        ({"constraints": [PhrasalConstraint([70])]}, "constraints must hold ids below the vocabulary's 67, got"),
        ({"constraints": [[5, 6]]}, "constraints must be of PhrasalConstraint and DisjunctiveConstraint, got"),
        ({"force_words_ids": [[[1], [1, 2]]]}, "must hold no list that is the beginning of another"),
        ({"force_words_ids": [[1]], "num_beam_groups": 2}, "num_beam_groups must be 1 with force_words_ids"),
        ({"num_beam_groups": 3, "diversity_penalty": 1.0}, "num_beams must be a multiple of num_beam_groups=3"),
    ],
)
def test_bad_input_is_one_clear_error(options, word):
    programs = loop.run._cache_size()
    with pytest.raises(jf.JaxformersError, match=word):
        jf.generate(model(), IDS, num_beams=4, **options)
    assert loop.run._cache_size() == programs


@pytest.mark.parametrize("search", [GROUPS, WORDS])
def test_beams_are_not_streamed(search):
    with pytest.raises(jf.InputError, match="num_beams must be 1, got 4"):
        jf.stream(model(), IDS, **search)
