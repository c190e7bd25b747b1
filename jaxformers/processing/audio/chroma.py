"""Filters that sum a spectrum by pitch class."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError


def hertz_to_octave(freq: Any, tuning: float = 0.0, bins_per_octave: int = 12) -> Any:
    """Frequencies in Hz -> octaves above 27.5 Hz, the A four octaves under 440 Hz.

    tuning: how far the sound is off that pitch, in parts of one of `bins_per_octave`.
    """
    return np.log2(freq / (440.0 * 2.0 ** (tuning / bins_per_octave) / 16.0))


def chroma_filter_bank(
    num_frequency_bins: int,
    num_chroma: int,
    sampling_rate: int,
    tuning: float = 0.0,
    power: float | None = 2.0,
    weighting_parameters: tuple[float, float] | None = (5.0, 2.0),
    start_at_c_chroma: bool = True,
) -> np.ndarray:
    """Filters [num_chroma, num_frequency_bins // 2 + 1], float64: a Gaussian around each pitch class in every octave.

    Args:
      num_frequency_bins: the length of the Fourier transform.
      power: each bin's weights are divided by their norm of this power; None leaves them.
      weighting_parameters: the octave that counts most, and how many off it a bin counts exp(-1/2) of that.
      start_at_c_chroma: is the first class C or A?

    Raises:
      InputError: fewer than two bins, or no class.
    """
    if num_frequency_bins < 2 or num_chroma < 1:
        problem = f"bins must be at least 2 and classes at least 1, got {num_frequency_bins} and {num_chroma}"
        raise InputError("chroma_filter_bank", [problem])
    hertz = np.linspace(0, sampling_rate, num_frequency_bins, endpoint=False)[1:]
    place = num_chroma * hertz_to_octave(hertz, tuning, num_chroma)
    place = np.concatenate([place[:1] - 1.5 * num_chroma, place])  # bin 0 has no pitch: one far from bin 1's
    width = np.append(np.maximum(np.diff(place), 1.0), 1.0)
    half = np.round(num_chroma / 2)
    away = place - np.arange(num_chroma)[:, None]
    filters = np.exp(-0.5 * (2 * ((away + half) % num_chroma - half) / width) ** 2)
    if power is not None:
        filters /= (filters**power).sum(0) ** (1.0 / power)
    if weighting_parameters is not None:
        center, octaves = weighting_parameters
        filters *= np.exp(-0.5 * ((place / num_chroma - center) / octaves) ** 2)
    if start_at_c_chroma:
        filters = np.roll(filters, -3 * (num_chroma // 12), axis=0)
    return np.ascontiguousarray(filters[:, : 1 + num_frequency_bins // 2])
