"""CLAP's extractor: long sounds are cut at random or seen as a whole beside three cuts, short ones repeated."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.extractor import FeatureExtractor, features
from jaxformers.processing.audio.mel import mel_filter_bank
from jaxformers.processing.audio.spectrogram import spectrogram, window_function
from jaxformers.processing.features import Features
from jaxformers.processing.images.interpolate import bilinear

LONG = ("fusion", "rand_trunc")
SHORT = ("repeatpad", "repeat", "pad")
_OF_TEXTS = (True, "longest", "max_length")


class Clap(FeatureExtractor):
    """`input_features`, float32 [views, frames, mels] in decibels, and `is_longer`, one bool a sound.

    "fusion" gives four views: the whole sound shrunk to one length and cuts from its start, middle and end; of short
    sounds four times the same. "rand_trunc" gives one view, cut at a random place.
    """

    name = "ClapFeatureExtractor"
    field = "input_features"
    precision = np.float64
    defaults = {
        "feature_size": 64,
        "sampling_rate": 48000,
        "hop_length": 480,
        "max_length_s": 10,
        "fft_window_size": 1024,
        "padding_value": 0.0,
        "return_attention_mask": False,
        "frequency_min": 0,
        "frequency_max": 14000,
        "top_db": None,
        "truncation": "fusion",
        "padding": "repeatpad",
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        truncation: str | None = None,
        padding: bool | str | None = None,
        max_length: int | None = None,
        sampling_rate: int | None = None,
        return_tensors: str | None = None,
        generator: np.random.Generator | None = None,
    ) -> Features:
        """`input_features` and `is_longer` [1], bool: was it cut? With "fusion" at least one sound of a call says so.

        Args:
          raw_speech, sampling_rate: see `sounds`.
          truncation: of sounds longer than `max_length`: "fusion" or "rand_trunc"; None is as the settings say.
          padding: of shorter ones: "repeatpad" (whole repetitions, then zeros), "repeat" or "pad" (zeros); True,
            "longest" and "max_length", which texts beside sounds are given, are "pad".
          max_length: samples; `max_length_s` seconds by default.
          generator: draws where cuts begin.

        Raises:
          InputError: another truncation or padding, or as `sounds`.
        """
        truncation, wanted = truncation or self.truncation, padding or self.padding
        padding = "pad" if wanted in _OF_TEXTS else str(wanted)
        problems = [
            f"{what} must be one of {', '.join(known)}, got {value!r}"
            for what, value, known in (("truncation", truncation, LONG), ("padding", padding, SHORT))
            if value not in known
        ]
        if problems:
            raise InputError(self.name, problems)
        draw = generator or np.random.default_rng()
        size = max_length or self.max_length_s * self.sampling_rate
        sounds = self.sounds(raw_speech, sampling_rate)
        view = self._fused if truncation == "fusion" else self._cut
        rows, longer = map(list, zip(*(view(x, size, padding, draw) for x in sounds), strict=True))
        if truncation == "fusion" and not any(longer):
            longer[int(draw.integers(len(longer)))] = True
        return features({self.field: rows, "is_longer": [[one] for one in longer]}, return_tensors)

    def _cut(self, x: np.ndarray, size: int, padding: str, draw: np.random.Generator) -> tuple[np.ndarray, bool]:
        longer = len(x) > size
        if longer:
            start = int(draw.integers(len(x) - size + 1))
            x = x[start : start + size]
        return self._decibels(_filled(x, size, padding), "slaney", "slaney")[None], longer

    def _fused(self, x: np.ndarray, size: int, padding: str, draw: np.random.Generator) -> tuple[np.ndarray, bool]:
        whole = self._decibels(_filled(x, size, padding), None, "htk")
        frames = size // self.hop_length + 1
        places = len(whole) - frames + 1
        if len(x) <= size or places == 1:
            return np.stack([whole] * 4), False
        thirds = [part if len(part) else np.zeros(1, int) for part in np.array_split(np.arange(places), 3)]
        starts = [int(part[draw.integers(len(part))]) for part in thirds]
        shrunk = bilinear(whole, (frames, whole.shape[1])).astype(np.float32)
        return np.stack([shrunk, *(whole[start : start + frames] for start in starts)]), True

    def _decibels(self, x: np.ndarray, norm: str | None, scale: str) -> np.ndarray:
        fft, ends = self.fft_window_size, (self.frequency_min, self.frequency_max)
        filters = _filters(fft // 2 + 1, self.feature_size, *ends, self.sampling_rate, norm, scale)
        how: dict[str, Any] = {"power": 2.0, "mel_filters": filters, "log_mel": "dB"}
        return spectrogram(x, window_function(fft, "hann"), fft, self.hop_length, **how).T


def _filled(x: np.ndarray, size: int, padding: str) -> np.ndarray:
    """x [samples] as it is, or made `size` long."""
    if len(x) >= size:
        return x
    if padding == "repeat":
        return np.resize(x, size)
    x = np.tile(x, size // len(x)) if padding == "repeatpad" else x
    return np.pad(x, (0, size - len(x)))


@functools.cache
def _filters(bins: int, mels: int, low: float, high: float, rate: int, norm: str | None, scale: str) -> np.ndarray:
    with warnings.catch_warnings():  # of filters between two bins, which checkpoints were trained with
        warnings.simplefilter("ignore")
        return mel_filter_bank(bins, mels, low, high, rate, norm, scale)
