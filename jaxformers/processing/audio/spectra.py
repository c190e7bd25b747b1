"""Extractors whose models see spectrograms: Whisper, AST, Speech2Text, SpeechT5."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from jaxformers.processing.audio.extractor import FeatureExtractor, features
from jaxformers.processing.audio.mel import mel_filter_bank
from jaxformers.processing.audio.spectrogram import optimal_fft_length, spectrogram, window_function
from jaxformers.processing.features import Features

FLOOR = 1.192092955078125e-07  # Kaldi's least energy


class Whisper(FeatureExtractor):
    """`input_features`, float32 [mels, frames]: log-mel spectrograms of sounds cut or padded to 30 seconds."""

    name = "WhisperFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 80,
        "sampling_rate": 16000,
        "hop_length": 160,
        "chunk_length": 30,
        "n_fft": 400,
        "padding_value": 0.0,
        "dither": 0.0,
        "return_attention_mask": False,
        "padding_side": "right",
    }

    @property
    def n_samples(self) -> int:
        """Samples of a whole chunk."""
        return self.chunk_length * self.sampling_rate

    def __call__(
        self,
        raw_speech: Any,
        truncation: bool = True,
        pad_to_multiple_of: int | None = None,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = None,
        padding: bool | str = "max_length",
        max_length: int | None = None,
        sampling_rate: int | None = None,
        do_normalize: bool = False,
    ) -> Features:
        """`input_features` and, if asked for, `attention_mask` int32 [frames].

        Args:
          raw_speech, sampling_rate: see `sounds`.
          padding, truncation, pad_to_multiple_of: see `padded`.
          max_length: samples to pad and cut to; a chunk of `chunk_length` seconds by default.
          do_normalize: first give each sound mean 0 and variance 1.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        sounds = self.sounds(raw_speech, sampling_rate)
        values, masks = self.padded(sounds, padding, max_length or self.n_samples, truncation, pad_to_multiple_of)
        values = self.standardised(values, masks) if do_normalize else values
        filters = _slaney(self.n_fft, self.feature_size, 0.0, 8000.0, self.sampling_rate)
        frames = [mask[:: self.hop_length][: len(mask) // self.hop_length] for mask in masks]
        out = {self.field: [self._log_mel(x, filters) for x in values], "attention_mask": frames if wanted else None}
        return features(out, return_tensors)

    def _log_mel(self, x: np.ndarray, filters: np.ndarray) -> np.ndarray:
        window, how = window_function(self.n_fft, "hann"), {"power": 2.0, "dither": self.dither, "log_mel": "log10"}
        y = spectrogram(x, window, self.n_fft, self.hop_length, mel_filters=filters, **how)[:, :-1]
        return (np.maximum(y, y.max() - 8.0) + 4.0) / 4.0


class AudioSpectrogram(FeatureExtractor):
    """`input_values`, float32 [max_length, num_mel_bins]: Kaldi's log-mel energies, cut or padded with zeros."""

    name = "ASTFeatureExtractor"
    defaults = {
        "feature_size": 1,
        "sampling_rate": 16000,
        "num_mel_bins": 128,
        "max_length": 1024,
        "padding_value": 0.0,
        "do_normalize": True,
        "mean": -4.2677393,
        "std": 4.5689974,
        "return_attention_mask": False,
        "padding_side": "right",
    }

    def __call__(
        self, raw_speech: Any, sampling_rate: int | None = None, return_tensors: str | None = None
    ) -> Features:
        """`input_values`; raw_speech and sampling_rate: see `sounds`."""
        rows = [self._energies(x) for x in self.sounds(raw_speech, sampling_rate)]
        return features({"input_values": rows}, return_tensors)

    def _energies(self, x: np.ndarray) -> np.ndarray:
        y = kaldi_energies(x, self.num_mel_bins, self.sampling_rate, "hann")[: self.max_length]
        y = np.pad(y, ((0, self.max_length - len(y)), (0, 0)))
        return (y - self.mean) / (self.std * 2) if self.do_normalize else y


class Speech2Text(FeatureExtractor):
    """`input_features`, float32 [frames, num_mel_bins]: Kaldi's log energies, each bin of mean 0 and variance 1."""

    name = "Speech2TextFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 80,
        "sampling_rate": 16000,
        "num_mel_bins": 80,
        "padding_value": 0.0,
        "dither": 0.0,
        "do_ceptral_normalize": True,
        "normalize_means": True,
        "normalize_vars": True,
        "return_attention_mask": True,
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_tensors: str | None = None,
        sampling_rate: int | None = None,
        return_attention_mask: bool | None = None,
    ) -> Features:
        """`input_features` and `attention_mask` int32 [frames]; arguments as for `padded` and `sounds`."""
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        how = self.num_mel_bins, self.sampling_rate, "povey", self.dither
        rows = [kaldi_energies(x * 2**15, *how) for x in self.sounds(raw_speech, sampling_rate)]
        values, masks = self.padded(rows, padding, max_length, truncation, pad_to_multiple_of)
        if self.do_ceptral_normalize:
            values = [self._cepstral(x, int(m.sum())) for x, m in zip(values, masks, strict=True)]
        return features({self.field: values, "attention_mask": masks if wanted else None}, return_tensors)

    def _cepstral(self, x: np.ndarray, n: int) -> np.ndarray:
        x = np.ascontiguousarray(x)  # sums round by the order in memory
        if self.normalize_means:
            x = x - x[:n].mean(0)
        if self.normalize_vars:
            x = x / x[:n].std(0)
        x[n:] = self.padding_value
        return x.astype(np.float32)


class SpeechT5(FeatureExtractor):
    """`input_values`, float32 [samples], of sounds to hear; log-mel spectrograms [frames, mels] of those to say."""

    name = "SpeechT5FeatureExtractor"
    defaults = {
        "feature_size": 1,
        "sampling_rate": 16000,
        "padding_value": 0.0,
        "do_normalize": False,
        "num_mel_bins": 80,
        "hop_length": 16,
        "win_length": 64,
        "win_function": "hann_window",
        "frame_signal_scale": 1.0,
        "fmin": 80,
        "fmax": 7600,
        "mel_floor": 1e-10,
        "reduction_factor": 2,
        "return_attention_mask": True,
        "padding_side": "right",
    }

    def __call__(
        self,
        audio: Any = None,
        audio_target: Any = None,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        sampling_rate: int | None = None,
    ) -> Features:
        """`input_values` and `attention_mask` of `audio`; of `audio_target` the same, or `labels` beside audio.

        Arguments as for `padded` and `sounds`; `audio_target`'s mask beside audio is `decoder_attention_mask`.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        how = padding, max_length, truncation, pad_to_multiple_of
        fields: dict[str, Any] = {}
        if audio is not None:
            values, masks = self.padded(self.sounds(audio, sampling_rate), *how)
            if self.do_normalize:
                padded = wanted and padding not in (False, "do_not_pad")
                values = self.standardised(values, masks if padded else None)
            fields = {"input_values": values, "attention_mask": masks if wanted else None}
        if audio_target is not None:
            values, masks = self.padded([self._log_mel(x) for x in self.sounds(audio_target, sampling_rate)], *how)
            names = ("labels", "decoder_attention_mask") if fields else ("input_values", "attention_mask")
            fields |= dict(zip(names, (values, masks if wanted else None), strict=True))
        return features(fields, return_tensors)

    def _log_mel(self, x: np.ndarray) -> np.ndarray:
        size, hop = (n * self.sampling_rate // 1000 for n in (self.win_length, self.hop_length))
        fft = optimal_fft_length(size)
        filters = _slaney(fft, self.num_mel_bins, self.fmin, self.fmax, self.sampling_rate)
        how = {"fft_length": fft, "mel_filters": filters, "mel_floor": self.mel_floor, "log_mel": "log10"}
        return spectrogram(x, window_function(size, self.win_function), size, hop, **how).T


@functools.cache
def _slaney(fft: int, mels: int, low: float, high: float, rate: int) -> np.ndarray:
    return mel_filter_bank(1 + fft // 2, mels, low, high, rate, "slaney", "slaney")


@functools.cache
def _kaldi(mels: int, rate: int) -> np.ndarray:
    with warnings.catch_warnings():  # of filters between two bins, which checkpoints were trained with
        warnings.simplefilter("ignore")
        return mel_filter_bank(257, mels, 20, rate // 2, rate, None, "kaldi", True)


def kaldi_energies(x: np.ndarray, mels: int, rate: int, window: str, dither: float = 0.0) -> np.ndarray:
    """Kaldi's log energies, float32 [frames, mels], of x [samples]: frames of 400 samples every 160."""
    how: dict[str, Any] = {
        "fft_length": 512,
        "power": 2.0,
        "center": False,
        "preemphasis": 0.97,
        "remove_dc_offset": True,
    }
    mel: dict[str, Any] = {"mel_filters": _kaldi(mels, rate), "mel_floor": FLOOR, "log_mel": "log", "dither": dither}
    return spectrogram(x, window_function(400, window, periodic=False), 400, 160, **how, **mel).T
