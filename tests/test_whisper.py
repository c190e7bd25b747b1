"""Whisper writes what the reference writes, and hides spans of its input in training only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_contract import SUBJECTS

import jaxformers as jf
from jaxformers.nn.spec_augment import spans


@pytest.fixture(scope="module")
def subject():
    wanted = ("whisper", "tiny", "WhisperForConditionalGeneration")
    return next(s for s in SUBJECTS if (s.model_type, s.case.name, s.head) == wanted)


PROMPTED = {
    "decoder_input_ids": np.array([[1, 5, 6], [1, 8, 6]]),
    "max_new_tokens": 8,
    "suppress_tokens": [7, 9, 14],
    "begin_suppress_tokens": [10, 33],
}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"max_new_tokens": 5}, [[1] + [21] * 5, [1] + [24] * 5]),
        (PROMPTED, [[1, 5, 6] + [24] * 8, [1, 8, 6, 55] + [24] * 7]),
        ({**PROMPTED, "num_beams": 3, "length_penalty": 0.7}, [[1, 5, 6] + [24] * 8, [1, 8, 6] + [24] * 8]),
    ],
)
def test_writes_what_the_reference_writes(subject, how, expected):
    np.testing.assert_array_equal(subject.model.generate(subject.inputs["input_features"], **how), expected)


def test_sounds_of_another_length_are_refused(subject):
    with pytest.raises(jf.InputError, match=r"input_features must be .batch, 6 mel bands, 20 frames., got .2, 6, 19."):
        subject.model(**{**subject.inputs, "input_features": subject.inputs["input_features"][:, :, 1:]})


def test_spec_augment_is_for_training(subject):
    config = subject.config.replace(apply_spec_augment=True, mask_time_length=3, mask_feature_prob=0.4)
    model = subject.model.replace(config=config.replace(mask_feature_length=2))
    plain, trained, again = (
        model.apply(model.params, **subject.inputs, **extra).loss
        for extra in ({}, {"key": jax.random.key(0)}, {"key": jax.random.key(0)})
    )
    assert plain == pytest.approx(float(subject.model.apply(subject.model.params, **subject.inputs).loss))
    assert abs(trained - plain) > 1e-3
    assert trained == again


def test_spans_are_whole_inside_and_as_many_as_asked_for():
    lengths = jnp.array([40, 12, 3])
    drawn = jax.vmap(lambda key: spans(key, 3, 40, 0.3, 4, 1, lengths))(jax.random.split(jax.random.key(1), 400))
    drawn = np.asarray(drawn)
    assert not drawn[:, 1, 12:].any()
    assert not drawn[:, 2].any(), "no span fits"
    edges = np.diff(np.pad(drawn, ((0, 0), (0, 0), (1, 1))).astype(int), axis=-1)
    for row in (0, 1):
        for draw in edges[:, row]:
            starts, ends = np.flatnonzero(draw == 1), np.flatnonzero(draw == -1)
            assert len(starts) >= 1
            assert ((ends - starts) >= 4).all()
    # 0.3 * 40 / 4 = 3 spans; 0.3 * 12 / 4 = 0.9 of one, but at least one.
    assert drawn[:, 0].sum(-1).max() == 12
    assert 9 < drawn[:, 0].sum(-1).mean() < 12
    assert (drawn[:, 1].sum(-1) == 4).all()
    with pytest.raises(jf.InputError, match="spans must be from 1 to 40 wide, got 41"):
        spans(jax.random.key(0), 1, 40, 0.3, 41)
