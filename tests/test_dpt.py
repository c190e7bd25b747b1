"""DPT: what its heads refuse, and dropout by key."""

import jax
import numpy as np
import pytest
from cases.dpt import DEPTH, DINO, SEGMENTER, TINY

import jaxformers as jf

IMAGES = np.random.default_rng(0).standard_normal((1, 3, 24, 24)).astype(np.float32)


def make(head, **changes):
    return jf.init(jf.AutoConfig.for_model("dpt", **{**TINY, **changes}), head=head, key=jax.random.key(0))


@pytest.mark.parametrize("head", [DEPTH, SEGMENTER])
@pytest.mark.parametrize("indices", [[0, 1, 2], [0, 1, 2, 4], [0, 1, 2, 2], None])
def test_a_layer_for_each_size(head, indices):
    with pytest.raises(jf.InputError, match="backbone_out_indices must name 4 of 4 layers"):
        make(head, backbone_out_indices=indices)(pixel_values=IMAGES)


def test_segmenting_needs_its_own_layers_and_two_classes():
    with pytest.raises(jf.InputError, match="backbone_config"):
        make(SEGMENTER, backbone_config=DINO)(pixel_values=IMAGES)
    model = make(SEGMENTER, id2label={"0": "a"}, label2id={"a": 0})
    with pytest.raises(jf.InputError, match="num_labels"):
        model(pixel_values=IMAGES, labels=np.zeros((1, 24, 24), np.int32))


def test_a_backbone_drops_by_the_key():
    model = make(DEPTH, backbone_config={**DINO, "hidden_dropout_prob": 0.5, "output_hidden_states": True})
    model = model.replace(params=jax.tree.map(lambda x: x + 0.1, model.params))

    def states(**key):
        return np.asarray(model(pixel_values=IMAGES, output_hidden_states=True, **key).hidden_states[-1])

    one = states(key=jax.random.key(1))
    assert np.array_equal(one, states(key=jax.random.key(1)))
    assert not np.allclose(one, states())
