"""ViLT: what words see of images that are padded, or of which some patches are left out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import load_cases
from test_contract import Subject

import jaxformers as jf


def model(name="whole", head="ViltModel"):
    return Subject("vilt", next(c for c in load_cases("vilt").CASES if c.name == name), head)


def test_padding_around_every_image_changes_nothing():
    s = model()
    small = s.inputs["pixel_values"][..., :12, :18]
    seen = s.model(**{**s.inputs, "pixel_values": small, "pixel_mask": np.ones((2, 12, 18))})
    room = ((0, 0), (0, 0), (0, 12), (0, 6))
    padded = {"pixel_values": np.pad(small, room), "pixel_mask": np.pad(np.ones((2, 12, 18)), (room[0], *room[2:]))}
    out = s.model(**{**s.inputs, **padded})
    assert out.last_hidden_state.shape[1] == 9 + 1 + 4 * 4
    np.testing.assert_allclose(out.pooler_output, seen.pooler_output, rtol=1e-5, atol=1e-5)
    real = np.flatnonzero(np.arange(26) < 9 + 1 + 2 * 3)
    np.testing.assert_allclose(out.last_hidden_state[:, real], seen.last_hidden_state, rtol=1e-5, atol=1e-5)


def test_patches_are_drawn_with_a_key():
    s = model()
    config = s.config.replace(max_image_length=3)
    few = s.model.replace(config=config)
    first = few(**s.inputs).pooler_output
    np.testing.assert_array_equal(few(**s.inputs).pooler_output, first)
    drawn = [few(**s.inputs, key=jax.random.key(i)).pooler_output for i in range(3)]
    assert few(**s.inputs, key=jax.random.key(0)).last_hidden_state.shape[1] == 9 + 1 + 3
    assert not np.allclose(drawn[0], drawn[1]) or not np.allclose(drawn[1], drawn[2])
    mask = np.zeros((2, 20, 20), np.int32)
    mask[:, :6, :18] = 1  # three real patches: whichever way they are drawn, all of them are
    whole = few(**s.inputs, pixel_mask=mask).pooler_output
    for i in range(3):
        again = few(**s.inputs, pixel_mask=mask, key=jax.random.key(i)).pooler_output
        np.testing.assert_allclose(again, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("head", "changes", "word"),
    [
        ("ViltModel", {"pixel_values": None}, "exactly one of pixel_values"),
        ("ViltModel", {"image_embeds": jnp.zeros((2, 5, 16))}, "exactly one of pixel_values"),
        ("ViltModel", {"pixel_values": jnp.zeros((1, 3, 20, 20))}, "an image a text"),
        ("ViltForImagesAndTextClassification", {"pixel_values": jnp.zeros((2, 3, 3, 20, 20))}, "num_images = 2"),
        ("ViltForImagesAndTextClassification", {"pixel_values": None}, "num_images = 2"),
    ],
)
def test_bad_input_is_one_clear_error(head, changes, word):
    s = model(head=head)
    with pytest.raises(jf.InputError, match=word):
        s.model(**{**s.inputs, **changes})


def test_pairs_of_images_need_their_number():
    with pytest.raises(jf.ConfigError, match="num_images"):
        jf.init(jf.AutoConfig.for_model("vilt", hidden_size=12, num_hidden_layers=1), "ForImagesAndTextClassification")
