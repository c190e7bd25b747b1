"""`FeatureExtractor`: sounds of different lengths to one array, padded and masked; what models of sound share."""

from __future__ import annotations

import os
import warnings
from typing import Any, ClassVar

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.loading import load_audio
from jaxformers.processing.features import Features
from jaxformers.processing.settings import Configured

SIDES = ("left", "right")
STRATEGIES = (False, True, "longest", "max_length", "do_not_pad")


class FeatureExtractor(Configured):
    """Prepares sound for a model.

    Args:
      settings: as in preprocessor_config.json; what is left out is as in `defaults`.

    Raises:
      InputError: a rate, size or side that can not be.
    """

    kind_key: ClassVar[str] = "feature_extractor_type"
    field: ClassVar[str] = "input_values"

    def __init__(self, **settings: Any):
        super().__init__(**{"padding_side": "right", **settings})
        problems = [
            f"{key} must be a positive whole number, got {self.settings[key]!r}"
            for key in ("sampling_rate", "feature_size", "num_mel_bins", "hop_length", "n_fft", "chunk_length")
            if isinstance(self.settings.get(key), bool | float | str) or (self.settings.get(key, 1) or 0) < 1
        ]
        if self.padding_side not in SIDES:
            problems.append(f"padding_side must be one of {', '.join(SIDES)}, got {self.padding_side!r}")
        if problems:
            raise InputError(self.name, problems)

    def sounds(self, raw: Any, sampling_rate: int | None) -> list[np.ndarray]:
        """The sounds of a call, float32 [samples] each.

        Args:
          raw: a sound or a list of them: arrays or lists of numbers [samples], paths, bytes or URLs (which are
            resampled); or an array of sounds [B, samples].
          sampling_rate: of arrays; it must be the model's.

        Raises:
          InputError: another rate, no samples, more than one channel, or numbers that are not finite.
        """
        files = raw if isinstance(raw, list | tuple) and raw and _is_file(raw[0]) else [raw] if _is_file(raw) else None
        if files is not None:
            return [load_audio(one, self.sampling_rate)[0] for one in files]
        self.check_rate(sampling_rate)
        many = (isinstance(raw, np.ndarray) and raw.ndim > 1) or (
            isinstance(raw, list | tuple) and len(raw) > 0 and isinstance(raw[0], list | tuple | np.ndarray)
        )
        sounds = [self._sound(one) for one in (raw if many else [raw])]
        for x in sounds:
            if x.ndim != 1 or not x.size or not np.isfinite(x).all():
                what = "finite numbers" if x.ndim == 1 and x.size else "samples of one channel, [samples]"
                raise InputError(self.name, [f"a sound must hold {what}, got shape {list(x.shape)}"])
        return sounds

    def _sound(self, one: Any) -> np.ndarray:
        try:
            x = np.asarray(one)
        except ValueError as e:
            raise InputError(self.name, [f"a sound must be one array of numbers: {e}"]) from None
        if x.dtype.kind not in "iuf":
            raise InputError(self.name, [f"a sound must be an array of real numbers, got {x.dtype}"])
        return x.astype(np.float32)

    def check_rate(self, sampling_rate: int | None) -> None:
        """Raises InputError if a sound's rate is not the model's; warns if it is not told."""
        if sampling_rate is None:
            warnings.warn(f"pass sampling_rate={self.sampling_rate} to {self.name}, to be sure of it", stacklevel=4)
        elif sampling_rate != self.sampling_rate:
            problem = (
                f"sampling_rate must be {self.sampling_rate}, which the model was trained on, got {sampling_rate}"
            )
            raise InputError(self.name, [problem], "resample the sound, e.g. by load_audio(file, sampling_rate)")

    def pad(
        self,
        values: list[np.ndarray],
        padding: bool | str = True,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Arrays [S, ...] cut and padded along their first axis, and a mask int32 [S] of each, 1 where it was given.

        Args:
          padding: True or "longest" pads to the longest, "max_length" to `max_length`.
          max_length: also what `truncation` cuts to.
          pad_to_multiple_of: lengths are rounded up to its multiples.

        Raises:
          InputError: an unknown strategy, or a `max_length` that is needed and missing.
        """
        if padding not in STRATEGIES:
            known = ", ".join(map(repr, STRATEGIES))
            raise InputError(self.name, [f"padding must be one of {known}, got {padding!r}"])
        if max_length is None and (truncation or padding == "max_length"):
            raise InputError(self.name, ["max_length must be given to cut or pad to, got None"])

        def rounded(n: int) -> int:
            return n if pad_to_multiple_of is None else -(-n // pad_to_multiple_of) * pad_to_multiple_of

        if truncation:
            values = [x[: rounded(max_length)] for x in values]  # type: ignore[arg-type]
        masks = [np.ones(len(x), np.int32) for x in values]
        if padding in (False, "do_not_pad"):
            return values, masks
        length = max_length if padding == "max_length" else max(len(x) for x in values)
        length = rounded(length)  # type: ignore[arg-type]
        return [self._pad(x, length, self.padding_value) for x in values], [self._pad(m, length, 0) for m in masks]

    def _pad(self, x: np.ndarray, length: int, value: float) -> np.ndarray:
        more = max(0, length - len(x))
        wide = [(more, 0) if self.padding_side == "left" else (0, more)] + [(0, 0)] * (x.ndim - 1)
        return np.pad(x, wide, constant_values=value)

    def standardised(self, values: list[np.ndarray], masks: list[np.ndarray] | None) -> list[np.ndarray]:
        """Each of mean 0 and variance 1 over its first `sum(mask)` samples; padding is `padding_value` again."""
        out = []
        for i, x in enumerate(values):
            n = len(x) if masks is None else int(masks[i].sum())
            y = (x - x[:n].mean()) / np.sqrt(x[:n].var() + 1e-7)
            y[n:] = self.padding_value
            out.append(y)
        return out


def _is_file(x: Any) -> bool:
    return isinstance(x, str | bytes | bytearray | os.PathLike)


def features(fields: dict[str, Any], return_tensors: str | None) -> Features:
    """The fields that are not None."""
    return Features({k: v for k, v in fields.items() if v is not None}, return_tensors)
