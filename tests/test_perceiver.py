"""Perceiver beside the contract: what it refuses, images of other sizes, blocks that share layers, wider values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import load_cases

import jaxformers as jf
from jaxformers import nn

TINY = load_cases("perceiver").TINY


def build(head: str, **changes) -> jf.Model:
    return jf.init(jf.AutoConfig.for_model("perceiver", **{**TINY, **changes}), head=head, key=jax.random.key(0))


def video(**changes):
    whole = {"image": np.zeros((2, 2, 3, 8, 12)), "audio": np.zeros((2, 48)), "label": np.zeros((2, 2))}
    given = {name: x for name, x in {**whole, **changes}.items() if x is not None}
    points = {"image": np.array([3, 190], np.int32), "audio": np.array([5], np.int32)}
    return {"inputs": given, "subsampled_output_points": points}


IDS = np.ones((2, 12), np.int32)
REFUSED = [
    ("PerceiverModel", {"inputs": np.zeros((2, 9, 23))}, "d_model = 24"),
    ("ForMaskedLM", {"input_ids": IDS, "inputs": IDS}, "exactly one of input_ids and inputs"),
    ("ForMaskedLM", {"attention_mask": IDS}, "exactly one of input_ids and inputs"),
    ("ForMaskedLM", {"inputs": IDS + 900}, r"inputs must lie in \[0, "),
    ("ForMaskedLM", {"input_ids": np.ones((2, 13), np.int32)}, r"up to 12.*\[2, 13\].*shorten"),
    ("ForMaskedLM", {"input_ids": IDS[:, :9], "labels": IDS[:, :9]}, r"labels must have shape \[2, 12\].*-100"),
    ("ForImageClassificationLearned", {"pixel_values": np.zeros((2, 3, 11, 9))}, "interpolate_pos_encoding"),
    ("ForImageClassificationFourier", {"pixel_values": np.zeros((2, 9, 9, 3))}, "3 channels"),
    ("ForOpticalFlow", {"inputs": np.zeros((2, 2, 27, 6, 9))}, r"\[batch, 2, 27, 5, 9\]"),
    ("ForMultimodalAutoencoding", {**video(), "subsampled_output_points": None}, "no audio, image"),
    ("ForMultimodalAutoencoding", video(audio=None), "no audio"),
    ("ForMultimodalAutoencoding", video(audio=np.zeros((2, 49))), "multiple of 8 samples, got 49"),
    ("ForMultimodalAutoencoding", video(image=np.zeros((2, 2, 3, 10, 12))), "multiples of 4 .*10 by 12"),
    ("ForMultimodalAutoencoding", video(label=np.zeros((2, 3))), r"\[batch, 2\]"),
]


@pytest.mark.parametrize(("head", "inputs", "match"), REFUSED)
def test_inputs_that_do_not_fit(head, inputs, match):
    with pytest.raises(jf.InputError, match=match):
        build(head)(**inputs)


def test_heads_that_do_not_divide_what_they_read():
    with pytest.raises(jf.ConfigError, match="multiples of 4, the attention heads, got 261"):
        build("ForImageClassificationFourier", num_cross_attention_heads=4)


def test_learned_positions_stretch_to_other_sizes():
    model, x = build("ForImageClassificationLearned"), np.zeros((2, 3, 9, 9), np.float32)
    same = model(pixel_values=x, interpolate_pos_encoding=True).logits
    np.testing.assert_array_equal(same, model(pixel_values=x).logits)
    wide = np.zeros((2, 3, 11, 14), np.float32)
    assert model(pixel_values=wide, interpolate_pos_encoding=True, output_attentions=True).logits.shape == (2, 2)


def test_a_label_is_asked_for_and_not_read():
    model, given = build("ForMultimodalAutoencoding"), video()
    other = video(label=np.ones((2, 2)))
    for name, x in model(**given).logits.items():
        np.testing.assert_array_equal(x, model(**other).logits[name])


def test_dropout_goes_by_the_key():
    model = build("ForSequenceClassification", attention_probs_dropout_prob=0.5)
    a, b, c = (model(input_ids=IDS, key=jax.random.key(i)).logits for i in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    assert (a != model(input_ids=IDS).logits).any()


@pytest.mark.parametrize("stacked", [False, True])
def test_more_blocks_make_no_longer_program(stacked):
    def size(blocks):
        model = build("PerceiverModel", num_blocks=blocks)
        model = model.replace(params=jf.stack(model.params)) if stacked else model
        return str(jax.make_jaxpr(lambda x: model(inputs=x).last_hidden_state)(jnp.zeros((2, 9, 24)))).count("dot_gen")

    assert size(2) == size(5)


@pytest.mark.parametrize("kernel", ["auto", "eager", "xla", "chunked", "splash"])
def test_values_may_be_wider_than_keys(kernel):
    q, k, v = (jax.random.normal(jax.random.key(i), (2, 128, 2, h)) for i, h in enumerate((4, 4, 20)))
    with jf.running(attention=kernel):
        out, _ = nn.attend(q, k, v)
    probs = jax.nn.softmax(jnp.einsum("bsnh,btnh->bnst", q, k) / 2, -1)
    np.testing.assert_allclose(out, jnp.einsum("bnst,btnh->bsnh", probs, v), atol=1e-5)
