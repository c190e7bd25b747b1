"""EnCodec: `encode` and `decode` by themselves, codes to the bit, both spellings of normed weights, refusals."""

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases.encodec import CASES, CHUNKED, HEADS, SAMPLES, TINY
from safetensors.numpy import load_file, save_file
from support.case import GOLDENS
from support.fill import relative_error, sketch
from test_contract import Subject, filled, goldens

import jaxformers as jf
from jaxformers import spec
from jaxformers.models.audio.encodec import decode, encode

SUBJECTS = {case.name: Subject("encodec", case, HEADS[0]) for case in CASES}
READS_SOUND = [name for name, s in SUBJECTS.items() if "audio_codes" not in s.inputs]
SOUND = np.random.default_rng(0).standard_normal((2, 2, SAMPLES)).astype(np.float32)


@functools.cache
def make(**changes):
    config = jf.AutoConfig.for_model("encodec", **{**TINY, **changes})
    model = jf.init(config, key=jax.random.key(0))
    return model.replace(
        params=spec.map_named(lambda path, p: jnp.asarray(filled(path, p)), model.head.declare(config))
    )


def sound_and_codes(s: Subject):
    """What `encode` and `decode` make of a case's inputs."""
    x, p, c = s.inputs, s.model.params, s.config
    codes = encode(p, c, x["input_values"], x.get("padding_mask"), s.options.get("bandwidth"))
    ruler = x.get("padding_mask", x["input_values"])
    return codes, decode(p, c, padding_mask=ruler, **codes).audio_values


@pytest.mark.parametrize("name", READS_SOUND)
def test_codes_equal_the_reference_to_the_bit(name):
    s = SUBJECTS[name]
    expected = {k: goldens("encodec")[f"{name}/{HEADS[0]}/{k}"] for k in ("audio_codes", "audio_values")}
    codes, values = sound_and_codes(s)
    for found in (codes.audio_codes, s.outputs["audio_codes"]):
        assert found.dtype == np.int32
        np.testing.assert_array_equal(sketch(found), expected["audio_codes"])
    assert len(np.unique(codes.audio_codes)) > min(5, codes.audio_codes.size // 2)  # of five samples there are four
    assert relative_error(sketch(values), expected["audio_values"]) <= 1e-5
    assert relative_error(values, s.outputs["audio_values"]) <= 1e-6


@pytest.mark.reference
@pytest.mark.parametrize("name", list(SUBJECTS))
def test_encode_and_decode_equal_the_reference(name):
    import torch

    sys.path.insert(0, str(GOLDENS))
    import record as recorder

    sys.path.remove(str(GOLDENS))
    s = SUBJECTS[name]
    model = recorder.build("encodec", s.case, HEADS[0])
    x = {n: torch.from_numpy(v).long() if v.dtype == np.int32 else torch.from_numpy(v) for n, v in s.inputs.items()}
    with torch.no_grad():
        if name in READS_SOUND:
            theirs = model.encode(x["input_values"], x.get("padding_mask"), s.options.get("bandwidth"), True)
            ours, _ = sound_and_codes(s)
            np.testing.assert_array_equal(ours.audio_codes, theirs.audio_codes.numpy())
            assert ours.last_frame_pad_length == theirs.last_frame_pad_length
            assert (ours.audio_scales is None) == (theirs.audio_scales[0] is None)
            if s.config.normalize:
                assert relative_error(ours.audio_scales, torch.stack(list(theirs.audio_scales)).numpy()) <= 1e-6
            x = {"audio_codes": theirs.audio_codes, "audio_scales": theirs.audio_scales}
            given, pad = ours, theirs.last_frame_pad_length
        else:
            given, pad = s.inputs, s.options.get("last_frame_pad_length", 0)
        theirs = model.decode(x["audio_codes"], x["audio_scales"], None, True, pad).audio_values
    ours = decode(s.model.params, s.config, given["audio_codes"], given.get("audio_scales"), None, pad).audio_values
    assert relative_error(ours, theirs.numpy()) <= 1e-5


def test_chunks_are_encoded_as_if_one_by_one():
    model = make(**CHUNKED)
    c = model.config
    together = encode(model.params, c, SOUND)
    for i, start in enumerate(range(0, SAMPLES, c.chunk_stride)):
        one = encode(model.params, c, SOUND[..., start : start + c.chunk_length]).audio_codes[0]
        np.testing.assert_array_equal(together.audio_codes[i][..., : one.shape[-1]], one)
    assert together.audio_codes.shape[0] == i + 1 == 4
    assert together.audio_scales.shape == (4, 2, 1)


def test_padding_is_not_heard():
    model, mask = make(**CHUNKED), np.ones((2, SAMPLES), np.int32)
    mask[:, 250:] = 0
    noisy = np.where(mask[:, None] == 1, SOUND, np.nan).astype(np.float32)
    a, b = (model(input_values=x, padding_mask=mask) for x in (SOUND, noisy))
    np.testing.assert_array_equal(a.audio_codes, b.audio_codes)
    np.testing.assert_array_equal(a.audio_values, b.audio_values)


def test_a_scan_of_codebooks_takes_as_many_as_a_list():
    model = make(**CHUNKED)
    stacked = model.replace(params=jf.stack(model.params))
    for bandwidth, books in ((0.8, 2), (1.6, 4)):
        a, b = (encode(m.params, m.config, SOUND, bandwidth=bandwidth).audio_codes for m in (model, stacked))
        assert a.shape[2] == books
        np.testing.assert_array_equal(a, b)


def test_codebooks_get_no_gradient():
    model = make()
    trains = spec.trainable(model.head.declare(model.config))
    grads = jax.grad(lambda p: jnp.square(model.apply(p, input_values=SOUND[:, :1]).audio_values).sum())(model.params)
    for name, g in spec.flatten(grads).items():
        assert spec.flatten(trains)[name] == ("codebook" not in name)
        assert (float(jnp.abs(g).sum()) > 0) == name.startswith("decoder"), name


@pytest.mark.parametrize("older", [True, False])
def test_files_with_either_spelling_load(older, tmp_path):
    model = make()
    model.save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    assert sum("original" in n for n in tensors) > 20
    if older:
        spelt = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
        for new, old in spelt.items():
            tensors = {n.replace(new, old): x for n, x in tensors.items()}
        save_file(tensors, tmp_path / "model.safetensors")
    jax.tree.map(np.testing.assert_array_equal, jf.load(tmp_path).params, model.params)


def test_decode_under_jit():
    model = make(**CHUNKED)
    made = jax.jit(encode, static_argnums=(1,))(model.params, model.config, SOUND)
    pad = int(made.last_frame_pad_length)
    compiled = jax.jit(decode, static_argnums=(1,), static_argnames=("last_frame_pad_length",))
    values = compiled(model.params, model.config, made.audio_codes, made.audio_scales, last_frame_pad_length=pad)
    assert relative_error(values.audio_values[..., :SAMPLES], model(input_values=SOUND).audio_values) <= 1e-6


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"input_values": SOUND[:, :1]}, "input_values"),
        ({"input_values": SOUND[0]}, "input_values"),
        ({"input_values": SOUND, "bandwidth": 1.0}, "bandwidth must be one of 0.8, 1.6"),
        ({"input_values": SOUND, "audio_scales": np.ones((1, 2, 1))}, "audio_codes"),
        ({"audio_codes": np.ones((1, 2, 4, 10), int)}, "audio_scales"),
        ({"audio_codes": np.ones((1, 2, 5, 10), int), "audio_scales": np.ones((1, 2, 1))}, "1 to 4 codebooks"),
        (
            {
                "audio_codes": np.ones((1, 2, 2, 4), int),
                "audio_scales": np.ones((1, 2, 1)),
                "last_frame_pad_length": 4,
            },
            "last_frame_pad_length",
        ),
        ({}, "input_values"),
    ],
)
def test_inputs_that_do_not_fit(inputs, word):
    with pytest.raises(jf.InputError, match=word):
        make(**CHUNKED)(**inputs)


def test_what_can_not_be_one_array_of_codes():
    with pytest.raises(jf.InputError, match="no two chunks shorter"):
        make(**{**CHUNKED, "overlap": 0.7})(input_values=SOUND)
    with pytest.raises(jf.InputError, match="one chunk"):
        make()(audio_codes=np.ones((2, 2, 2, 4), int))
