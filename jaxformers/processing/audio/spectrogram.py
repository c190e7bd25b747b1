"""Spectrograms in NumPy, as checkpoints were trained on: frames, windows, powers, mels, logarithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from jaxformers.errors import InputError

FRAMES = 8192  # transformed at a time, so that hours of sound fit
WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "boxcar": np.ones,
    "hamming": np.hamming,
    "hann": np.hanning,
    "povey": lambda n: np.power(np.hanning(n), 0.85),
}


def optimal_fft_length(window_length: int) -> int:
    """The next power of 2 from `window_length` on."""
    return 2 ** int(np.ceil(np.log2(window_length)))


def window_function(
    window_length: int, name: str = "hann", periodic: bool = True, frame_length: int | None = None, center: bool = True
) -> np.ndarray:
    """A window [frame_length or window_length], float64.

    Args:
      name: "boxcar", "hamming", "hann" or "povey" (also with "_window" behind).
      periodic: as for a spectrum, without the last entry of the symmetric window one longer.
      frame_length: zeros are added up to it; on both sides if `center`, else behind.

    Raises:
      InputError: an unknown name, or a frame shorter than the window.
    """
    make = WINDOWS.get(name.removesuffix("_window"))
    if make is None:
        raise InputError("window_function", [f"name must be one of {', '.join(WINDOWS)}, got {name!r}"])
    window = make(window_length + 1)[:-1] if periodic else make(window_length)
    if frame_length is None:
        return window
    if window_length > frame_length:
        problem = f"frame_length must be at least the window_length {window_length}, got {frame_length}"
        raise InputError("window_function", [problem])
    before = (frame_length - window_length) // 2 if center else 0
    return np.pad(window, (before, frame_length - window_length - before))


def spectrogram(
    waveform: np.ndarray,
    window: np.ndarray,
    frame_length: int,
    hop_length: int,
    fft_length: int | None = None,
    power: float | None = 1.0,
    center: bool = True,
    pad_mode: str = "reflect",
    onesided: bool = True,
    dither: float = 0.0,
    preemphasis: float | None = None,
    mel_filters: np.ndarray | None = None,
    mel_floor: float = 1e-10,
    log_mel: str | None = None,
    reference: float = 1.0,
    min_value: float = 1e-10,
    db_range: float | None = None,
    remove_dc_offset: bool = False,
    dtype: np.dtype | type = np.float32,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """The spectrum of every frame of a waveform [samples]: [bins or filters, frames].

    Args:
      window: [frame_length]; see `window_function`.
      frame_length, hop_length: samples of a frame, and from the start of one to that of the next.
      fft_length: zeros are added to frames up to it; the frame's length by default.
      power: 1 for magnitudes, 2 for powers, None for complex numbers.
      center: frame t is around sample t * hop_length; the waveform is padded by `pad_mode` for that.
      onesided: only the half of the spectrum that real numbers need.
      dither: a Gaussian of this deviation is added, drawn by `rng`.
      preemphasis: this part of every sample is taken from the next one of its frame.
      mel_filters: [bins, filters] to sum powers by, with `mel_floor` as the least sum.
      log_mel: "log", "log10" or "dB"; dB with `reference`, `min_value` and `db_range` as `power_to_db`.
      remove_dc_offset: each frame's mean is taken away first.
      dtype: of what is returned with `log_mel`; without it float64 (complex64 without `power`).

    Raises:
      InputError: shapes or options that do not go together, or a waveform too short for a frame.
    """
    fft_length = frame_length if fft_length is None else fft_length
    _check(waveform, window, frame_length, hop_length, fft_length, power, mel_filters, log_mel)
    half = frame_length // 2
    if center:
        if pad_mode == "reflect" and waveform.size <= half:
            problem = f"the waveform must be longer than half a frame ({half} samples) to be reflected"
            raise InputError("spectrogram", [f"{problem}, got {waveform.size}"])
        waveform = np.pad(waveform, (half, half), mode=pad_mode)  # type: ignore[call-overload]
    if waveform.size < frame_length:
        raise InputError("spectrogram", [f"the waveform must hold a frame of {frame_length}, got {waveform.size}"])
    frames = sliding_window_view(waveform.astype(np.float64), frame_length)[::hop_length]
    transform = np.fft.rfft if onesided else np.fft.fft
    parts = []
    for start in range(0, len(frames), FRAMES):
        x = frames[start : start + FRAMES].copy()
        if dither != 0.0:
            x += dither * (rng or np.random.default_rng()).standard_normal(x.shape)
        if remove_dc_offset:
            x -= x.mean(1, keepdims=True)
        if preemphasis is not None:
            x[:, 1:] -= preemphasis * x[:, :-1]
            x[:, 0] *= 1 - preemphasis
        parts.append(transform(x * window.astype(np.float64), fft_length).astype(np.complex64))
    spectrum = np.concatenate(parts).T
    if power is None:
        return spectrum
    out = np.abs(spectrum.astype(np.complex128)) ** power
    if mel_filters is not None:
        out = np.maximum(mel_floor, np.dot(mel_filters.T, out))
    if log_mel is None:
        return out
    if log_mel == "dB":
        to_db = amplitude_to_db if power == 1.0 else power_to_db
        return to_db(out, reference, min_value, db_range).astype(dtype)
    return (np.log(out) if log_mel == "log" else np.log10(out)).astype(dtype)


def _check(waveform, window, frame_length, hop_length, fft_length, power, mel_filters, log_mel) -> None:
    rules = (
        (waveform.ndim != 1, f"the waveform must have the shape [samples], got {list(waveform.shape)}"),
        (np.iscomplexobj(waveform), "the waveform must hold real numbers, got complex ones"),
        (frame_length > fft_length, f"frame_length must be at most fft_length, got {frame_length} and {fft_length}"),
        (len(window) != frame_length, f"window must have frame_length entries, got {len(window)} of {frame_length}"),
        (hop_length <= 0, f"hop_length must be positive, got {hop_length}"),
        (power is None and mel_filters is not None, "mel_filters need a power, got None"),
        (log_mel not in (None, "log", "log10", "dB"), f"log_mel must be log, log10 or dB, got {log_mel!r}"),
        (log_mel == "dB" and power not in (1.0, 2.0), f"log_mel='dB' needs a power of 1 or 2, got {power}"),
    )
    if problems := [text for wrong, text in rules if wrong]:
        raise InputError("spectrogram", problems)


def power_to_db(
    spectrogram: np.ndarray, reference: float = 1.0, min_value: float = 1e-10, db_range: float | None = None
) -> np.ndarray:
    """Powers in decibels over `reference`: 10 log10(x / reference), of at least `min_value`.

    db_range: what lies so many decibels under the highest is raised to there.
    """
    return _decibels(10.0, spectrogram, reference, min_value, db_range)


def amplitude_to_db(
    spectrogram: np.ndarray, reference: float = 1.0, min_value: float = 1e-5, db_range: float | None = None
) -> np.ndarray:
    """Magnitudes in decibels: 20 log10(x / reference); arguments as for `power_to_db`."""
    return _decibels(20.0, spectrogram, reference, min_value, db_range)


def _decibels(factor, x, reference, min_value, db_range):
    given = {"reference": reference, "min_value": min_value, "db_range": 1.0 if db_range is None else db_range}
    if problems := [f"{name} must be positive, got {value}" for name, value in given.items() if not value > 0]:
        raise InputError("decibels", problems)
    x = factor * (np.log10(np.maximum(x, min_value)) - np.log10(max(min_value, reference)))
    return x if db_range is None else np.maximum(x, x.max() - db_range)
