"""Feature extractors: on sounds made here, every class gives the reference's arrays; and the utilities do."""

import json
import warnings

import numpy as np
import pytest
from audio.case import CASES, GOLDENS, SOUNDS, digest
from goldens.audio.cases import CASES as FURTHER
from goldens.audio.cases import forms, observed, pads

import jaxformers as jf
from jaxformers.processing.audio.chroma import chroma_filter_bank, hertz_to_octave
from jaxformers.processing.audio.clap import Clap
from jaxformers.processing.audio.kinds import CLASSES
from jaxformers.processing.audio.mel import mel_filter_bank
from jaxformers.processing.audio.seamless import SeamlessM4T
from jaxformers.processing.audio.spectra import AudioSpectrogram, Speech2Text, Whisper
from jaxformers.processing.audio.spectrogram import spectrogram, window_function
from jaxformers.processing.audio.univnet import UnivNet
from jaxformers.processing.audio.waveforms import Wav2Vec2

X = SOUNDS["sweep"]
ALL = [*CASES, *FURTHER]
WANTED = json.loads((GOLDENS / "extractors.json").read_text())


def same(found, wanted, name, tolerance=1e-6):
    got = digest(np.asarray(found))
    assert (got["shape"], got["dtype"]) == (wanted["shape"], wanted["dtype"]), name
    exact = wanted["dtype"].startswith("int")
    for part in ("entries", "moments"):
        limit = 0 if exact else tolerance
        np.testing.assert_allclose(got[part], wanted[part], rtol=limit, atol=limit, err_msg=f"{name} {part}")


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    extractor = jf.AutoFeatureExtractor.from_pretrained(case.write(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = observed(extractor, case, ours=True)
    assert found.keys() == WANTED[case.name].keys()
    for name, wanted in WANTED[case.name].items():
        same(found[name], wanted, name)


def test_every_golden_has_its_case():
    assert WANTED.keys() == {"spectrograms", "pads", "forms", *(case.name for case in ALL)}


def test_utilities_equal_the_reference():
    x, window = SOUNDS["sweep"], window_function(400, "hamming")
    filters = mel_filter_bank(257, 20, 50.0, 7000.0, 16000, "slaney", "htk")
    found = {
        "complex": np.abs(spectrogram(x, window, 400, 160, power=None)),
        "twosided": spectrogram(x, window, 400, 200, fft_length=512, onesided=False, center=False),
        "decibels": spectrogram(x, window, 400, 160, 512, 2.0, mel_filters=filters, log_mel="dB", db_range=40.0),
        "amplitude": spectrogram(x, window, 400, 160, 512, 1.0, mel_filters=filters, log_mel="dB", reference=2.0),
        "constant": spectrogram(x, window, 400, 100, pad_mode="constant", preemphasis=0.9, remove_dc_offset=True),
        "htk": filters,
        "kaldi": mel_filter_bank(129, 12, 20.0, 4000.0, 8000, None, "kaldi", True),
        "slaney": mel_filter_bank(201, 80, 0.0, 8000.0, 16000, "slaney", "slaney"),
        "povey": window_function(25, "povey", periodic=False, frame_length=40, center=False),
        "chroma": chroma_filter_bank(512, 12, 32000),
        "chroma-a": chroma_filter_bank(255, 24, 16000, 0.3, 1.0, None, start_at_c_chroma=False),
        "chroma-free": chroma_filter_bank(256, 7, 8000, -0.1, None, (4.0, 1.0)),
        "octave": hertz_to_octave(np.array([27.5, 440.0, 1000.0]), 0.2, 24),
    }
    assert found.keys() == WANTED["spectrograms"].keys()
    for name, wanted in WANTED["spectrograms"].items():
        same(found[name], wanted, name)


def test_collating_equals_the_reference():
    found = pads(Wav2Vec2(padding_value=-2.0), Speech2Text(feature_size=10, num_mel_bins=10, padding_side="left"))
    assert found.keys() == WANTED["pads"].keys()
    for name, wanted in WANTED["pads"].items():
        same(found[name], wanted, name)


def test_every_form_of_input_equals_the_reference():
    made = {"waves": Wav2Vec2(), "mels": Whisper(chunk_length=1), "energies": AudioSpectrogram(max_length=20)}
    found = {f"{kind}/{name}": x for kind, one in made.items() for name, x in forms(one).items()}
    assert found.keys() == WANTED["forms"].keys()
    for name, wanted in WANTED["forms"].items():
        same(found[name], wanted, name)


def test_cuts_and_noise_are_drawn_by_a_generator():
    def draw(seed, one, **how):
        out = one(SOUNDS["sweep"], sampling_rate=one.sampling_rate, generator=np.random.default_rng(seed), **how)
        return out["noise_sequence" if isinstance(one, UnivNet) else "input_features"][0]

    for one, how in (
        (Clap(), {"max_length": 2000}),
        (Clap(truncation="rand_trunc"), {"max_length": 2000}),
        (UnivNet(), {}),
    ):
        np.testing.assert_array_equal(draw(1, one, **how), draw(1, one, **how))
        assert np.abs(draw(1, one, **how) - draw(2, one, **how)).max() > 0.01


def test_one_short_sound_of_a_call_is_said_to_be_long():
    out = Clap(max_length_s=1)([SOUNDS["sweep"]] * 5, sampling_rate=48000, return_tensors="np")
    assert (out.is_longer.shape, out.is_longer.dtype, out.is_longer.sum()) == ((5, 1), bool, 1)
    out = Clap(max_length_s=1, truncation="rand_trunc")(SOUNDS["sweep"], sampling_rate=48000)
    assert out.is_longer == [[False]]


def test_what_a_vocoder_said_is_cut_and_scaled_back():
    one = UnivNet()
    x = np.linspace(one.normalize_min, one.normalize_max, 5)
    np.testing.assert_allclose(one.normalize(x), [-1, -0.5, 0, 0.5, 1], atol=1e-12)
    np.testing.assert_allclose(one.denormalize(one.normalize(x)), x)
    said = one.batch_decode(np.ones((2, 9)), [4, 9])
    assert [x.shape for x in said] == [(4,), (9,)]
    assert [x.shape for x in one.batch_decode(np.ones((2, 9)))] == [(9,), (9,)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_saved_and_read_again(kind, tmp_path):
    kind(padding_side="left").save_pretrained(tmp_path)
    again = jf.AutoFeatureExtractor.from_pretrained(tmp_path)
    assert (type(again), again.to_dict()) == (kind, kind(padding_side="left").to_dict())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Clap()(X, truncation="cut", sampling_rate=48000),
            "truncation must be one of fusion, rand_trunc, got",
        ),
        (
            lambda: Clap()(X, padding="longer", sampling_rate=48000),
            "padding must be one of repeatpad, repeat, pad, got",
        ),
        (lambda: Clap()(X, sampling_rate=16000), "sampling_rate must be 48000, .* got 16000"),
        (lambda: Clap(max_length_s=0), "max_length_s must be a positive whole number, got 0"),
        (lambda: SeamlessM4T(stride=1.5), "stride must be a positive whole number, got 1.5"),
        (lambda: SeamlessM4T()(X[:500], sampling_rate=16000), "must hold at least 560 samples, two frames"),
        (lambda: UnivNet(win_length=512)(X, sampling_rate=24000), "window must have frame_length entries, got 512 of"),
        (lambda: Wav2Vec2().pad({"input_features": [X]}), "pad must be given 'input_values', got input_features"),
        (lambda: Wav2Vec2().pad([]), "pad must be given 'input_values', got nothing"),
        (lambda: Wav2Vec2().pad({"input_values": X}), "input_values must be a list of arrays"),
        (
            lambda: Wav2Vec2().pad({"input_values": [X], "attention_mask": [[1, 1]]}),
            r"and masks as long, got shapes \[\(8000,\)\]",
        ),
        (lambda: chroma_filter_bank(1, 12, 16000), "bins must be at least 2 and classes at least 1, got 1 and 12"),
    ],
)
def test_bad_calls(call, message):
    with pytest.raises(jf.InputError, match=message):
        call()
