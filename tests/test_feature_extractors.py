"""Feature extractors: on sounds made here, every class gives the reference's arrays; and the utilities do."""

import json
import warnings

import numpy as np
import pytest
from audio.case import CASES, GOLDENS, SOUNDS, digest, observe

import jaxformers as jf
from jaxformers.processing.audio.mel import mel_filter_bank
from jaxformers.processing.audio.spectrogram import spectrogram, window_function

WANTED = json.loads((GOLDENS / "extractors.json").read_text())


def same(found, wanted, name, tolerance=1e-6):
    got = digest(np.asarray(found))
    assert (got["shape"], got["dtype"]) == (wanted["shape"], wanted["dtype"]), name
    exact = wanted["dtype"].startswith("int")
    for part in ("entries", "moments"):
        limit = 0 if exact else tolerance
        np.testing.assert_allclose(got[part], wanted[part], rtol=limit, atol=limit, err_msg=f"{name} {part}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    extractor = jf.AutoFeatureExtractor.from_pretrained(case.write(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = observe(extractor, case)
    assert found.keys() == WANTED[case.name].keys()
    for name, wanted in WANTED[case.name].items():
        same(found[name], wanted, name)


def test_every_golden_has_its_case():
    assert WANTED.keys() == {"spectrograms", *(case.name for case in CASES)}


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
    }
    assert found.keys() == WANTED["spectrograms"].keys()
    for name, wanted in WANTED["spectrograms"].items():
        same(found[name], wanted, name)
