"""Further extractors whose models see log-mel spectrograms: CLVP, TVLT, M-CTC-T."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from jaxformers.processing.audio.extractor import UNPADDED, FeatureExtractor, features
from jaxformers.processing.audio.mel import mel_filter_bank
from jaxformers.processing.audio.spectrogram import optimal_fft_length, spectrogram, window_function
from jaxformers.processing.features import Features


class Clvp(FeatureExtractor):
    """`input_features`, float32 [mels, frames]: log-mels over `mel_norms`; `attention_mask` int32 [samples]."""

    name = "ClvpFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 80,
        "sampling_rate": 22050,
        "default_audio_length": 6,
        "hop_length": 256,
        "chunk_length": 30,
        "n_fft": 1024,
        "padding_value": 0.0,
        "mel_norms": None,
        "return_attention_mask": False,
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        sampling_rate: int | None = None,
        truncation: bool = True,
        pad_to_multiple_of: int | None = None,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = True,
        padding: bool | str = "max_length",
        max_length: int | None = None,
    ) -> Features:
        """`input_features` and `attention_mask`.

        Args:
          raw_speech, sampling_rate: see `sounds`.
          padding, truncation, pad_to_multiple_of: see `padded`.
          max_length: samples to pad and cut to; `default_audio_length` seconds by default.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        length = self.default_audio_length * self.sampling_rate if max_length is None else max_length
        sounds = self.sounds(raw_speech, sampling_rate)
        values, masks = self.padded(sounds, padding, length, truncation, pad_to_multiple_of)
        rows = [self._log_mel(x) for x in values]
        return features({self.field: rows, "attention_mask": masks if wanted else None}, return_tensors)

    def _log_mel(self, x: np.ndarray) -> np.ndarray:
        filters = _filters(1 + self.n_fft // 2, self.feature_size, 8000.0, self.sampling_rate, "slaney", "htk")
        window = window_function(self.n_fft, "hann")
        mels = spectrogram(x, window, self.n_fft, self.hop_length, power=2.0, mel_filters=filters)
        y = np.log(np.maximum(mels, 1e-5))
        return (y if self.mel_norms is None else y / np.asarray(self.mel_norms)[:, None]).astype(np.float32)


class Tvlt(FeatureExtractor):
    """`audio_values`, float32 [1, frames, mels] of whole patches; `audio_mask`, float32 [patches]."""

    name = "TvltFeatureExtractor"
    field = "audio_values"
    defaults = {
        "spectrogram_length": 2048,
        "num_channels": 1,
        "patch_size": [16, 16],
        "feature_size": 128,
        "sampling_rate": 44100,
        "hop_length_to_sampling_rate": 86,
        "n_fft": 2048,
        "padding_value": 0.0,
        "return_attention_mask": True,
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = True,
        sampling_rate: int | None = None,
    ) -> Features:
        """`audio_values` and `audio_mask`, 1 for the patches of a sound and 0 for those added to match the longest.

        raw_speech, sampling_rate: see `sounds`. What is longer than `spectrogram_length` frames is cut.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        rows = [self._decibels(x)[: self.spectrogram_length] for x in self.sounds(raw_speech, sampling_rate)]
        tall, wide = self.patch_size
        across = self.feature_size // wide
        patches = [-(-len(y) // tall) for y in rows]
        most = max(patches)
        values = [
            np.pad(y, ((0, most * tall - len(y)), (0, 0)), constant_values=self.padding_value)[None] for y in rows
        ]
        masks = [np.float32(np.arange(most * across) < n * across) for n in patches]
        return features({self.field: values, "audio_mask": masks if wanted else None}, return_tensors)

    def _decibels(self, x: np.ndarray) -> np.ndarray:
        hop, window = self.sampling_rate // self.hop_length_to_sampling_rate, window_function(self.n_fft, "hann")
        filters = _filters(1 + self.n_fft // 2, self.feature_size, 22050.0, self.sampling_rate, "slaney", "slaney")
        how: dict[str, Any] = {"power": 2.0, "mel_filters": filters, "log_mel": "dB", "db_range": 80.0}
        y = spectrogram(x, window, self.n_fft, hop, **how)[:, :-1] - 20.0
        return (np.clip(y / 40.0, -2.0, 0.0) + 1.0).T


class MCTCT(FeatureExtractor):
    """`input_features`, float32 [frames, mels]: log-mels, each of mean 0 and variance 1; `attention_mask` int32."""

    name = "MCTCTFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 80,
        "sampling_rate": 16000,
        "padding_value": 0.0,
        "hop_length": 10,
        "win_length": 25,
        "win_function": "hamming_window",
        "frame_signal_scale": 32768.0,
        "preemphasis_coeff": 0.97,
        "mel_floor": 1.0,
        "normalize_means": True,
        "normalize_vars": True,
        "return_attention_mask": False,
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        sampling_rate: int | None = None,
    ) -> Features:
        """`input_features`, and `attention_mask` unless `return_attention_mask` is False.

        Arguments as for `padded` (in frames) and `sounds`. The setting `return_attention_mask` changes nothing: the
        model's masks were always given.
        """
        rows = [self._log_mel(x) for x in self.sounds(raw_speech, sampling_rate)]
        values, masks = self.padded(rows, padding, max_length, truncation, pad_to_multiple_of)
        if len({len(x) for x in values}) == 1:
            values = [np.ascontiguousarray(x) for x in values]  # sums round by the order in memory
        lengths = [len(x) if padding in UNPADDED else int(m.sum()) for x, m in zip(values, masks, strict=True)]
        if self.normalize_means or self.normalize_vars:
            values = [self._normed(x, n) for x, n in zip(values, lengths, strict=True)]
        return features(
            {self.field: values, "attention_mask": masks if return_attention_mask is not False else None},
            return_tensors,
        )

    def _normed(self, x: np.ndarray, n: int) -> np.ndarray:
        if self.normalize_means:
            x = x - x[:n].mean(0)
        if self.normalize_vars:
            x = x / x[:n].std(0)
        x[n:] = self.padding_value
        return x.astype(np.float32)

    def _log_mel(self, x: np.ndarray) -> np.ndarray:
        size, hop = (n * self.sampling_rate // 1000 for n in (self.win_length, self.hop_length))
        fft = optimal_fft_length(size)
        window = window_function(size, self.win_function, periodic=self.win_function != "hamming_window")
        filters = _filters(fft // 2 + 1, self.feature_size, self.sampling_rate / 2, self.sampling_rate, None, "htk")
        how: dict[str, Any] = {"preemphasis": self.preemphasis_coeff, "mel_floor": self.mel_floor, "log_mel": "log"}
        x = x * self.frame_signal_scale
        return spectrogram(x, window, size, hop, fft, center=False, mel_filters=filters, **how).T


@functools.cache
def _filters(bins: int, mels: int, highest: float, rate: int, norm: str | None, scale: str) -> np.ndarray:
    with warnings.catch_warnings():  # of filters between two bins, which checkpoints were trained with
        warnings.simplefilter("ignore")
        return mel_filter_bank(bins, mels, 0.0, highest, rate, norm, scale)
