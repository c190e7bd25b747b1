"""UnivNet's extractor: log-mel spectrograms for a vocoder to say, beside the noise that it shapes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxformers.processing.audio.extractor import FeatureExtractor, features
from jaxformers.processing.audio.mel import mel_filter_bank
from jaxformers.processing.audio.spectrogram import optimal_fft_length, spectrogram, window_function
from jaxformers.processing.features import Features


class UnivNet(FeatureExtractor):
    """`input_features`, float32 [frames, mels]; `noise_sequence`, float32 [frames, channels]; `padding_mask`."""

    name = "UnivNetFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 1,
        "sampling_rate": 24000,
        "padding_value": 0.0,
        "do_normalize": False,
        "num_mel_bins": 100,
        "hop_length": 256,
        "win_length": 1024,
        "win_function": "hann_window",
        "filter_length": 1024,
        "max_length_s": 10,
        "fmin": 0.0,
        "fmax": None,
        "mel_floor": 1e-9,
        "center": False,
        "compression_factor": 1.0,
        "compression_clip_val": 1e-5,
        "normalize_min": -11.512925148010254,
        "normalize_max": 2.3143386840820312,
        "model_in_channels": 64,
        "pad_end_length": 10,
        "return_attention_mask": True,
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        sampling_rate: int | None = None,
        padding: bool | str = True,
        max_length: int | None = None,
        truncation: bool = True,
        pad_to_multiple_of: int | None = None,
        return_noise: bool = True,
        generator: np.random.Generator | None = None,
        pad_end: bool = False,
        pad_length: int | None = None,
        do_normalize: bool | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> Features:
        """`input_features`, `noise_sequence` with `return_noise`, and `padding_mask` int32 [samples].

        Args:
          raw_speech, sampling_rate: see `sounds`.
          padding, truncation, pad_to_multiple_of: see `padded`.
          max_length: samples to cut to; `max_length_s` seconds by default.
          generator: draws the noise.
          pad_end: first add `pad_length` frames of silence (`pad_end_length` by default), against a noisy end.
          do_normalize: scale from `normalize_min` and `normalize_max` to -1 and 1; None is as the settings say.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        scaled = self.do_normalize if do_normalize is None else do_normalize
        sounds = self.sounds(raw_speech, sampling_rate)
        if pad_end:
            more = (self.pad_end_length if pad_length is None else pad_length) * self.hop_length
            sounds = [np.pad(x, (0, more), constant_values=self.padding_value) for x in sounds]
        longest = self.max_length_s * self.sampling_rate if max_length is None else max_length
        values, masks = self.padded(sounds, padding, longest, truncation, pad_to_multiple_of)
        rows = [self._log_mel(x).astype(np.float32) for x in values]
        noise = None
        if return_noise:
            draw = generator or np.random.default_rng()
            noise = [draw.standard_normal((len(y), self.model_in_channels), np.float32) for y in rows]
        rows = [self.normalize(y) for y in rows] if scaled else rows
        out = {self.field: rows, "padding_mask": masks if wanted else None, "noise_sequence": noise}
        return features(out, return_tensors)

    def normalize(self, spectrogram: np.ndarray) -> np.ndarray:
        """Log-mels of any shape, scaled so that `normalize_min` becomes -1 and `normalize_max` 1."""
        return 2 * ((spectrogram - self.normalize_min) / (self.normalize_max - self.normalize_min)) - 1

    def denormalize(self, spectrogram: np.ndarray) -> np.ndarray:
        """The other way round of `normalize`."""
        return self.normalize_min + (self.normalize_max - self.normalize_min) * ((spectrogram + 1) / 2)

    def batch_decode(self, waveforms: Any, waveform_lengths: Sequence[int] | None = None) -> list[np.ndarray]:
        """What a model said, [B, samples], as arrays [samples] without what stands behind `waveform_lengths`."""
        rows = [np.asarray(x) for x in waveforms]
        return rows if waveform_lengths is None else [x[:n] for x, n in zip(rows, waveform_lengths, strict=True)]

    def _log_mel(self, x: np.ndarray) -> np.ndarray:
        fft = optimal_fft_length(self.win_length) if self.filter_length is None else self.filter_length
        x = np.pad(x, (fft - self.hop_length) // 2, mode="reflect")
        window = window_function(self.win_length, self.win_function)
        bins = spectrogram(x, window, fft, self.hop_length, power=None, center=self.center)
        sizes = np.sqrt(bins.real**2 + bins.imag**2 + self.mel_floor)
        highest = self.sampling_rate / 2 if self.fmax is None else self.fmax
        mels = _filters(fft // 2 + 1, self.num_mel_bins, self.fmin, highest, self.sampling_rate).T @ sizes
        return np.log(np.maximum(mels, self.compression_clip_val) * self.compression_factor).T


@functools.cache
def _filters(bins: int, mels: int, low: float, high: float, rate: int) -> np.ndarray:
    return mel_filter_bank(bins, mels, low, high, rate, "slaney", "slaney")
