"""Sound from anywhere, the utilities' known values, resampling, files, and one clear error for bad input."""

import base64
import io
import json
import struct

import numpy as np
import pytest
from audio.case import SOUNDS, sound
from damaged.files import wav

import jaxformers as jf
from jaxformers.processing.audio import loading, mel
from jaxformers.processing.audio import spectrogram as spectra
from jaxformers.processing.audio.kinds import CLASSES, MODELS
from jaxformers.processing.audio.loading import resample
from jaxformers.processing.audio.spectra import Whisper
from jaxformers.processing.audio.waveforms import Encodec, Wav2Vec2

X = SOUNDS["sweep"]


# ------------------------------------------------------------------------------------------------------ loading


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(
    ("bits", "floats"), [(8, False), (16, False), (24, False), (32, False), (32, True), (64, True)]
)
def test_every_width(bits, floats, extensible):
    x, rate = jf.load_audio(wav(X, bits, 8000, floats, extensible))
    assert (x.dtype, rate) == (np.float32, 8000)
    np.testing.assert_allclose(x, X, atol=1e-7 if floats else 1.01 * 2.0 ** (1 - bits))


def test_channels():
    both = np.stack([X, 0.5 * X], 1)
    np.testing.assert_allclose(jf.load_audio(wav(both))[0], 0.75 * X, atol=1e-4)
    np.testing.assert_allclose(jf.load_audio(wav(both), mono=False)[0], both.T, atol=1e-4)


def test_from_anywhere(tmp_path):
    data = wav(X)
    (tmp_path / "a.wav").write_bytes(data)
    text = base64.b64encode(data).decode()
    for source in (tmp_path / "a.wav", str(tmp_path / "a.wav"), data, text, f"data:audio/wav;base64,{text}"):
        np.testing.assert_array_equal(jf.load_audio(source)[0], jf.load_audio(data)[0])


def test_resampling_keeps_a_tone_and_drops_what_the_rate_can_not_hold():
    seconds = np.arange(22050) / 44100
    low, rate = jf.load_audio(wav(0.5 * np.sin(2 * np.pi * 440 * seconds), rate=44100, bits=32), 16000)
    assert (rate, len(low)) == (16000, 8000)
    np.testing.assert_allclose(
        low[400:-400], 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)[400:-400], atol=1e-4
    )
    high = resample(np.sin(2 * np.pi * 10000 * seconds), 44100, 16000)
    assert np.abs(high[400:-400]).max() < 1e-4
    up = resample(np.sin(2 * np.pi * 440 * np.arange(800) / 8000), 8000, 16000)
    np.testing.assert_allclose(up[200:-200], np.sin(2 * np.pi * 440 * np.arange(1600) / 16000)[200:-200], atol=1e-4)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "the file is empty"),
        (wav(X)[:20], "the format must have at least 16 bytes, got 0"),
        (wav(X)[:48], "the file must be whole, it has no data"),
        (wav(X[:0]), "must hold finite samples, got none"),
        (wav(np.array([0.0, np.nan]), 32, floats=True), "must hold finite samples, got NaN"),
        (wav(X).replace(struct.pack("<HH", 1, 1), struct.pack("<HH", 7, 1), 1), "got encoding 7 with 16 bits"),
        ("nowhere.wav", "no such file, and no base64 text"),
        (3.5, "must be a path, bytes or a URL, got float"),
    ],
)
def test_no_sound(source, message):
    with pytest.raises(jf.InputError, match=message):
        jf.load_audio(source)


def test_a_file_with_more_samples_than_memory(monkeypatch):
    soundfile = pytest.importorskip("soundfile")
    out = io.BytesIO()
    soundfile.write(out, np.stack([X, X], 1), 16000, format="FLAC")
    np.testing.assert_allclose(jf.load_audio(out.getvalue())[0], X, atol=1e-4)
    monkeypatch.setattr(loading, "SAMPLES", 100)
    with pytest.raises(jf.InputError, match="must hold at most 100 samples"):
        jf.load_audio(out.getvalue())


@pytest.mark.parametrize("rate", [1, 2**31 - 1])
def test_a_rate_that_can_not_be_meant(rate, monkeypatch):
    monkeypatch.setattr(loading, "SAMPLES", 10**6)
    with pytest.raises(jf.InputError, match=f"samples at {rate} Hz must be few enough to be made 16000 Hz"):
        jf.load_audio(wav(X, rate=rate), 16000)


# ------------------------------------------------------------------------------------------------------ utilities


def test_mels():
    for scale, value in (("htk", 549.6387), ("kaldi", 549.6415), ("slaney", 6.6)):
        assert mel.hertz_to_mel(440.0, scale) == pytest.approx(value, abs=1e-4)
        freq = np.array([0.0, 60.0, 999.0, 1000.0, 7000.0])
        np.testing.assert_allclose(mel.mel_to_hertz(mel.hertz_to_mel(freq, scale), scale), freq, atol=1e-9)
    assert mel.hertz_to_mel(1000.0, "slaney") == pytest.approx(15.0)
    bank = mel.mel_filter_bank(201, 80, 0.0, 8000.0, 16000, "slaney", "slaney")
    assert bank.shape == (201, 80)
    assert bank.sum() == pytest.approx(1.9990, abs=1e-4)
    assert bank.max() == pytest.approx(0.025881, abs=1e-6)
    with pytest.warns(UserWarning, match="some are all zeros"):
        mel.mel_filter_bank(20, 80, 0.0, 8000.0, 16000)


def test_windows():
    assert [spectra.optimal_fft_length(n) for n in (400, 512, 1000)] == [512, 512, 1024]
    np.testing.assert_allclose(spectra.window_function(5), [0, 0.3455, 0.9045, 0.9045, 0.3455], atol=1e-4)
    np.testing.assert_allclose(spectra.window_function(4, "hamming"), [0.08, 0.54, 1, 0.54], atol=1e-12)
    np.testing.assert_allclose(spectra.window_function(4, frame_length=8), [0, 0, 0, 0.5, 1, 0.5, 0, 0], atol=1e-12)


def test_a_tone_peaks_in_its_bin():
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    found = spectra.spectrogram(tone, spectra.window_function(400), 400, 160)
    assert found.shape == (201, 101)
    assert found[:, 50].argmax() == 11


def test_long_sounds_are_transformed_in_parts(monkeypatch):
    window = spectra.window_function(400)
    whole = spectra.spectrogram(X, window, 400, 160)
    monkeypatch.setattr(spectra, "FRAMES", 7)
    np.testing.assert_array_equal(spectra.spectrogram(X, window, 400, 160), whole)


def test_dither_is_drawn_by_a_generator():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return spectra.spectrogram(X, spectra.window_function(400), 400, 160, dither=0.1, rng=rng)

    np.testing.assert_array_equal(draw(1), draw(1))
    assert np.abs(draw(1) - draw(2)).max() > 0.01


def test_decibels():
    x = np.array([1.0, 10.0, 1e-12])
    np.testing.assert_allclose(spectra.power_to_db(x), [0, 10, -100])
    np.testing.assert_allclose(spectra.amplitude_to_db(x), [0, 20, -100])
    np.testing.assert_allclose(spectra.power_to_db(np.array([1, 1e-9]), db_range=20.0), [0, -20])
    with pytest.raises(jf.InputError, match="reference must be positive, got 0"):
        spectra.power_to_db(x, reference=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fft_length": 200}, "frame_length must be at most fft_length, got 400 and 200"),
        ({"hop_length": 0}, "hop_length must be positive, got 0"),
        ({"power": None, "mel_filters": np.ones((201, 3))}, "mel_filters need a power"),
        ({"log_mel": "ln"}, "log_mel must be log, log10 or dB, got 'ln'"),
        ({"power": 3.0, "log_mel": "dB"}, "needs a power of 1 or 2, got 3.0"),
        ({"waveform": np.ones((2, 500))}, r"must have the shape \[samples\], got \[2, 500\]"),
        ({"waveform": np.ones(100)}, r"longer than half a frame \(200 samples\) to be reflected, got 100"),
        ({"waveform": np.ones(100), "center": False}, "must hold a frame of 400, got 100"),
    ],
)
def test_spectrograms_that_can_not_be(options, message):
    given = {"waveform": X, "window": np.ones(400), "frame_length": 400, "hop_length": 160, **options}
    with pytest.raises(jf.InputError, match=message):
        spectra.spectrogram(**given)


# ------------------------------------------------------------------------------------------------------ extractors


def test_files_are_resampled(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav(sound(4000, "sweep", 8000), 32, 8000))
    out = Wav2Vec2()(tmp_path / "a.wav")
    assert out.input_values[0].shape == (8000,)
    assert Wav2Vec2()([tmp_path / "a.wav"] * 2, padding=True, return_tensors="np").input_values.shape == (2, 8000)


def test_saved_and_read(tmp_path):
    Whisper(feature_size=128, chunk_length=2).save_pretrained(tmp_path)
    held = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert (held["feature_extractor_type"], held["feature_size"]) == ("WhisperFeatureExtractor", 128)
    again = jf.AutoFeatureExtractor.from_pretrained(tmp_path, dither=0.0)
    assert again(X, sampling_rate=16000).input_features[0].shape == (128, 200)


def test_the_model_type_tells(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text("{}")
    (tmp_path / "config.json").write_text('{"model_type": "hubert"}')
    assert jf.AutoFeatureExtractor.from_pretrained(tmp_path).name == "Wav2Vec2FeatureExtractor"
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    assert jf.AutoFeatureExtractor.from_pretrained(tmp_path).name == "ViTImageProcessor"
    assert set(MODELS.values()) == {kind.name for kind in CLASSES}


def test_the_rate_is_checked():
    with pytest.raises(jf.InputError, match="sampling_rate must be 16000, which the model was trained on, got 8000"):
        Wav2Vec2()(X, sampling_rate=8000)
    with pytest.warns(UserWarning, match="pass sampling_rate=16000"):
        Wav2Vec2()(X)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.zeros(0), r"samples of one channel, \[samples\], got shape \[0\]"),
        (np.array([0.0, np.inf]), "must hold finite numbers"),
        (np.zeros((2, 3, 4)), "samples of one channel"),
        (np.array(["a"]), "an array of real numbers, got"),
        (None, "an array of real numbers, got object"),
        ([[1.0, [2.0]]], "one array of numbers|array of real numbers"),
    ],
)
def test_sounds_that_are_none(raw, message):
    with pytest.raises(jf.InputError, match=message):
        Wav2Vec2()(raw, sampling_rate=16000)


def test_bad_calls():
    with pytest.raises(jf.InputError, match=r"padding must be one of .* got 'most'"):
        Wav2Vec2()(X, padding="most", sampling_rate=16000)
    with pytest.raises(jf.InputError, match="max_length must be given to cut or pad to"):
        Wav2Vec2()(X, truncation=True, sampling_rate=16000)
    with pytest.raises(jf.InputError, match="padding and truncation must not both be on"):
        Encodec()(X, padding=True, truncation=True, sampling_rate=24000)
    with pytest.raises(jf.InputError, match=r"must have the shape \[2, samples\], got \[8000\]"):
        Encodec(feature_size=2)(X, sampling_rate=24000)
    with pytest.raises(jf.InputError, match="sampling_rate must be a positive whole number, got -1"):
        Wav2Vec2(sampling_rate=-1)
    with pytest.raises(jf.InputError, match="input_values must be equally large"):
        Wav2Vec2()([X, X[:99]], sampling_rate=16000, return_tensors="np")
    with pytest.raises(jf.InputError, match="name must be one of boxcar"):
        spectra.window_function(5, "square")
    with pytest.raises(jf.InputError, match="mel_scale must be one of htk"):
        mel.hertz_to_mel(3.0, "bark")


def test_a_class_that_is_not_known(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text('{"feature_extractor_type": "WhisparFeatureExtractor"}')
    with pytest.raises(jf.CheckpointError, match="'WhisparFeatureExtractor' is not known"):
        jf.AutoFeatureExtractor.from_pretrained(tmp_path)
