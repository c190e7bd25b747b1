"""BEiT: what it refuses, and randomness by key."""

import jax
import numpy as np
import pytest
from cases.beit import BACKBONE, MASKED, MODEL, SEGMENT, SEGMENTER, TINY

import jaxformers as jf

IMAGES = np.random.default_rng(0).standard_normal((2, 3, 24, 24)).astype(np.float32)


def make(head, **changes):
    return jf.init(jf.AutoConfig.for_model("beit", **TINY, **changes), head=head, key=jax.random.key(0))


def test_as_many_tokens_as_hidden_patches():
    model, hidden = make(MASKED), np.zeros((2, 16), bool)
    hidden[:, 3:5] = True
    assert np.isfinite(model(pixel_values=IMAGES, bool_masked_pos=hidden, labels=np.arange(4)).loss)
    assert np.isnan(model(pixel_values=IMAGES, bool_masked_pos=hidden, labels=np.arange(3)).loss)
    with pytest.raises(jf.InputError, match="bool_masked_pos"):
        model(pixel_values=IMAGES, labels=np.arange(4))


def test_hidden_patches_need_a_mask_token():
    config = jf.AutoConfig.for_model("beit", **{**TINY, "use_mask_token": False})
    model = jf.init(config, head=MODEL, key=jax.random.key(0))
    with pytest.raises(jf.InputError, match="use_mask_token"):
        model(pixel_values=IMAGES, bool_masked_pos=np.zeros((2, 16), bool))


def test_segmenting_needs_four_layers_and_two_classes():
    with pytest.raises(jf.InputError, match="4 layers"):
        make(SEGMENTER)(pixel_values=IMAGES)
    config = jf.AutoConfig.for_model("beit", **{**TINY, **SEGMENT, "id2label": {"0": "a"}, "label2id": {"a": 0}})
    model = jf.init(config, head=SEGMENTER, key=jax.random.key(0))
    with pytest.raises(jf.InputError, match="num_labels"):
        model(pixel_values=IMAGES, labels=np.zeros((2, 24, 24), np.int32))


def test_stochastic_depth_goes_by_the_key():
    model = make(BACKBONE, drop_path_rate=0.9)
    model = model.replace(params=jax.tree.map(lambda x: x + 0.1, model.params))
    plain, one, same, other = (
        np.asarray(model(pixel_values=IMAGES, **k).feature_maps[-1])
        for k in ({}, *({"key": jax.random.key(i)} for i in (1, 1, 5)))
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, plain)
    assert not np.allclose(one, other)
