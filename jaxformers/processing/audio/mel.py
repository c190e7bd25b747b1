"""Mel scales and their triangular filters."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from jaxformers.errors import InputError

SCALES = ("htk", "kaldi", "slaney")
_KNEE_HERTZ, _KNEE_MEL = 1000.0, 15.0  # where Slaney's scale turns from straight to logarithmic
_STEP = np.log(6.4) / 27.0


def _known(scale: str) -> None:
    if scale not in SCALES:
        raise InputError("mel", [f"mel_scale must be one of {', '.join(SCALES)}, got {scale!r}"])


def hertz_to_mel(freq: Any, mel_scale: str = "htk") -> Any:
    """Frequencies in Hz -> mels, of the scale "htk", "kaldi" or "slaney". A number, or an array of any shape."""
    _known(mel_scale)
    if mel_scale != "slaney":
        return 2595.0 * np.log10(1.0 + freq / 700.0) if mel_scale == "htk" else 1127.0 * np.log(1.0 + freq / 700.0)
    f = np.asarray(freq, np.float64)
    above = _KNEE_MEL + np.log(np.maximum(f, _KNEE_HERTZ) / _KNEE_HERTZ) / _STEP
    return np.where(f >= _KNEE_HERTZ, above, 3.0 * f / 200.0)[()]


def mel_to_hertz(mels: Any, mel_scale: str = "htk") -> Any:
    """Mels -> frequencies in Hz; the other way round of `hertz_to_mel`."""
    _known(mel_scale)
    if mel_scale != "slaney":
        return 700.0 * (np.power(10, mels / 2595.0) - 1.0 if mel_scale == "htk" else np.exp(mels / 1127.0) - 1.0)
    m = np.asarray(mels, np.float64)
    above = _KNEE_HERTZ * np.exp(_STEP * (np.maximum(m, _KNEE_MEL) - _KNEE_MEL))
    return np.where(m >= _KNEE_MEL, above, 200.0 * m / 3.0)[()]


def mel_filter_bank(
    num_frequency_bins: int,
    num_mel_filters: int,
    min_frequency: float,
    max_frequency: float,
    sampling_rate: int,
    norm: str | None = None,
    mel_scale: str = "htk",
    triangularize_in_mel_space: bool = False,
) -> np.ndarray:
    """Triangular filters [bins, filters], float64, whose centers are evenly apart in mels.

    Args:
      num_frequency_bins: of the spectrogram, fft length // 2 + 1.
      min_frequency, max_frequency: in Hz, of the lowest and highest filter's ends.
      norm: "slaney" divides each filter by its width; None leaves its height 1.
      triangularize_in_mel_space: are the triangles straight in mels (Kaldi) or in Hz?

    Raises:
      InputError: fewer than two bins, frequencies in the wrong order, or an unknown norm or scale.
    """
    problems = [
        text
        for wrong, text in (
            (norm not in (None, "slaney"), f"norm must be None or 'slaney', got {norm!r}"),
            (num_frequency_bins < 2, f"num_frequency_bins must be at least 2, got {num_frequency_bins}"),
            (
                min_frequency > max_frequency,
                f"min_frequency must be at most max_frequency, got {min_frequency} and {max_frequency}",
            ),
        )
        if wrong
    ]
    if problems:
        raise InputError("mel_filter_bank", problems)
    ends = hertz_to_mel(min_frequency, mel_scale), hertz_to_mel(max_frequency, mel_scale)
    mels = np.linspace(*ends, num_mel_filters + 2)
    if triangularize_in_mel_space:
        width = sampling_rate / ((num_frequency_bins - 1) * 2)
        bins, corners = hertz_to_mel(width * np.arange(num_frequency_bins), mel_scale), mels
    else:
        bins, corners = np.linspace(0, sampling_rate // 2, num_frequency_bins), mel_to_hertz(mels, mel_scale)
    gaps, away = np.diff(corners), corners[None] - bins[:, None]
    filters = np.maximum(0.0, np.minimum(-away[:, :-2] / gaps[:-1], away[:, 2:] / gaps[1:]))
    if norm == "slaney":
        filters *= 2.0 / (corners[2:] - corners[:-2])
    if not filters.max(0).all():
        warnings.warn(f"{num_mel_filters} filters over {num_frequency_bins} bins: some are all zeros", stacklevel=2)
    return filters
