"""Logits rules against the values of the documentation, against recorded ones of PyTorch, and in their own right."""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import GOLDENS

from jaxformers.errors import ConfigError, InputError
from jaxformers.generation import rules
from jaxformers.generation.rules import Seen

inf = float("inf")
EOS = (4, 6)
PROMPT = 2
LENGTHS = (1, 2, 3, 4, 7)


def seen(ids, slots=0, prompt=1, left=0, encoder=None) -> Seen:
    """Rows [B, n] with `left` slots of padding before and `slots` empty ones behind that hold tokens too."""
    ids = np.asarray(ids, np.int32)
    tokens = np.pad(ids, ((0, 0), (left, slots)), constant_values=3)
    valid = np.pad(np.ones(ids.shape, bool), ((0, 0), (left, slots)))
    length, prompt = (jnp.asarray(n + left, jnp.int32) for n in (ids.shape[1], prompt))
    if encoder is None:
        return Seen(jnp.asarray(tokens), jnp.asarray(valid), length, prompt)
    encoder = jnp.asarray(encoder, jnp.int32)
    return Seen(jnp.asarray(tokens), jnp.asarray(valid), length, prompt, encoder, jnp.ones(encoder.shape, jnp.int32))


# ------------------------------------------------------------------------------------------------------ documentation

S = np.log(np.array([[0.5, 0.2, 0.15, 0.1, 0.05]], np.float32))
TEXT = [[0, 1, 2, 1]]


def only(*kept):
    """The logits `S` of these tokens, -inf elsewhere."""
    return [x if i in kept else -inf for i, x in enumerate(S[0])]


def without(*banned):
    return only(*(i for i in range(5) if i not in banned))


DOCUMENTED = {
    "F2": (rules.Temperature(0.5), TEXT, [-1.3863, -3.2189, -3.7942, -4.6052, -5.9915]),
    "F3": (rules.TopK(2), TEXT, only(0, 1)),
    "F4": (rules.TopP(0.8), TEXT, only(0, 1, 2)),
    "F5": (rules.Typical(0.5), TEXT, only(0, 1, 2)),
    "F6": (rules.Epsilon(0.12), TEXT, only(0, 1, 2)),
    "F7": (rules.Eta(0.12), TEXT, only(0, 1, 2, 3)),
    "F8": (rules.RepetitionPenalty(2.0), TEXT, [-1.3863, -3.2189, -3.7942, -2.3026, -2.9957]),
    "F9": (rules.EncoderRepetitionPenalty(2.0), TEXT, [-0.3466, -1.6094, -1.8971, -1.1513, -2.9957]),
    "F10": (rules.NoRepeatNGram(2), TEXT, without(2)),
    "F11": (rules.EncoderNoRepeatNGram(2), TEXT, without(3)),
    "F12": (rules.NoBadWords([[3], [1, 4]]), TEXT, without(3, 4)),
    "F12 eos": (rules.NoBadWords([[3], [1, 4]], 3), TEXT, without(4)),
    "F13": (rules.SequenceBias([[[3], 5.0], [[1, 4], -2.0]]), TEXT, [-0.6931, -1.6094, -1.8971, 2.6974, -4.9957]),
    "F14": (rules.MinLength(4, 5), TEXT, without(4)),
    "F14 over": (rules.MinLength(4, 4), TEXT, S[0]),
    "F15": (rules.MinNewTokens(4, 4), TEXT, without(4)),
    "F15 over": (rules.MinNewTokens(4, 3), TEXT, S[0]),
    "F16": (rules.ForcedBOS(3), [[0]], [-inf, -inf, -inf, 0, -inf]),
    "F16 over": (rules.ForcedBOS(3), TEXT, S[0]),
    "F17": (rules.ForcedEOS(4, max_length=5), TEXT, [-inf, -inf, -inf, -inf, 0]),
    "F17 new": (rules.ForcedEOS(4, max_new=4), TEXT, [-inf, -inf, -inf, -inf, 0]),
    "F17 before": (rules.ForcedEOS(4, max_length=6), TEXT, S[0]),
    "F18": (rules.ForceTokens({1: 0, 4: 2}), TEXT, [-inf, -inf, 0, -inf, -inf]),
    "F18 other": (rules.ForceTokens([[1, 0], [4, None]]), TEXT, S[0]),
    "F19": (rules.SuppressTokens([1, 3]), TEXT, without(1, 3)),
    "F19 begin": (rules.SuppressTokensAtBegin([1, 3], 4), TEXT, without(1, 3)),
    "F19 past": (rules.SuppressTokensAtBegin([1, 3], 3), TEXT, S[0]),
    "F20": (rules.ExponentialDecayLengthPenalty(4, 1, 1.1), TEXT, [*S[0, :4], -2.3666]),
    "F22": (rules.PrefixAllowed(lambda prompt, ids: [prompt, ids[-1] + 2]), TEXT, only(0, 3)),
    "F23": (rules.LogNormalize(), TEXT, S[0]),
}


@pytest.mark.parametrize("name", DOCUMENTED)
@pytest.mark.parametrize(("left", "slots"), [(0, 0), (2, 3)])
def test_documented_values(name, left, slots):
    rule, ids, expected = DOCUMENTED[name]
    encoder = {"F9": [[0, 3]], "F11": [[1, 3]]}.get(name)
    out = jax.jit(rule)(seen(ids, slots, 1, left, encoder), jnp.asarray(S))
    np.testing.assert_allclose(out[0], expected, atol=1e-4)


@pytest.mark.parametrize(("n", "allowed"), [(2, [4, 5]), (3, [6, 7])])
def test_alternating_codebooks(n, allowed):
    out = rules.AlternatingCodebooks(0, 4, 2)(seen(np.zeros((1, n))), jnp.zeros((1, 8)))
    assert np.flatnonzero(np.isfinite(out[0])).tolist() == allowed


def test_guidance_of_documented_values():
    guide = rules.ClassifierFreeGuidance(2.0)
    conditional, unconditional = jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 1.0]])
    np.testing.assert_array_equal(guide.guide(conditional, unconditional), [[2.0, 3.0]])
    np.testing.assert_array_equal(guide(seen([[0]]), jnp.concatenate([conditional, unconditional])), [[2.0, 3.0]])
    with pytest.raises(InputError, match="logits must have 2 rows"):
        guide(seen([[0]]), conditional)
    out = rules.ClassifierFreeGuidance(0.5, normalize=True).guide(jnp.asarray(S) + 3, jnp.zeros((1, 5)))
    np.testing.assert_allclose(out, (S + np.log(1 / 5)) / 2, rtol=1e-5)


def test_invalid_numbers_are_replaced():
    out = np.asarray(rules.RemoveInfNan()(seen([[0]]), jnp.array([[np.nan, inf, -inf, 1.0]])))
    top = np.finfo(np.float32).max
    assert out.tolist() == [[0.0, top, -top, 1.0]]


# ------------------------------------------------------------------------------------------------------ PyTorch

BAD = [[5], [3, 8], [1, 4, 1], [2, 9], [4], [3, 1, 4, 1, 3]]
BIASES = {(5,): 1.5, (3, 8): -2.0, (2, 8): 3.0, (1, 4, 1): 4.0, (4, 1): 0.5, (4, 7): -1.0}
RULES = {
    "Temperature": rules.Temperature(0.7),
    "TopK": rules.TopK(5),
    "TopK-keep": rules.TopK(2, keep=3),
    "TopP": rules.TopP(0.6),
    "TopP-keep": rules.TopP(0.05, keep=3),
    "MinP": rules.MinP(0.2),
    "MinP-keep": rules.MinP(0.99, keep=3),
    "Typical": rules.Typical(0.4),
    "Typical-keep": rules.Typical(0.05, keep=3),
    "Epsilon": rules.Epsilon(0.06),
    "Epsilon-keep": rules.Epsilon(0.9, keep=3),
    "Eta": rules.Eta(0.3),
    "Eta-keep": rules.Eta(0.99, keep=3),
    "RepetitionPenalty": rules.RepetitionPenalty(1.7),
    "RepetitionPenalty-new": rules.RepetitionPenalty(1.7, ignore_prompt=True),
    "EncoderRepetitionPenalty": rules.EncoderRepetitionPenalty(1.7),
    **{f"NoRepeatNGram-{n}": rules.NoRepeatNGram(n) for n in (1, 2, 3)},
    **{f"EncoderNoRepeatNGram-{n}": rules.EncoderNoRepeatNGram(n) for n in (1, 2, 3)},
    "NoBadWords": rules.NoBadWords(BAD, EOS),
    "SequenceBias": rules.SequenceBias(BIASES),
    "MinLength": rules.MinLength(EOS, 4),
    "MinNewTokens": rules.MinNewTokens(EOS, 2),
    "ForcedBOS": rules.ForcedBOS(8),
    "ForcedEOS": rules.ForcedEOS(EOS, max_length=5),
    "SuppressTokens": rules.SuppressTokens([0, 5, 16]),
    "SuppressTokensAtBegin": rules.SuppressTokensAtBegin([0, 5, 16]),
    "ExponentialDecayLengthPenalty": rules.ExponentialDecayLengthPenalty(EOS, 1, 1.3),
    "LogNormalize": rules.LogNormalize(),
    "AlternatingCodebooks": rules.AlternatingCodebooks(1, 5, 4),
    "WhisperTimestamps": rules.WhisperTimestamps(2, 2),
    "WhisperTimestamps-first": rules.WhisperTimestamps(2, 2, latest_first=2),
    "WhisperTimestamps-any": rules.WhisperTimestamps(2, 2, latest_first=2, compare=False),
}
# These look at what comes after the prompt, so its length is the least.
FROM_THE_PROMPT_ON = ("WhisperTimestamps", "SuppressTokensAtBegin")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDENS / "rules.npz") as f:
        return dict(f)


def recorded(golden, n: int, left: int = 0) -> Seen:
    return seen(golden["ids"][:, :n], 9 - n, min(PROMPT, n), left, golden["encoder"])


def close(ours, theirs):
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("left", [0, 3])
@pytest.mark.parametrize("name", RULES)
def test_equals_the_reference_at_every_length_in_one_trace(golden, name, left):
    traces = []

    @jax.jit
    def run(seen, logits):
        traces.append(1)
        return RULES[name](seen, logits)

    for n, expected in zip(LENGTHS, golden[name], strict=True):
        if n >= PROMPT or not name.startswith(FROM_THE_PROMPT_ON):
            close(run(recorded(golden, n, left), golden["logits"]), expected)
    assert len(traces) == 1


def test_recorded_values_are_told_apart(golden):
    """Every rule changes the logits at some length, and those of tokens at one length but not at another."""
    for name in RULES:
        changed = (golden[name] != golden["logits"]).any((1, 2))
        assert changed.any(), name
        if isinstance(RULES[name], rules.NoRepeatNGram | rules.MinLength | rules.ForcedBOS | rules.ForcedEOS):
            assert not changed.all() or name == "NoRepeatNGram-1", name


def test_guidance_diversity_and_invalid_numbers_equal_the_reference(golden):
    logits = jnp.asarray(golden["logits"])
    now = recorded(golden, 4)
    twice = jnp.concatenate([logits, logits[::-1]])
    close(rules.ClassifierFreeGuidance(3.0)(now, twice), golden["ClassifierFreeGuidance"])
    close(rules.RemoveInfNan()(now, jnp.asarray(golden["broken"])), golden["RemoveInfNan"])
    current = jnp.array([3, 3, 0, 0, 5, 7, 0, 0])
    lower = jax.jit(rules.HammingDiversity(0.5, beams=4, groups=2))
    for group in (0, 1):
        close(lower(now, twice, current, jnp.asarray(group)), golden[f"HammingDiversity/{group}"])


CONFIGS = {
    "plain": {},
    "always": {
        "sequence_bias": (((5,), 1.5), ((1, 4), -2.0)),
        "repetition_penalty": 1.3,
        "encoder_repetition_penalty": 1.2,
        "no_repeat_ngram_size": 3,
        "encoder_no_repeat_ngram_size": 2,
        "bad_words_ids": ((7,), (4, 9)),
        "min_length": 3,
        "min_new_tokens": 2,
        "forced_bos_token_id": 8,
        "forced_eos_token_id": 6,
        "max_length": 8,
        "remove_invalid_values": True,
        "exponential_decay_length_penalty": (3, 1.1),
        "suppress_tokens": (10,),
        "begin_suppress_tokens": (11,),
        "renormalize_logits": True,
    },
    "sampling": {
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 12,
        "top_p": 0.95,
        "min_p": 0.01,
        "typical_p": 0.9,
        "epsilon_cutoff": 0.001,
        "eta_cutoff": 0.002,
        "renormalize_logits": True,
        "repetition_penalty": 1.1,
        "watermarking_config": {"bias": 0.0, "greenlist_ratio": 0.5},
    },
    "beam-sampling": {"do_sample": True, "num_beams": 2, "top_k": 1, "suppress_tokens": (3,), "min_length": 2},
    "not-sampling": {"temperature": 0.8, "top_k": 12, "top_p": 0.95, "min_length": 6},
}
RENAMED = {
    "ForcedBOSToken": "ForcedBOS",
    "ForcedEOSToken": "ForcedEOS",
    "LogitNormalization": "LogNormalize",
    "MinNewTokensLength": "MinNewTokens",
    "InfNanRemove": "RemoveInfNan",
}


def config(**fields):
    return SimpleNamespace(**{"top_k": 50, **fields})


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_gives_the_rules_of_the_reference_in_its_order(golden, name):
    made = rules.from_config(config(**CONFIGS[name]), EOS)
    theirs = [n.removesuffix("LogitsProcessor").removesuffix("LogitsWarper") for n in golden[f"{name}/names"]]
    assert [type(rule).__name__ for rule in made] == [RENAMED.get(n, n) for n in theirs]

    @jax.jit
    def run(seen, logits):
        for rule in made:
            logits = rule(seen, logits)
        return logits

    for n, expected in zip(LENGTHS[1:], golden[f"{name}/logits"][1:], strict=True):
        close(run(recorded(golden, n), golden["logits"]), expected)


# ------------------------------------------------------------------------------------------------------ our own


def every_rule():
    kinds = [getattr(rules, name) for name in rules.__all__ if dataclasses.is_dataclass(getattr(rules, name))]
    made = [*RULES.values(), *(rule for rule, *_ in DOCUMENTED.values()), rules.TopH(0.5), rules.Watermark()]
    made += [rules.RemoveInfNan(), rules.HammingDiversity(1.0, 2, 2), rules.ClassifierFreeGuidance(2.0)]
    assert {type(rule) for rule in made} == set(kinds)
    return made


def test_rules_are_static_under_jit():
    assert all(
        hash(rule) == hash(dataclasses.replace(rule)) and rule == dataclasses.replace(rule) for rule in every_rule()
    )
    assert rules.SuppressTokens([1, 2]) == rules.SuppressTokens((1, 2)) == rules.SuppressTokens(np.array([1, 2]))
    assert rules.TopK(3) != rules.TopK(4)


def test_rows_differ_in_padding():
    """Each row of a left-padded batch is treated as alone."""
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, 5, (4, 12)).astype(np.int32)
    valid = np.arange(12) >= np.array([0, 3, 5, 7])[:, None]
    valid[:, 10:] = False
    logits = jnp.asarray(rng.normal(size=(4, 17)), jnp.float32)
    batch = Seen(jnp.asarray(tokens), jnp.asarray(valid), jnp.asarray(10), jnp.asarray(8))
    for rule in [*RULES.values(), rules.Watermark(context_width=3, seeding_scheme="selfhash")]:
        out = rule(batch, logits)
        for row, first in enumerate([0, 3, 5, 7]):
            alone = seen(tokens[row : row + 1, first:10], prompt=8 - first)
            np.testing.assert_allclose(out[row : row + 1], rule(alone, logits[row : row + 1]), rtol=1e-6)


def test_buffers_shorter_than_a_sequence():
    now, logits = seen([[1, 2]]), jnp.zeros((1, 5))
    for rule in (rules.NoRepeatNGram(4), rules.EncoderNoRepeatNGram(4), rules.NoBadWords([[1, 2, 3, 4]])):
        np.testing.assert_array_equal(rule(now, logits), logits)


def test_beams_share_the_encoder_input():
    now = seen([[1], [1], [1], [1]], encoder=[[2, 3], [4, 0]])
    out = np.isfinite(rules.EncoderNoRepeatNGram(1)(now, jnp.zeros((4, 5))))
    assert [np.flatnonzero(~row).tolist() for row in out] == [[2, 3], [2, 3], [0, 4], [0, 4]]


def test_padding_of_the_encoder_input_does_not_count():
    now = seen([[1]], encoder=[[2, 3]])._replace(encoder_valid=jnp.array([[1, 0]]))
    assert np.isfinite(rules.EncoderNoRepeatNGram(1)(now, jnp.zeros((1, 5)))).tolist() == [
        [True, True, False, True, True]
    ]


def test_a_decoders_prompt_stands_in_for_the_encoder_input():
    now = seen([[2, 3, 2]], prompt=2)
    out = rules.EncoderNoRepeatNGram(2)(now, jnp.zeros((1, 5)))
    assert np.flatnonzero(np.isneginf(out[0])).tolist() == [3]


def test_top_p_among_ties():
    """Tokens that tie are told apart, so that no more than the mass is kept."""
    for p, left in ((0.5, 4), (0.51, 5), (1.0, 8)):
        assert np.isfinite(rules.TopP(p)(None, jnp.zeros((1, 8)))).sum() == left
    assert np.isfinite(rules.TopP(0.0, keep=8)(None, jnp.asarray(S))).all()


def test_filters_after_filters():
    """Banned tokens have no say in what the next filter keeps."""
    logits = rules.TopK(3)(None, jnp.asarray(S))
    narrow = jnp.asarray(S[:, :3])
    for rule in (
        rules.TopP(0.8),
        rules.Typical(0.7),
        rules.Eta(0.3),
        rules.Epsilon(0.2),
        rules.MinP(0.35),
        rules.TopH(0.7),
    ):
        close(rule(None, logits)[:, :3], rule(None, narrow))


@pytest.mark.parametrize("k", [50, 900])
def test_top_p_of_a_large_vocabulary(k):
    logits = np.round(np.random.default_rng(3).standard_normal((2, 1000)) * 3, 1).astype(np.float32)  # with ties
    left = np.asarray(rules.TopK(k)(None, jnp.asarray(logits)))
    out = np.asarray(rules.TopP(0.9)(None, jnp.asarray(left)))
    for row, kept in zip(left, out, strict=True):
        order = np.argsort(row, kind="stable")
        probs = np.exp(row[order].astype(np.float64) - row.max())
        expected = order[np.cumsum(probs / probs.sum()) > 1 - 0.9]
        assert 1 < len(expected) < k
        np.testing.assert_array_equal(np.flatnonzero(np.isfinite(kept)), np.sort(expected))


def test_top_h():
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, (5, 40)).astype(np.float32)
    for h in (0.1, 0.5, 0.9):
        out = np.asarray(rules.TopH(h)(None, jnp.asarray(logits)))
        for row, kept in zip(logits.astype(np.float64), np.isfinite(out), strict=True):
            p = np.exp(row - row.max())
            p /= p.sum()
            order = np.argsort(-p)
            share = np.cumsum(-p[order] * np.log(p[order]))
            n = max(1, int((share <= h * share[-1]).sum()))
            assert set(np.flatnonzero(kept)) == set(order[:n])
    assert np.isfinite(rules.TopH(1.0)(None, jnp.asarray(logits))).all()
    assert np.isfinite(rules.TopH(1.0, among=7)(None, jnp.asarray(logits))).sum(1).tolist() == [7] * 5


def test_a_banned_end_stays_banned():
    now, logits = seen(TEXT), jnp.asarray(S).at[0, 4].set(-inf)
    out = rules.ExponentialDecayLengthPenalty(4, 1, 1.1)(now, logits)
    np.testing.assert_array_equal(out, logits)


@pytest.mark.parametrize(("n", "at"), [(1, 2), (3, 3)])
def test_a_forced_start_moves_the_begin(n, at):
    """As in the reference: where the start token is all there is, the forced token comes before what is begun."""
    rule = rules.SuppressTokensAtBegin([2], after_forced=True)
    for length in range(n, n + 3):
        out = rule(seen(np.zeros((1, length)), prompt=n), jnp.zeros((1, 5)))
        assert np.isneginf(out[0, 2]) == (length == at)


def test_allowed_prefixes():
    calls = []

    def allowed(prompt, ids):
        calls.append((prompt, ids.tolist()))
        return [prompt] if len(ids) < 3 else []

    rule = rules.PrefixAllowed(allowed, beams=2, prompts=2)
    run = jax.jit(rule)
    out = run(seen([[1], [2], [3], [4], [4], [4]], slots=3, left=2), jnp.zeros((6, 5)))
    assert np.isfinite(out).argmax(1).tolist() == [0, 0, 1, 1, 1, 1]
    assert sorted(calls[-6:]) == [(0, [1]), (0, [2]), (1, [3]), (1, [4]), (1, [4]), (1, [4])]
    with pytest.raises(Exception, match=r"allowed must return ids in \[0, 5\), at least one, got \[\] for prompt 0"):
        run(seen(np.ones((6, 4)), left=2), jnp.zeros((6, 5))).block_until_ready()


def test_rules_of_the_callers():
    def double(seen, logits):
        return logits * 2

    own = (double, rules.RepetitionPenalty(3.0))
    fields = {"repetition_penalty": 1.3, "min_new_tokens": 2, "do_sample": True, "top_k": 5}
    made = rules.from_config(config(**fields), EOS, own=own)
    assert made == (rules.RepetitionPenalty(3.0), rules.MinNewTokens(EOS, 2), double, rules.TopK(5))


def test_from_config_beside_the_reference():
    fields = {"min_new_tokens": 1, "forced_bos_token_id": 3, "forced_eos_token_id": (2, 5), "max_length": 9}

    def allowed(prompt, ids):
        return [1]

    made = rules.from_config(config(**fields, num_beams=2), EOS, 7, prefix_allowed=allowed, prompts=4)
    assert made == (
        rules.MinNewTokens(EOS, 1),
        rules.PrefixAllowed(allowed, 2, 4),
        rules.ForcedBOS(3),
        rules.ForcedEOS((2, 5), max_new=7),
    )
    assert rules.from_config(config(max_new_tokens=3, forced_eos_token_id=2), EOS) == (rules.ForcedEOS(2, max_new=3),)
    assert rules.from_config(config(min_new_tokens=3, exponential_decay_length_penalty=(1, 1.1)), ()) == ()
    assert rules.from_config(config(do_sample=True, top_h=0.4, top_k=0, temperature=2.0), EOS) == (
        rules.Temperature(2.0),
        rules.TopH(0.4),
    )
    with pytest.raises(ConfigError, match=r"watermarking_config must hold .* got \['keys', 'ngram_len'\]"):
        rules.from_config(config(watermarking_config={"ngram_len": 5, "keys": (1,)}), EOS)


@pytest.mark.parametrize(("scheme", "width"), [("lefthash", 1), ("selfhash", 1), ("selfhash", 3)])
def test_watermarks_are_found_with_the_key(scheme, width):
    rule = rules.Watermark(0.25, 4.0, seeding_scheme=scheme, context_width=width)
    vocab, batch, length, back = 101, 8, 40, rule.looks_back

    def write(rule):
        """Samples from a flat distribution."""

        def step(now, key):
            token = jax.random.categorical(key, rule(now, jnp.zeros((batch, vocab)))).astype(jnp.int32)
            at = (0, now.length)
            tokens = jax.lax.dynamic_update_slice(now.tokens, token[:, None], at)
            valid = jax.lax.dynamic_update_slice(now.valid, jnp.ones((batch, 1), bool), at)
            return now._replace(tokens=tokens, valid=valid, length=now.length + 1), None

        first = np.arange(batch * 3).reshape(batch, 3)
        start = seen(first, slots=length, prompt=3)
        return np.asarray(jax.lax.scan(step, start, jax.random.split(jax.random.key(0), length))[0].tokens)

    def share(tokens, rule):
        found = [
            np.asarray(rule.green(jnp.asarray(tokens[:, at - back : at]), vocab))[np.arange(batch), tokens[:, at]]
            for at in range(3, 3 + length)
        ]
        return np.mean(found)

    marked, plain = write(rule), write(lambda seen, logits: logits)
    assert share(marked, rule) > 0.85
    if (scheme, width) != ("selfhash", 1):  # there one list serves all tokens
        assert 0.15 < share(marked, dataclasses.replace(rule, hashing_key=7)) < 0.35
    assert 0.15 < share(plain, rule) < 0.35
    lists = np.asarray(rule.green(jnp.arange(500).reshape(500, 1) + jnp.arange(max(back, 1)), vocab))
    assert abs(lists.mean() - 0.25) < (0.01 if scheme == "lefthash" else 0.1)


def test_a_watermark_waits_for_its_context():
    rule, logits = rules.Watermark(seeding_scheme="selfhash", context_width=3), jnp.zeros((1, 50))
    assert not rule(seen([[1, 2]]), logits).any()
    assert rule(seen([[1, 2, 3]]), logits).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rules.Temperature(0.0), "Temperature: temperature must be above 0"),
        (lambda: rules.TopK(0, keep=0), r"TopK:\n  - keep must .*, got 0\n  - k must be a whole number of at least 1"),
        (lambda: rules.TopP(1.5), r"p must lie in \[0, 1\], got 1.5"),
        (lambda: rules.Typical(1.0), r"mass must lie in \(0, 1\), got 1.0"),
        (lambda: rules.RepetitionPenalty(-1.0), "penalty must be above 0, got -1.0"),
        (lambda: rules.NoRepeatNGram(0), "n must be a whole number of at least 1, got 0"),
        (lambda: rules.NoBadWords([]), "words must be sequences of token ids"),
        (lambda: rules.SequenceBias({(): 1.0}), "biases must map sequences"),
        (lambda: rules.MinLength(-1, 3), r"ids must be token ids of at least 0, got \(-1,\)"),
        (lambda: rules.ForcedEOS(1), "max_length must be at least 1, and only one of the two given"),
        (lambda: rules.HammingDiversity(1.0, 4, 3), "groups must be at least 2 and divide the 4 beams, got 3"),
        (lambda: rules.Watermark(seeding_scheme="right"), "seeding_scheme must be 'lefthash' or 'selfhash'"),
        (lambda: rules.ClassifierFreeGuidance(1.0), "scale must be above 1"),
    ],
)
def test_bad_options_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_ids_outside_the_vocabulary():
    with pytest.raises(
        InputError, match=r"SequenceBias: biases must hold ids below the 5 of the logits, got \[5, 9\]"
    ):
        rules.SequenceBias({(5, 1): 1.0, (9,): 1.0})(seen([[0]]), jnp.zeros((1, 5)))
