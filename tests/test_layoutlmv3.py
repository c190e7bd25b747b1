"""LayoutLMv3 beyond the contract: what is not trained, and what it can not read."""

import jax
import numpy as np
import pytest
from cases.layoutlmv3 import TINY, inputs

import jaxformers as jf
from jaxformers import spec


def model(head: str = "Model", **more):
    return jf.init(jf.AutoConfig.for_model("layoutlmv3", **{**TINY, **more}), head, key=jax.random.key(0))


def page(head: str = "LayoutLMv3Model"):
    return inputs(head, TINY, np.random.default_rng(0))


def test_the_bias_by_distance_is_not_trained():
    """As in the reference, which looks its tables up without a gradient."""
    classifier = model("ForTokenClassification", initializer_range=0.3)
    x = page("LayoutLMv3ForTokenClassification")
    grads = spec.flatten(jax.grad(lambda m: m.apply(m.params, **x).loss)(classifier).params)
    still = {name for name, g in grads.items() if not np.asarray(g).any()}
    assert {n for n in still if "rel_pos" in n} == {n for n in grads if "rel_pos" in n}
    assert not {n for n in still if "query.weight" in n or "x_position" in n or "patch_embed" in n}


@pytest.mark.parametrize(
    ("more", "given", "message"),
    [
        ({}, {}, "one of input_ids, inputs_embeds and pixel_values must be given"),
        ({"text_embed": False}, {"input_ids": "x"}, "text_embed=False"),
        ({"visual_embed": False}, {"pixel_values": "x"}, "visual_embed=False"),
        ({}, {"input_ids": "x", "bbox": np.zeros((2, 9, 3), np.int32)}, "bbox must be"),
        ({}, {"pixel_values": np.zeros((2, 3, 26, 26), np.float32)}, "pixel_values must be 20 high and 20 wide"),
    ],
)
def test_what_it_can_not_read(more, given, message):
    x = page()
    with pytest.raises(jf.JaxformersError, match=message):
        model(**more)(**{n: x[n] if isinstance(v, str) else v for n, v in given.items()})


def test_words_are_needed_to_classify_them():
    with pytest.raises(jf.JaxformersError, match="words are classified"):
        model("ForTokenClassification")(pixel_values=page()["pixel_values"])
