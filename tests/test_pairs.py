"""Encoders and decoders of two architectures as one model: what the contract suite does not ask of every head."""

import sys

import jax
import numpy as np
import pytest
from support.case import GOLDENS, load_cases
from support.fill import leaves, relative_error
from test_contract import Subject

import jaxformers as jf


def subject(model_type, case):
    found = next(c for c in load_cases(model_type).CASES if c.name == case)
    return Subject(model_type, found, load_cases(model_type).HEADS[0])


def test_a_tied_pair_holds_what_both_sides_share_once():
    tied, whole = subject("encoder-decoder", "shared"), subject("encoder-decoder", "bert2bert")
    held = set(jf.spec.flatten(tied.model.params))
    assert {n for n in held if n.startswith("encoder.")} == {f"encoder.pooler.dense.{n}" for n in ("weight", "bias")}
    assert "encoder.embeddings.word_embeddings.weight" in jf.spec.flatten(whole.model.params)


@pytest.mark.parametrize("case", ["shared", "roberta2gpt2"])
def test_a_stacked_pair_computes_and_writes_the_same(case):
    s = subject("encoder-decoder", case)
    for name, value in leaves(s.stacked(**s.inputs, **s.options)).items():
        assert relative_error(value, s.outputs[name]) <= 1e-5, name
    settings = {"max_new_tokens": 5, "eos_token_id": None, "num_beams": 2}
    ids = s.inputs["input_ids"]
    np.testing.assert_array_equal(s.stacked.generate(ids, **settings), s.model.generate(ids, **settings))


def test_two_checkpoints_become_a_pair():
    values = {"encoder": ("bert", "BertModel", {}), "decoder": ("gpt2", "GPT2LMHeadModel", {"n_embd": 48})}
    made = {}
    for side, (model_type, head, changes) in values.items():
        config = jf.AutoConfig.for_model(model_type, **{**load_cases(model_type).TINY, **changes})
        made[side] = jf.init(config, head, key=jax.random.key(1))
    writing = made["decoder"].config.replace(is_decoder=True, add_cross_attention=True)
    config = jf.AutoConfig.for_model("encoder-decoder", encoder=made["encoder"].config, decoder=writing)
    pair = jf.init(config)
    pair = pair.replace(params=jf.spec.update(pair.params, {side: m.params for side, m in made.items()}))
    out = pair(input_ids=[[5, 6, 7]], decoder_input_ids=[[5, 6]])
    alone = made["encoder"](input_ids=[[5, 6, 7]]).last_hidden_state
    np.testing.assert_array_equal(out.encoder_last_hidden_state, alone)
    table = pair.params["decoder"]["transformer"]["wte"]["weight"]
    np.testing.assert_array_equal(table, made["decoder"].params["transformer"]["wte"]["weight"])
    assert pair.params["enc_to_dec_proj"]["weight"].shape == (48, 32)


def test_ids_are_checked_against_the_vocabulary_of_the_side_that_reads_them():
    s = subject("encoder-decoder", "bert2bert")
    config = s.config.replace(encoder=s.config.encoder.replace(vocab_size=90))
    model = jf.init(config)
    model(input_ids=[[80]], decoder_input_ids=[[5]])
    model.generate([[80]], max_new_tokens=1, eos_token_id=None)
    with pytest.raises(jf.InputError, match="input_ids must lie in"):
        model(input_ids=[[90]], decoder_input_ids=[[5]])
    with pytest.raises(jf.InputError, match="decoder_input_ids must lie in"):
        model(input_ids=[[80]], decoder_input_ids=[[80]])
    with pytest.raises(jf.InputError, match="decoder_input_ids must lie in"):
        model.generate([[80]], decoder_input_ids=[[80]])


def test_an_input_that_the_nested_model_does_not_read_is_refused():
    s = subject("encoder-decoder", "bert2bert")
    model = jf.init(s.config.replace(encoder=jf.AutoConfig.for_model("distilbert", dim=16, n_heads=2, n_layers=1)))
    with pytest.raises(jf.InputError, match="token_type_ids"):
        model(input_ids=[[5, 6]], token_type_ids=[[0, 1]], decoder_input_ids=[[5]])


def test_an_image_is_written_about():
    s = subject("vision-encoder-decoder", "vit_gpt2")
    pixels, settings = s.inputs["pixel_values"], {"max_new_tokens": 4, "eos_token_id": None}
    named = s.model.generate(pixel_values=pixels, **settings)
    np.testing.assert_array_equal(s.model.generate(pixels, **settings), named)
    one = s.model.generate(pixels[:1], decoder_input_ids=[[2, 7]], max_new_tokens=3, eos_token_id=None)
    assert one.shape == (1, 5)
    drawn = {**settings, "do_sample": True, "num_return_sequences": 3}
    rows = s.model.generate(np.repeat(pixels[:1], 2, 0), **drawn)
    assert len({tuple(r) for r in rows.tolist()}) > 1
    np.testing.assert_array_equal(rows[:3], s.model.generate(pixels[:1], **drawn))


def test_a_sound_is_written_about():
    s = subject("speech-encoder-decoder", "wav2vec2_gpt2")
    sounds, mask, settings = (
        s.inputs["inputs"],
        s.inputs["attention_mask"],
        {"max_new_tokens": 4, "eos_token_id": None},
    )
    both = s.model.generate(sounds, mask, **settings)
    np.testing.assert_array_equal(s.model.generate(input_values=sounds, attention_mask=mask, **settings), both)
    real = int(mask[1].sum())  # the second row without its padding
    np.testing.assert_array_equal(s.model.generate(sounds[1:, :real], **settings), both[1:])
    beams = s.model.generate(sounds, mask, num_beams=3, **settings)
    np.testing.assert_array_equal(s.model.generate(sounds[1:, :real], num_beams=3, **settings), beams[1:])
    named = {n: s.inputs[n] for n in ("decoder_input_ids", "attention_mask")}
    given = s.model(inputs=sounds, **named)
    np.testing.assert_array_equal(s.model(input_values=sounds, **named).logits, given.logits)
    with pytest.raises(jf.InputError, match="only one of inputs"):
        s.model(inputs=sounds, input_values=sounds, **named)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({}, "pixel_values must be an array"),
        ({"input_ids": [1, 2]}, "pixel_values must be an array"),
        ({"pixel_values": np.zeros((1, 3, 24, 24)), "attention_mask": np.ones((1, 17))}, "attention_mask must be"),
        ({"pixel_values": np.zeros((1, 3, 24, 24)), "encoder_repetition_penalty": 1.2}, "encoder_repetition_penalty"),
        ({"pixel_values": np.zeros((1, 3, 24, 24)), "guidance_scale": 2.0}, "guidance_scale"),
        ({"pixel_values": np.zeros((1, 3, 24, 24)), "decoder_input_ids": [[500]]}, "decoder_input_ids must lie in"),
    ],
)
def test_bad_input_about_an_image_is_one_clear_error(inputs, word):
    with pytest.raises(jf.InputError, match=word):
        subject("vision-encoder-decoder", "vit_gpt2").model.generate(**inputs)


@pytest.mark.reference
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize(
    ("model_type", "case"),
    [
        ("encoder-decoder", "bert2bert"),
        ("encoder-decoder", "roberta2gpt2"),
        ("encoder-decoder", "shared"),
        ("vision-encoder-decoder", "vit_gpt2"),
        ("vision-encoder-decoder", "vit_bart"),
        ("speech-encoder-decoder", "wav2vec2_gpt2"),
        ("speech-encoder-decoder", "adapter"),
    ],
)
def test_the_reference_writes_the_same(model_type, case, beams):
    import torch

    s = subject(model_type, case)
    sys.path.insert(0, str(GOLDENS))
    import record

    sys.path.remove(str(GOLDENS))
    reference = record.build(s.model_type, s.case, s.head)
    settings = {"max_new_tokens": 8, "num_beams": beams, "decoder_start_token_id": 2, "pad_token_id": 0}
    read = {n: s.inputs[n] for n in ("input_ids", "attention_mask", "pixel_values", "inputs") if n in s.inputs}
    theirs = reference.generate(**{n: torch.from_numpy(x) for n, x in read.items()}, **settings)
    np.testing.assert_array_equal(s.model.generate(**read, **settings), theirs.numpy())
