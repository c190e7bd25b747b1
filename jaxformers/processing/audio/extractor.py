"""`FeatureExtractor`: sounds of different lengths to one array, padded and masked; what models of sound share."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.loading import load_audio
from jaxformers.processing.features import Features
from jaxformers.processing.settings import Configured

SIDES = ("left", "right")
WHOLE = (  # settings that are counts or sizes, where a class has them
    *("sampling_rate", "feature_size", "num_mel_bins", "hop_length", "win_length", "n_fft", "chunk_length", "stride"),
    *("fft_window_size", "max_length_s", "default_audio_length", "spectrogram_length", "hop_length_to_sampling_rate"),
    "model_in_channels",
)
STRATEGIES = (False, True, "longest", "max_length", "do_not_pad")
UNPADDED = (False, "do_not_pad")


class FeatureExtractor(Configured):
    """Prepares sound for a model.

    Args:
      settings: as in preprocessor_config.json; what is left out is as in `defaults`.

    Raises:
      InputError: a rate, size or side that can not be.
    """

    kind_key: ClassVar[str] = "feature_extractor_type"
    field: ClassVar[str] = "input_values"
    precision: ClassVar[type] = np.float32  # of sounds, until features are made of them

    def __init__(self, **settings: Any):
        super().__init__(**{"padding_side": "right", **settings})
        problems = [
            f"{key} must be a positive whole number, got {self.settings[key]!r}"
            for key in WHOLE
            if isinstance(self.settings.get(key), bool | float | str) or (self.settings.get(key, 1) or 0) < 1
        ]
        if self.padding_side not in SIDES:
            problems.append(f"padding_side must be one of {', '.join(SIDES)}, got {self.padding_side!r}")
        if problems:
            raise InputError(self.name, problems)

    def sounds(self, raw: Any, sampling_rate: int | None) -> list[np.ndarray]:
        """The sounds of a call, [samples] each, of the class's `precision`.

        Args:
          raw: a sound or a list of them: arrays or lists of numbers [samples], paths, bytes or URLs (which are
            resampled); or an array of sounds [B, samples].
          sampling_rate: of arrays; it must be the model's.

        Raises:
          InputError: another rate, no samples, more than one channel, or numbers that are not finite.
        """
        files = raw if isinstance(raw, list | tuple) and raw and _is_file(raw[0]) else [raw] if _is_file(raw) else None
        if files is not None:
            return [load_audio(one, self.sampling_rate)[0].astype(self.precision) for one in files]
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
        return x.astype(self.precision)

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
        processed_features: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        padding: bool | str = True,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> Features:
        """Features of different lengths as one batch, e.g. to collate what single calls gave.

        Args:
          processed_features: lists by name, one entry a sound; or a list of such by name, each of one sound. `field`
            must be among them, [S] or [S, ...] each; an `attention_mask` [S] is padded along with it.
          padding, max_length, truncation, pad_to_multiple_of: see `padded`.
          return_attention_mask: None is as the settings say.
          return_tensors: None gives "np" if lengths are padded, else lists.

        Raises:
          InputError: no such field, an entry without length, masks of other lengths, or as `padded`.
        """
        if not isinstance(processed_features, Mapping):
            names = set.intersection(*map(set, processed_features)) if len(processed_features) else set()
            processed_features = {k: [one[k] for one in processed_features] for k in sorted(names)}
        if self.field not in processed_features:
            held = ", ".join(processed_features) or "nothing that all sounds have"
            raise InputError(self.name, [f"pad must be given {self.field!r}, got {held}"])
        values = [np.asarray(x) for x in processed_features[self.field]]
        values = [x.astype(np.float32) if x.dtype == np.float64 else x for x in values]
        given = processed_features.get("attention_mask")
        masks = None if given is None else [np.asarray(m, np.int32) for m in given]
        if any(x.ndim == 0 for x in values) or (masks and [len(m) for m in masks] != [len(x) for x in values]):
            problem = f"{self.field} must be a list of arrays [S, ...]" + (", and masks as long" if masks else "")
            raise InputError(self.name, [f"{problem}, got shapes {[x.shape for x in values]}"])
        values, kept = self.padded(values, padding, max_length, truncation, pad_to_multiple_of, masks)
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        rest = {k: v for k, v in processed_features.items() if k not in (self.field, "attention_mask")}
        fields = {self.field: values, "attention_mask": kept if wanted or masks else None, **rest}
        return features(fields, return_tensors or ("np" if padding not in UNPADDED else None))

    def padded(
        self,
        values: list[np.ndarray],
        padding: bool | str = True,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        masks: list[np.ndarray] | None = None,
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Arrays [S, ...] cut and padded along their first axis, and a mask int32 [S] of each, 1 where it was given.

        Args:
          padding: True or "longest" pads to the longest, "max_length" to `max_length`.
          max_length: also what `truncation` cuts to.
          pad_to_multiple_of: lengths are rounded up to its multiples.
          masks: that there are already, int32 [S] each.

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
        masks = [np.ones(len(x), np.int32) if masks is None else masks[i][: len(x)] for i, x in enumerate(values)]
        if padding in UNPADDED or not values:
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
