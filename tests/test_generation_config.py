"""Generation configs: defaults, files, precedence, lengths and refusals, beside recorded results of transformers."""

import copy
import dataclasses
import json
import pickle
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxformers as jf
from jaxformers.config import Frozen, ModelConfig
from jaxformers.generation.config import GenerationConfig, resolve

UNSET = """
    assistant_early_exit bad_words_ids begin_suppress_tokens bos_token_id cache_config cache_implementation
    constraints decoder_start_token_id dola_layers eos_token_id exponential_decay_length_penalty force_words_ids
    forced_bos_token_id forced_eos_token_id guidance_scale max_matching_ngram_size max_new_tokens max_time
    min_new_tokens min_p output_logits pad_token_id penalty_alpha prompt_lookup_num_tokens sequence_bias
    stop_strings suppress_tokens watermarking_config
"""
OFF = """
    do_sample early_stopping is_assistant output_attentions output_hidden_states output_scores remove_invalid_values
    renormalize_logits return_dict_in_generate token_healing
"""
# Recorded: GenerationConfig().to_dict() of transformers 4.57.6, without bookkeeping and settings of its own runtime.
DEFAULTS = {
    **dict.fromkeys(UNSET.split()),
    **dict.fromkeys(OFF.split(), False),
    **{"assistant_confidence_threshold": 0.4, "assistant_lookbehind": 10, "target_lookbehind": 10, "use_cache": True},
    **{"num_assistant_tokens": 20, "num_assistant_tokens_schedule": "constant", "num_return_sequences": 1},
    **{"diversity_penalty": 0.0, "epsilon_cutoff": 0.0, "eta_cutoff": 0.0, "num_beams": 1, "num_beam_groups": 1},
    **{"encoder_no_repeat_ngram_size": 0, "no_repeat_ngram_size": 0, "min_length": 0, "max_length": 20, "top_k": 50},
    **{"encoder_repetition_penalty": 1.0, "repetition_penalty": 1.0, "length_penalty": 1.0, "temperature": 1.0},
    **{"top_p": 1.0, "typical_p": 1.0},
}


@dataclasses.dataclass(frozen=True)
class Tiny(ModelConfig, model_type="tiny"):
    size: int = 8
    forced_eos_token_id: int | None = None


def refused(pattern, *fields, **values):
    with pytest.raises(jf.ConfigError, match=pattern) as e:
        GenerationConfig(**values)
    assert all(f in str(e.value) for f in fields)
    return e.value


def test_defaults_are_the_references():
    ours = {f.name: f.default for f in dataclasses.fields(GenerationConfig)}
    for name in ("extra", "written", "given"):
        ours.pop(name)
    assert ours.pop("top_h") is None  # of later versions
    assert ours == DEFAULTS
    assert all(type(v) is type(DEFAULTS[k]) for k, v in ours.items())


def test_frozen_hashable_static():
    c = GenerationConfig(eos_token_id=[1, 2], bad_words_ids=[[1], [2, 3]], watermarking_config={"bias": 1.0})
    assert c.eos_token_id == (1, 2)
    assert c.bad_words_ids == ((1,), (2, 3))
    assert c.watermarking_config["bias"] == 1.0
    assert hash(c) == hash(copy.deepcopy(c))
    assert c == pickle.loads(pickle.dumps(c))
    assert c != GenerationConfig()
    traces = []
    f = jax.jit(lambda x, c: (traces.append(1), x * c.temperature)[1], static_argnums=1)
    f(1.0, GenerationConfig(temperature=0.5)), f(1.0, GenerationConfig(temperature=0.5))
    assert len(traces) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        c.top_k = 3


def test_arrays_and_none():
    c = GenerationConfig(eos_token_id=jnp.array([1, 2]), top_k=np.int64(4), bad_words_ids=[np.array([1, 2])])
    assert c == GenerationConfig(eos_token_id=(1, 2), top_k=4, bad_words_ids=((1, 2),))
    assert hash(c)
    assert GenerationConfig(temperature=None, max_length=None) == GenerationConfig()
    assert GenerationConfig(top_k=None).top_k is None  # no limit, where the default is 50


# Recorded: to_diff_dict() of the reference without `transformers_version`.
@pytest.mark.parametrize(
    ("values", "diff"),
    [
        ({"max_new_tokens": 5}, {"max_new_tokens": 5}),
        (
            {"do_sample": True, "top_k": 50, "temperature": 0.7, "eos_token_id": [1, 2]},
            {"do_sample": True, "temperature": 0.7, "eos_token_id": [1, 2]},
        ),
        ({"num_beams": 4, "early_stopping": "never"}, {"early_stopping": "never", "num_beams": 4}),
        ({"top_k": None}, {"top_k": None}),
        (
            {"bad_words_ids": [[1, 2], [3]], "exponential_decay_length_penalty": (3, 1.1)},
            {"bad_words_ids": [[1, 2], [3]], "exponential_decay_length_penalty": [3, 1.1]},
        ),
    ],
)
def test_only_what_differs_is_written(values, diff):
    c = GenerationConfig(**values)
    assert c.to_dict() == diff
    assert GenerationConfig.from_dict(c.to_dict()) == c
    assert str(GenerationConfig(max_new_tokens=5)) == "GenerationConfig(max_new_tokens=5)"


def test_files(tmp_path):
    held = {
        "_from_model_config": True,
        "alignment_heads": [[5, 3], [5, 9]],
        "begin_suppress_tokens": [220, 50257],
        "do_sample": False,
        "lang_to_id": {"<|en|>": 50259},
        "pad_token_id": 0,
        "transformers_version": "4.31.0",
    }
    text = json.dumps(held, indent=2, sort_keys=True) + "\n"
    (tmp_path / "generation_config.json").write_text(text)
    c = GenerationConfig.from_pretrained(tmp_path)
    assert c.lang_to_id == {"<|en|>": 50259}
    assert c.alignment_heads == ((5, 3), (5, 9))
    c.save_pretrained(tmp_path / "out")
    assert (tmp_path / "out" / "generation_config.json").read_text() == text

    other = c.replace(num_beams=4, lang_to_id={"<|de|>": 1})
    other.save_pretrained(tmp_path, "translation_generation_config.json")
    again = GenerationConfig.from_pretrained(tmp_path, "translation_generation_config.json")
    assert again == other
    assert again.num_beams == 4
    assert again.lang_to_id == {"<|de|>": 1}
    assert GenerationConfig.from_pretrained(tmp_path / "translation_generation_config.json") == other
    assert GenerationConfig.from_pretrained(tmp_path) == c
    assert GenerationConfig.from_pretrained(tmp_path, max_new_tokens=3).max_new_tokens == 3

    with pytest.raises(jf.ConfigError, match=r"must hold nope.json, it holds generation_config.json, translation_"):
        GenerationConfig.from_pretrained(tmp_path, "nope.json")
    (tmp_path / "bad.json").write_text('{"num_beams": -1, "top_p": 7}')
    with pytest.raises(jf.ConfigError, match=r"(?s)bad.json.*num_beams.*-1.*top_p.*7"):
        GenerationConfig.from_pretrained(tmp_path, "bad.json")
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(jf.ConfigError, match=r"bad.json: the file must hold one JSON object"):
        GenerationConfig.from_pretrained(tmp_path, "bad.json")


def test_sequence_bias_both_ways():
    c = GenerationConfig(sequence_bias={(3,): 5.0, (1, 4): -2.0})
    assert c.sequence_bias == (((3,), 5.0), ((1, 4), -2.0))
    assert c.to_dict() == {"sequence_bias": [[[3], 5.0], [[1, 4], -2.0]]}
    for spelling in ([[[3], 5.0], [[1, 4], -2.0]], {"(3,)": 5.0, "(1, 4)": -2.0}):
        assert GenerationConfig(sequence_bias=spelling) == c


def test_values_that_files_hold_for_none():
    assert GenerationConfig.from_dict({"temperature": 0.0}).to_dict() == {"temperature": 1.0, "do_sample": False}
    with pytest.raises(jf.ConfigError, match="temperature must be above 0, got 0"):
        GenerationConfig.from_dict({"temperature": 0, "do_sample": True})
    assert GenerationConfig.from_dict({"pad_token_id": -1}).pad_token_id is None
    assert GenerationConfig(eos_token_id=-1).eos_ids == ()
    assert GenerationConfig(eos_token_id=[7, -1]).eos_ids == (7,)
    assert GenerationConfig(eos_token_id=0).eos_ids == (0,)
    assert GenerationConfig().eos_ids == ()


# Recorded: get_generation_mode() of the reference.
@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ({}, "greedy_search"),
        ({"do_sample": True}, "sample"),
        ({"num_beams": 2}, "beam_search"),
        ({"num_beams": 2, "do_sample": True}, "beam_sample"),
        ({"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 1.0}, "group_beam_search"),
        ({"penalty_alpha": 0.6, "top_k": 4}, "contrastive_search"),
        ({"penalty_alpha": 0.6, "top_k": 1}, "greedy_search"),
        ({"penalty_alpha": 0.0}, "greedy_search"),
        ({"prompt_lookup_num_tokens": 3}, "assisted_generation"),
        ({"dola_layers": "low"}, "dola_generation"),
        ({"dola_layers": [1, 2], "do_sample": True}, "dola_generation"),
        ({"force_words_ids": [[1]], "num_beams": 2}, "constrained_beam_search"),
    ],
)
def test_mode(values, mode):
    assert GenerationConfig(**values).mode == mode


# Recorded: lengths of generate() with a GPT-2 of 40 positions that never ends: prompt, config, call, total length.
@pytest.mark.parametrize(
    ("prompt", "base", "call", "total"),
    [
        (4, None, {}, 24),
        (4, None, {"max_length": 20}, 20),
        (4, {"max_length": 20}, {}, 24),
        (4, {"max_length": 9}, {}, 9),
        (4, {"max_length": 9}, {"max_new_tokens": 3}, 7),
        (4, None, {"max_length": 9, "max_new_tokens": 3}, 7),
        (4, {"max_new_tokens": 3}, {"max_length": 9}, 7),
        (4, {"max_length": 9}, {"max_length": 20}, 20),
        (30, None, {}, 40),
        (4, None, {"max_length": 4}, None),
        (25, None, {"max_length": 20}, None),
        (25, {"max_length": 9}, {}, None),
        (40, None, {}, None),
    ],
)
def test_lengths_are_the_references(prompt, base, call, total):
    c = resolve(Tiny(), GenerationConfig(**base) if base else None, call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if "max_length" in call else "error")
        if total is not None:
            assert c.lengths(prompt, positions=40) == total
            assert c.new_tokens(prompt, positions=40) == total - prompt
            return
        with pytest.raises(jf.InputError, match=rf"max_length must be above the prompt's {prompt} input_ids, got \d+"):
            c.lengths(prompt, positions=40)
        with pytest.raises(jf.InputError, match=r"the prompt's [0-9]+ decoder_input_ids"):
            c.lengths(prompt, True, 40)


def test_lengths_warn():
    both = resolve(Tiny(), None, {"max_length": 9, "max_new_tokens": 3})
    with pytest.warns(UserWarning, match="both max_new_tokens=3 and max_length=9 are given; max_new_tokens takes"):
        assert both.lengths(4) == 7
    both = resolve(Tiny(), None, {"min_length": 9, "min_new_tokens": 3})
    with pytest.warns(UserWarning, match="both min_new_tokens=3 and min_length=9"):
        assert both.lengths(4) == 24
    with pytest.warns(UserWarning, match="min_length=50 asks for 50 tokens, prompt included, but writing ends at 24"):
        GenerationConfig(min_length=50).lengths(4)
    with pytest.warns(
        UserWarning, match="min_new_tokens=6 asks for 10 tokens, prompt included, but writing ends at 8"
    ):
        GenerationConfig(min_new_tokens=6, max_length=8).lengths(4)


def test_from_model_config():
    c = Tiny.from_dict(
        {"num_beams": 3, "max_length": 30, "length_penalty": 2.0, "pad_token_id": 7, "output_hidden_states": True}
        | {"bos_token_id": 50256, "eos_token_id": 50256, "size": 4, "top_p": None, "task_specific_params": {}}
    )
    assert GenerationConfig.from_model_config(c).to_dict() == {  # recorded, from a GPT2Config with these values
        **{"max_length": 30, "num_beams": 3, "length_penalty": 2.0, "output_hidden_states": True, "pad_token_id": 7},
        **{"return_dict_in_generate": True, "bos_token_id": 50256, "eos_token_id": 50256},
    }
    assert GenerationConfig.from_model_config(Tiny(pad_token_id=-1, forced_eos_token_id=2)).to_dict() == {
        "forced_eos_token_id": 2
    }
    inner = Tiny.from_dict({"text_config": {"eos_token_id": 5, "pad_token_id": 3}, "pad_token_id": 4})
    assert GenerationConfig.from_model_config(inner).to_dict() == {"eos_token_id": 5, "pad_token_id": 4}
    with pytest.raises(jf.ConfigError, match="generation settings in the tiny config: num_beams"):
        GenerationConfig.from_model_config(Tiny.from_dict({"num_beams": 0}))


def test_from_the_models_that_are_here():
    bart = {"forced_eos_token_id": 2, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}  # recorded
    assert GenerationConfig.from_model_config(Tiny.from_dict(bart | {"use_cache": True})).to_dict() == bart
    t5 = jf.AutoConfig.for_model("t5")
    assert GenerationConfig.from_model_config(t5).to_dict() == {"pad_token_id": 0, "eos_token_id": 1}  # recorded


def test_precedence():
    model = Tiny.from_dict({"num_beams": 3, "eos_token_id": 5, "top_k": 7, "do_sample": True})
    file = GenerationConfig.from_dict({"num_beams": 4, "do_sample": False, "hint": 1})
    c = resolve(model, file, {"num_beams": 2, "hint": 2, "eos_token_id": None})
    assert (c.num_beams, c.hint, c.eos_token_id, c.top_k) == (2, 2, None, 7)
    assert not c.do_sample  # the file's word, though it is the default
    assert resolve(model, None, {}).do_sample
    assert resolve(model, GenerationConfig(), {}).num_beams == 3
    assert not resolve(model, GenerationConfig.from_dict({"temperature": 0.0}), {}).do_sample
    call = GenerationConfig(num_beams=5).over(file)
    assert (call.num_beams, call.hint) == (5, 1)
    assert not resolve(model, call, {}).do_sample


def test_only_the_result_must_agree():
    model = Tiny.from_dict({"num_beams": 4, "num_return_sequences": 4})
    with pytest.raises(jf.ConfigError, match="num_return_sequences"):
        resolve(model, None, {"num_beams": 2})
    assert resolve(model, None, {"num_beams": 2, "num_return_sequences": 1}).num_beams == 2


def test_unknown_names():
    for change in (GenerationConfig().replace, lambda **k: resolve(Tiny(), None, k)):
        with pytest.raises(
            jf.ConfigError, match=r"(?s)'max_new_token'; nearest: max_new_tokens.*'temprature'; nearest"
        ):
            change(max_new_token=3, temprature=1.0)
    with pytest.raises(jf.ConfigError, match="unknown field 'hint'"):
        GenerationConfig.from_dict({}, hint=1)
    with pytest.raises(jf.ConfigError, match="streamer is an argument of generate"):
        GenerationConfig.from_dict({"streamer": None})
    with pytest.raises(AttributeError, match="no field 'nope'"):
        _ = GenerationConfig().nope


def test_replace():
    c = GenerationConfig(num_beams=2).replace(top_k=50, length_penalty=2.0)
    assert c.to_dict() == {"num_beams": 2, "top_k": 50, "length_penalty": 2.0}  # what was said is written
    assert c == GenerationConfig(num_beams=2, length_penalty=2.0)


OUT_OF_RANGE = {
    **{"max_length": 0, "max_new_tokens": 0, "min_length": -1, "min_new_tokens": -1, "num_beams": 0, "top_k": -1},
    **{"early_stopping": "always", "do_sample": "yes", "temperature": 0.0, "top_p": 0.0, "min_p": 1.5, "top_h": 0},
    **{"typical_p": 1.2, "epsilon_cutoff": 1.0, "eta_cutoff": -0.1, "diversity_penalty": -1.0, "penalty_alpha": -0.1},
    **{"repetition_penalty": 0.0, "encoder_repetition_penalty": float("nan"), "length_penalty": float("inf")},
    **{"no_repeat_ngram_size": 1.5, "bad_words_ids": [[]], "force_words_ids": [], "suppress_tokens": [-1]},
    **{"exponential_decay_length_penalty": (1, 0.0), "sequence_bias": {(): 1.0}, "watermarking_config": 3},
    **{"num_return_sequences": True, "pad_token_id": -1, "eos_token_id": "</s>", "forced_bos_token_id": [1]},
    **{"stop_strings": ["a", ""], "max_time": -1.0, "dola_layers": "middle", "cache_implementation": "best"},
    **{"num_assistant_tokens": 0, "num_assistant_tokens_schedule": "wild", "assistant_confidence_threshold": 2},
    **{"prompt_lookup_num_tokens": 0, "num_beam_groups": 0, "guidance_scale": "1", "output_logits": 1},
}


def test_one_error_names_all_values_out_of_range():
    error = refused(None, *OUT_OF_RANGE, **OUT_OF_RANGE)
    assert len(error.problems) == len(OUT_OF_RANGE)
    for name, value in OUT_OF_RANGE.items():
        assert len(refused(f"GenerationConfig: {name} must (be|lie in)", **{name: value}).problems) == 1


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"num_return_sequences": 2}, "num_return_sequences do_sample num_beams"),
        ({"num_return_sequences": 2, "penalty_alpha": 0.6}, "num_return_sequences"),
        ({"num_return_sequences": 3, "num_beams": 2}, "num_return_sequences num_beams"),
        ({"num_return_sequences": 3, "num_beams": 2, "do_sample": True}, "num_return_sequences num_beams"),
        ({"num_beams": 5, "num_beam_groups": 2, "diversity_penalty": 1.0}, "num_beams num_beam_groups"),
        ({"num_beams": 2, "num_beam_groups": 4, "diversity_penalty": 1.0}, "num_beams num_beam_groups"),
        ({"num_beams": 4, "num_beam_groups": 2}, "diversity_penalty num_beam_groups"),
        (
            {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 1.0, "do_sample": True},
            "do_sample num_beam_groups",
        ),
        ({"min_new_tokens": 4, "max_new_tokens": 3}, "min_new_tokens max_new_tokens"),
        ({"min_length": 56, "max_length": 50}, "min_length max_length"),
        ({"min_new_tokens": 56, "max_length": 50}, "min_new_tokens max_length"),
        ({"force_words_ids": [[1, 2]]}, "num_beams force_words_ids"),
        ({"force_words_ids": [[1, 2]], "num_beams": 2, "do_sample": True}, "do_sample force_words_ids"),
        ({"penalty_alpha": 0.6, "num_beams": 2}, "num_beams penalty_alpha"),
        ({"penalty_alpha": 0.6, "do_sample": True}, "do_sample penalty_alpha"),
        ({"prompt_lookup_num_tokens": 3, "num_beams": 2}, "num_beams prompt_lookup_num_tokens"),
        ({"prompt_lookup_num_tokens": 3, "dola_layers": "low"}, "prompt_lookup_num_tokens dola_layers"),
        ({"watermarking_config": {"bias": "x"}}, "watermarking_config bias"),
        ({"watermarking_config": {"ngram_len": 5}}, "watermarking_config keys"),
        ({"watermarking_config": {"seeding": 1}}, "watermarking_config seeding seeding_scheme"),
    ],
)
def test_contradictions(values, fields):
    assert len(refused(None, *fields.split(), **values).problems) == 1


def test_all_contradictions_at_once():
    error = refused(
        None,
        *("num_return_sequences", "temperature", "min_new_tokens", "eta_cutoff"),
        **{"num_return_sequences": 3, "num_beams": 2, "do_sample": True, "temperature": 0.0},
        **{"min_new_tokens": 4, "max_new_tokens": 3, "eta_cutoff": 5.0},
    )
    assert len(error.problems) == 4


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": 0.6, "top_p": 0.9, "top_k": 5, "min_p": 0.1},  # kept for callers who sample
        {"early_stopping": True, "length_penalty": 2.0},  # kept for callers who search
        {"early_stopping": "never", "num_beams": 2},
        {"min_length": 56, "max_new_tokens": 3},  # depends on the prompt
        {"min_length": 30},
        {"output_scores": True},
        {"do_sample": True, "num_return_sequences": 3},
        {"force_words_ids": [[1, 2], [[3], [4, 5]]], "num_beams": 2},
        {"stop_strings": "\n"},
        {"eos_token_id": [], "suppress_tokens": []},
        {"decoder_start_token_id": [1, 2], "forced_eos_token_id": [1, 2]},
        {"watermarking_config": {"ngram_len": 5, "keys": [654, 400]}},
    ],
)
def test_accepted(values):
    c = GenerationConfig(**values)
    assert GenerationConfig.from_dict(json.loads(c.to_json())) == c


def test_constraints_are_no_json():
    c = GenerationConfig(constraints=[Frozen({"a": 1})], num_beams=2)
    assert c.mode == "constrained_beam_search"
    with pytest.raises(jf.ConfigError, match="constraints must be None to be written"):
        c.to_json()


def test_a_checkpoints_file_is_picked_up_and_written_back(tmp_path):
    config = jf.AutoConfig.for_model("gpt2", vocab_size=67, n_positions=24, n_embd=8, n_layer=1, n_head=2)
    model = jf.init(config.replace(eos_token_id=None), "GPT2LMHeadModel")
    assert model.generation_config is None
    ids = np.array([[5, 6, 7]])

    def lengths(model):
        other = GenerationConfig(num_beams=2)
        return [model.generate(ids, **how).shape[1] for how in ({}, {"generation_config": other}, {"max_length": 5})]

    model.save(tmp_path)
    assert not (tmp_path / "generation_config.json").exists()
    assert lengths(model) == [23, 23, 5]
    (tmp_path / "generation_config.json").write_text('{"max_length": 9, "transformers_version": "4.57.6"}')
    loaded = jf.load(tmp_path)
    assert lengths(loaded) == [9, 9, 5]  # the file's length also where a call brings a config without one
    assert jax.tree.map(lambda x: x, loaded).generation_config == loaded.generation_config
    written = jf.save(loaded, tmp_path / "again")
    assert (tmp_path / "again" / "generation_config.json") in written
    assert json.loads((tmp_path / "again" / "generation_config.json").read_text())["max_length"] == 9
    (tmp_path / "generation_config.json").write_text('{"num_beams": 3, "num_beam_groups": 2}')
    with pytest.warns(UserWarning, match=r"(?s)generation_config.json is left out.*num_beam_groups"):
        assert jf.load(tmp_path).generation_config is None
