"""BLIP: what a text that looks across sees of padding, and how captions and answers begin and end."""

import sys

import jax.numpy as jnp
import numpy as np
import pytest
from support.case import GOLDENS, load_cases
from test_contract import Subject

import jaxformers as jf


def subject(head, model_type="blip"):
    return Subject(model_type, load_cases(model_type).CASES[0], head)


def test_answers_do_not_see_padding_of_the_question():
    s = subject("BlipForQuestionAnswering")
    ids, one = s.inputs["input_ids"], {n: x[1:] for n, x in s.inputs.items()}
    padded = s.model(**{**one, "attention_mask": (np.arange(9) < 6)[None]})
    cut = s.model(**{**one, "input_ids": ids[1:, :6]})
    np.testing.assert_allclose(padded.logits, cut.logits, rtol=1e-5, atol=1e-5)
    assert not np.allclose(s.model(**one).logits, cut.logits, atol=1e-3)


def test_texts_do_not_see_masked_states():
    s = subject("BlipTextLMHeadModel", "blip_text_model")
    states = np.random.default_rng(0).standard_normal((2, 5, 24)).astype(np.float32)
    given = {n: s.inputs[n] for n in ("input_ids", "attention_mask")}
    masked = s.model(**given, encoder_hidden_states=states, encoder_attention_mask=[[1, 1, 1, 0, 0]] * 2)
    cut = s.model(**given, encoder_hidden_states=states[:, :3])
    np.testing.assert_allclose(masked.logits, cut.logits, rtol=1e-5, atol=1e-5)


def test_captions_begin_with_the_start_token():
    s = subject("BlipForConditionalGeneration")
    pixels, bos, sep = s.inputs["pixel_values"], 65, 66
    out = s.model.generate(pixel_values=pixels, max_new_tokens=4)
    assert (out[:, 0] == bos).all()
    same = s.model.generate(input_ids=[[bos], [bos]], pixel_values=pixels, max_new_tokens=4)
    np.testing.assert_array_equal(out, same)
    text = s.model.generate(
        input_ids=[[9, 7, 8, sep]] * 2, attention_mask=np.ones((2, 4)), pixel_values=pixels, max_new_tokens=4
    )
    assert text[:, :3].tolist() == [[bos, 7, 8]] * 2
    assert s.model.generate(pixel_values=pixels, max_new_tokens=4, eos_token_id=int(out[0, 1])).shape[1] <= 5
    with pytest.raises(jf.InputError, match="pixel_values must be given"):
        s.model.generate(input_ids=[[bos, 5]], max_new_tokens=2)


def test_a_text_that_can_not_look_across_says_so():
    config = jf.AutoConfig.for_model("blip_text_model", **load_cases("blip_text_model").TINY, is_decoder=False)
    with pytest.raises(jf.InputError, match="is_decoder"):
        jf.init(config)(input_ids=[[5]], encoder_hidden_states=jnp.zeros((1, 3, 24)))


@pytest.mark.reference
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("head", ["BlipForConditionalGeneration", "BlipForQuestionAnswering"])
def test_the_reference_writes_the_same(head, beams):
    import torch

    s = subject(head)
    sys.path.insert(0, str(GOLDENS))
    import record

    sys.path.remove(str(GOLDENS))
    reference = record.build(s.model_type, s.case, s.head)
    settings = {"max_new_tokens": 8, "num_beams": beams}
    given = {"pixel_values": s.inputs["pixel_values"]}
    if head == "BlipForQuestionAnswering":
        given["input_ids"] = np.maximum(s.inputs["input_ids"], 5)  # no padding, which it would take for words
    theirs = reference.generate(**{n: torch.from_numpy(x) for n, x in given.items()}, **settings)
    np.testing.assert_array_equal(s.model.generate(**given, **settings), theirs.numpy())
    if head == "BlipForConditionalGeneration":
        given["input_ids"] = np.array([[9, 7, 8, 66], [9, 5, 6, 66]])
        theirs = reference.generate(**{n: torch.from_numpy(x.copy()) for n, x in given.items()}, **settings)
        np.testing.assert_array_equal(s.model.generate(**given, **settings), theirs.numpy())
