"""MusicGen Melody's extractor: the loudest pitch class of every frame."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.chroma import chroma_filter_bank
from jaxformers.processing.audio.extractor import FeatureExtractor, features
from jaxformers.processing.audio.spectrogram import spectrogram, window_function
from jaxformers.processing.features import Features

STEMS_RATE = 44000  # of sounds in parts whose rate is not told
_ROLLOFF, _ZEROS = 0.945, 24


class MusicgenMelody(FeatureExtractor):
    """`input_features`, float32 [frames, num_chroma]: 1 at the loudest class of a frame, 0 elsewhere."""

    name = "MusicgenMelodyFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 12,
        "sampling_rate": 32000,
        "hop_length": 4096,
        "chunk_length": 30,
        "n_fft": 16384,
        "num_chroma": 12,
        "padding_value": 0.0,
        "return_attention_mask": False,
        "stem_indices": [3, 2],
        "padding_side": "right",
    }

    def __call__(
        self,
        audio: Any,
        truncation: bool = True,
        pad_to_multiple_of: int | None = None,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = None,
        padding: bool | str = True,
        max_length: int | None = None,
        sampling_rate: int | None = None,
    ) -> Features:
        """`input_features` and, if asked for or set, `attention_mask` int32, of every `hop_length`th sample.

        Args:
          audio, sampling_rate: a sound or a list of them, as for `sounds`, or of several channels [C, samples], which
            are averaged; or parts of sounds, an array [B, parts, C, samples] of any rate, of which `stem_indices` are
            added up.
          padding, max_length, truncation, pad_to_multiple_of: see `padded`; `max_length` is `chunk_length` seconds by
            default.

        Raises:
          InputError: a part that there is not, or as `sounds` and `padded`.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        if isinstance(audio, np.ndarray) and audio.ndim == 4:
            audio, sampling_rate = self._joined(audio, sampling_rate or STEMS_RATE), self.sampling_rate
        if isinstance(audio, list | tuple) or np.ndim(audio) == 3:
            audio = [x.mean(0) if isinstance(x, np.ndarray) and x.ndim == 2 else x for x in audio]
        sounds = self.sounds(audio, sampling_rate)
        longest = max_length or self.chunk_length * self.sampling_rate
        values, masks = self.padded(sounds, padding, longest, truncation, pad_to_multiple_of)
        masks = [mask[:: self.hop_length] for mask in masks]
        rows = [self._loudest(x) for x in values]
        return features({self.field: rows, "attention_mask": masks if wanted else None}, return_tensors)

    def _joined(self, parts: np.ndarray, rate: int) -> np.ndarray:
        """Sounds [B, samples] of their parts [B, parts, C, samples], at the model's rate."""
        if max(self.stem_indices) >= parts.shape[1]:
            problem = f"parts must be at least {max(self.stem_indices) + 1}, got {parts.shape[1]}"
            raise InputError(self.name, [problem])
        return resampled(parts[:, self.stem_indices].sum(1).mean(1), rate, self.sampling_rate)

    def _loudest(self, x: np.ndarray) -> np.ndarray:
        """x [samples] -> [frames, num_chroma]."""
        n, hop = self.n_fft, self.hop_length
        short = max(0, n - len(x))
        x = np.pad(x, (short // 2, short - short // 2))
        window = window_function(n, "hann")
        power = spectrogram(x, window / np.sqrt((window**2).sum()), n, hop, power=2.0)
        chroma = (_filters(self.sampling_rate, n, self.num_chroma) @ power).T.astype(np.float32)
        return (chroma.argmax(-1)[:, None] == np.arange(self.num_chroma)).astype(np.float32)


@functools.cache
def _filters(rate: int, n: int, classes: int) -> np.ndarray:
    return chroma_filter_bank(n, classes, rate)


def resampled(x: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """x [..., samples] at `rate` Hz -> float32 at `wanted` Hz, by a Hann-windowed sinc of 24 zeros a side."""
    shared = math.gcd(rate, wanted)
    down, up = rate // shared, wanted // shared
    if up == down:
        return np.asarray(x, np.float32)
    limit = min(down, up) * _ROLLOFF
    wide = math.ceil(_ZEROS * down / limit)
    one = np.float32  # so were models trained, and a phase rounded to it is off by more than sums are
    t = np.arange(-wide, wide + down, dtype=one) / one(down) - np.arange(up, dtype=one)[:, None] / one(up)
    t = (t * one(limit)).clip(-_ZEROS, _ZEROS)
    window = np.cos(t * one(np.pi) / one(_ZEROS) / one(2)) ** 2
    t = t * one(np.pi)
    kernels = np.where(t == 0, one(1), np.sin(t) / np.where(t == 0, one(1), t)) * (window * one(limit / down))
    n = x.shape[-1]
    x = np.pad(np.asarray(x, np.float32), [(0, 0)] * (x.ndim - 1) + [(wide, wide + down)])
    frames = np.lib.stride_tricks.sliding_window_view(x, 2 * wide + down, axis=-1)[..., ::down, :]
    y = (frames @ kernels.T).reshape(*x.shape[:-1], -1)
    return np.ascontiguousarray(y[..., : math.ceil(up * n / down)])
