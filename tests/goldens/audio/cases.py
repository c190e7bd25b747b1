"""Further extractors to compare with the reference, with the draws of those that cut at random or add noise."""

from __future__ import annotations

import contextlib
import dataclasses
import unittest.mock
from typing import Any

import numpy as np
from audio.case import SOUNDS, Case, observe

PART = 0.7  # of the range of every draw


class Steady:
    """Draws the number a fixed part into every range, where a `numpy.random.Generator` is asked for one."""

    def integers(self, count: int) -> int:
        return int(PART * count)


def observed(extractor, case: Case, ours: bool) -> dict[str, np.ndarray]:
    """What an extractor of either side makes of the sounds, with equal draws on both."""
    call: dict[str, Any] = dict(case.call)
    if case.reference == "UnivNetFeatureExtractor":
        call["generator"] = np.random.default_rng(7)
    elif ours and case.reference == "ClapFeatureExtractor":
        call["generator"] = Steady()
    with contextlib.nullcontext() if ours else steady_numpy():
        return observe(extractor, dataclasses.replace(case, call=call))


@contextlib.contextmanager
def steady_numpy():
    """numpy.random's global draws become those of `Steady`."""

    def choice(values):
        return values[int(PART * len(values))]

    def randint(low, high):
        return low + int(PART * (high - low))

    with unittest.mock.patch.multiple(np.random, choice=choice, randint=randint):
        yield


def forms(extractor) -> dict[str, np.ndarray]:
    """What an extractor of either side makes of sounds as whole numbers, lists, and one array of several."""
    short = [x[:2000] for x in SOUNDS.values()]
    given = {
        "int16": [(x * 2**15).astype(np.int16) for x in short],
        "int32": [(x * 2**30).astype(np.int32) for x in short],
        "lists": [x.tolist() for x in short],
        "list": short[0].tolist(),
        "tuple": (short[0], short[1]),
        "array": np.stack(short).astype(np.float64),
    }
    out = {name: extractor(x, sampling_rate=16000, return_tensors="np") for name, x in given.items()}
    return {f"{name}/{key}": np.asarray(value) for name, held in out.items() for key, value in held.items()}


def pads(waves, mels) -> dict[str, np.ndarray]:
    """How extractors of either side collate: one of samples (`waves`), one of frames (`mels`)."""
    xs = [x[: 90 + 40 * i] for i, x in enumerate(SOUNDS.values())]
    rows = [x[:80].reshape(-1, mels.feature_size) for x in (xs[0], xs[1][:40])]
    cut = {"padding": "max_length", "max_length": 100, "truncation": True, "pad_to_multiple_of": 16}
    masks = [np.arange(len(x), dtype=np.int32) % 2 for x in xs]
    masked = {"input_values": xs, "attention_mask": masks}
    found = {
        "longest": waves.pad({"input_values": xs}, return_attention_mask=True),
        "lists": waves.pad([{"input_values": x.tolist(), "label": i} for i, x in enumerate(xs)], return_tensors="np"),
        "cut": waves.pad(masked, return_attention_mask=True, **cut),
        "frames": mels.pad({"input_features": rows}, return_attention_mask=True, return_tensors="np"),
    }
    return {f"{name}/{key}": np.asarray(value) for name, held in found.items() for key, value in held.items()}


_NP = {"return_tensors": "np"}
_CLAP, _CLVP, _MCTCT = "ClapFeatureExtractor", "ClvpFeatureExtractor", "MCTCTFeatureExtractor"
_SEAMLESS, _TVLT, _UNIVNET = "SeamlessM4TFeatureExtractor", "TvltFeatureExtractor", "UnivNetFeatureExtractor"
_CUT = {"truncation": "rand_trunc"}

CASES = [
    Case("clap", _CLAP, {"max_length_s": 1}, _NP, rate=48000),
    Case("clap-fusion", _CLAP, call={"max_length": 5000, **_NP}, rate=48000),
    Case("clap-wide", _CLAP, call={"max_length": 2000}, rate=48000),
    Case("clap-cut", _CLAP, _CUT, {"max_length": 5000, **_NP}, rate=48000),
    Case("clap-repeat", _CLAP, {**_CUT, "padding": "repeat"}, {"max_length": 12000}, rate=48000),
    Case("clap-pad", _CLAP, {"feature_size": 40}, {"padding": "pad", "max_length": 12000}, rate=48000),
    Case("seamless", _SEAMLESS, call=_NP),
    Case("seamless-raw", _SEAMLESS, call={"do_normalize_per_mel_bins": False, "return_attention_mask": False}),
    Case("seamless-one", _SEAMLESS, {"num_mel_bins": 40}, {"padding": False}, one=True),
    Case("seamless-stride", _SEAMLESS, {"stride": 4, "padding_value": 1.0}, {"pad_to_multiple_of": 3, **_NP}),
    Case(
        "seamless-cut", _SEAMLESS, call={"padding": "max_length", "max_length": 41, "truncation": True}, given="stereo"
    ),
    Case("univnet", _UNIVNET, call=_NP, rate=24000),
    Case("univnet-scaled", _UNIVNET, {"do_normalize": True}, {"pad_end": True, **_NP}, rate=24000),
    Case("univnet-ragged", _UNIVNET, {"fmin": 50.0, "fmax": 8000.0}, {"padding": False}, rate=24000),
    Case(
        "univnet-cut",
        _UNIVNET,
        {"center": True, "filter_length": None, "num_mel_bins": 40, "compression_factor": 2.0},
        {"max_length": 6000, "pad_to_multiple_of": 512, "return_noise": False, "return_attention_mask": False},
        rate=24000,
    ),
    Case("clvp", _CLVP, {"default_audio_length": 1}, _NP, rate=22050),
    Case("clvp-normed", _CLVP, {"mel_norms": [1 + i / 80 for i in range(80)]}, {"padding": "longest"}, rate=22050),
    Case("clvp-cut", _CLVP, call={"max_length": 6000, "return_attention_mask": None}, rate=22050),
    Case("tvlt", _TVLT, call=_NP, rate=44100),
    Case("tvlt-cut", _TVLT, {"spectrogram_length": 13, "patch_size": [4, 32], "padding_value": -1.0}, rate=44100),
    Case("tvlt-bare", _TVLT, {"n_fft": 1024, "feature_size": 64}, {"return_attention_mask": False}, rate=44100),
    Case("mctct", _MCTCT, call={"padding": True, **_NP}),
    Case("mctct-ragged", _MCTCT),
    Case("mctct-means", _MCTCT, {"normalize_vars": False, "win_function": "hann_window"}, {"padding": True}),
    Case(
        "mctct-raw",
        _MCTCT,
        {"normalize_vars": False, "normalize_means": False, "feature_size": 40},
        {"padding": "max_length", "max_length": 40, "truncation": True, "pad_to_multiple_of": 16},
    ),
]
