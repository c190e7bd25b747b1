"""Sound from wherever it is, as float32 samples at the rate asked for."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.wav import is_wav, read_wav
from jaxformers.processing.download import SECONDS, read_bytes

SAMPLES = 2**30  # of a file, of all channels; more is taken for an attack on memory
_BLOCK = 2**20
_STEPS = 2**17  # of a filter between two rates


def load_audio(
    source: Any, sampling_rate: int | None = None, mono: bool = True, timeout: float = SECONDS
) -> tuple[np.ndarray, int]:
    """Samples of -1 to 1, float32 [samples] (or [channels, samples] without `mono`), and their rate in Hz.

    Args:
      source: a path, the file's bytes, an http(s) or data URL, or base64 text. WAV files are read as they are, others
        (FLAC, OGG, MP3, ...) by the soundfile library.
      sampling_rate: the rate to resample to; None keeps the file's.
      mono: the mean of the channels.
      timeout: seconds that a server may take for its first answer, and again for all of the bytes.

    Raises:
      InputError: there is no such file, it is no sound, damaged or empty, holds numbers that are not finite or more
        than SAMPLES, or can not be resampled.
    """
    x, rate = _read(read_bytes("load_audio", source, timeout))
    if not x.size or not np.isfinite(x).all():
        raise InputError(
            "load_audio", [f"must hold finite samples, got {'none' if not x.size else 'NaN or infinity'}"]
        )
    x = x.mean(1) if mono else x.T
    if sampling_rate is not None and sampling_rate != rate:
        x, rate = resample(x, rate, sampling_rate), sampling_rate
    return np.ascontiguousarray(x, np.float32), rate


def _read(data: bytes) -> tuple[np.ndarray, int]:
    if is_wav(data):
        return read_wav(data)
    if not data:
        raise InputError("load_audio", ["the file is empty"])
    try:
        import soundfile
    except ImportError:
        problem = "files other than WAV are read by the soundfile library, which is not installed"
        raise InputError("load_audio", [problem], "pip install 'jaxformers[audio]'") from None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            return _blocks(file), file.samplerate
    except (RuntimeError, TypeError, ValueError) as e:
        if isinstance(e, InputError):
            raise
        raise InputError("load_audio", [f"{len(data)} bytes are no sound that soundfile reads: {e}"]) from None


def _blocks(file: Any) -> np.ndarray:
    """The samples [samples, channels] that a file holds, whatever number of them it says it has."""
    parts: list[np.ndarray] = []
    while not parts or len(parts[-1]):
        if sum(part.size for part in parts) > SAMPLES:
            raise InputError("load_audio", [f"must hold at most {SAMPLES} samples, got more"])
        room = max(1, _BLOCK // file.channels)
        parts.append(file.read(min(room, max(0, file.frames)), dtype="float32", always_2d=True))
    return np.concatenate(parts)


def resample(x: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """x [..., samples] at `rate` Hz -> float32 at `wanted` Hz, by a Kaiser-windowed sinc (polyphase, scipy).

    What lies above half of the lower rate is filtered out, from 0.95 of it on. A recording of n samples becomes
    ceil(n * wanted / rate) long.

    Raises:
      InputError: a rate is not positive, the two have too little in common, or the result were longer than SAMPLES.
    """
    if min(rate, wanted) < 1:
        raise InputError("resample", [f"sampling rates must be positive, got {rate} and {wanted}"])
    import scipy.signal

    shared = math.gcd(rate, wanted)
    up, down = wanted // shared, rate // shared
    if up == down:
        return np.asarray(x, np.float32)
    most = max(up, down)
    if most > _STEPS or np.size(x) * up > SAMPLES * down:
        problem = f"{np.size(x)} samples at {rate} Hz must be few enough to be made {wanted} Hz, by {up} / {down}"
        raise InputError("resample", [problem], "read them with sampling_rate=None if the rate is no mistake")
    window = scipy.signal.firwin(2 * 48 * most + 1, 0.95 / most, window=("kaiser", 9.0))
    return scipy.signal.resample_poly(np.asarray(x, np.float64), up, down, axis=-1, window=window).astype(np.float32)
