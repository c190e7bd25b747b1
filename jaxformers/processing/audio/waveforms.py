"""Extractors whose models hear samples: Wav2Vec2 and its kin, EnCodec."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.extractor import FeatureExtractor, features
from jaxformers.processing.features import Features


class Wav2Vec2(FeatureExtractor):
    """`input_values`, float32 [samples], of mean 0 and variance 1 with `do_normalize`."""

    name = "Wav2Vec2FeatureExtractor"
    defaults = {
        "feature_size": 1,
        "sampling_rate": 16000,
        "padding_value": 0.0,
        "return_attention_mask": False,
        "do_normalize": True,
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
        """`input_values` and, if asked for or set, `attention_mask` int32 of the same shape.

        Args:
          raw_speech, sampling_rate: see `sounds`.
          padding, max_length, truncation, pad_to_multiple_of: see `padded`.
          return_tensors: None (lists), "np" or "jax".
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        sounds = self.sounds(raw_speech, sampling_rate)
        values, masks = self.padded(sounds, padding, max_length, truncation, pad_to_multiple_of)
        if self.do_normalize:  # over padding too, where no mask is kept: so were the checkpoints trained
            padded = padding not in (False, "do_not_pad")
            values = self.standardised(values, masks if wanted and padded else None)
        return features({"input_values": values, "attention_mask": masks if wanted else None}, return_tensors)


class Encodec(FeatureExtractor):
    """`input_values`, float32 [channels, samples], with lengths that fill whole chunks; `padding_mask` int32."""

    name = "EncodecFeatureExtractor"
    defaults = {
        "feature_size": 1,
        "sampling_rate": 24000,
        "padding_value": 0.0,
        "chunk_length_s": None,
        "overlap": None,
        "padding_side": "right",
        "return_attention_mask": True,
    }

    @property
    def chunk_length(self) -> int | None:
        """Samples of a chunk, or None without chunks."""
        return None if self.chunk_length_s is None else int(self.chunk_length_s * self.sampling_rate)

    @property
    def chunk_stride(self) -> int | None:
        """Samples from the start of one chunk to that of the next, or None."""
        whole = self.chunk_length
        return None if whole is None or self.overlap is None else max(1, int((1.0 - self.overlap) * whole))

    def __call__(
        self,
        raw_audio: Any,
        padding: bool | str | None = None,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        sampling_rate: int | None = None,
    ) -> Features:
        """`input_values` and `padding_mask`.

        Args:
          raw_audio: a sound [samples], or [2, samples] for a stereo model; or a list of them.
          padding, max_length, truncation: see `padded`; padding is on unless it is given as False. With chunks,
            lengths are made to fill them: up to the longest by padding, down to the shortest by truncation.

        Raises:
          InputError: both padding and truncation, the wrong number of channels, or as `sounds`.
        """
        if padding and truncation:
            raise InputError(self.name, ["padding and truncation must not both be on"])
        padding = True if padding is None else padding
        self.check_rate(sampling_rate)
        many = isinstance(raw_audio, list | tuple) and len(raw_audio) and np.ndim(raw_audio[0]) > 0
        sounds = [self._sound(one).T for one in (raw_audio if many else [raw_audio])]
        for x in sounds:
            channels = 1 if x.ndim == 1 else x.shape[-1]
            if x.ndim > 2 or channels != self.feature_size or (x.ndim == 2 and self.feature_size == 1) or not x.size:
                want = "[samples]" if self.feature_size == 1 else f"[{self.feature_size}, samples]"
                raise InputError(self.name, [f"a sound must have the shape {want}, got {list(x.T.shape)}"])
            if not np.isfinite(x).all():
                raise InputError(self.name, ["a sound must hold finite numbers"])
        masks = None
        strategy: bool | str = padding
        stride, whole = self.chunk_stride, self.chunk_length
        if stride is not None and whole is not None and max_length is None and (padding or truncation):
            lengths = [len(x) for x in sounds]
            steps = min(lengths) // stride if truncation else -(-max(lengths) // stride)
            max_length = (steps - 1) * stride + whole
            strategy = padding if truncation else "max_length"
        values, kept = self.padded(sounds, strategy, max_length, truncation)
        if padding:
            masks = kept
        rows = [x[None] if x.ndim == 1 else np.ascontiguousarray(x.T) for x in values]
        return features({"input_values": rows, "padding_mask": masks}, return_tensors)
