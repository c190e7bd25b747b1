"""SeamlessM4T's extractor: Kaldi's log energies, normed by bin, several frames a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.extractor import FeatureExtractor, features
from jaxformers.processing.audio.spectra import kaldi_energies
from jaxformers.processing.features import Features


class SeamlessM4T(FeatureExtractor):
    """`input_features`, float32 [steps, stride * num_mel_bins], and `attention_mask` int32 [steps]."""

    name = "SeamlessM4TFeatureExtractor"
    field = "input_features"
    defaults = {
        "feature_size": 80,
        "sampling_rate": 16000,
        "num_mel_bins": 80,
        "padding_value": 0.0,
        "stride": 2,
        "return_attention_mask": True,
        "padding_side": "right",
    }

    def __call__(
        self,
        raw_speech: Any,
        padding: bool | str = True,
        pad_to_multiple_of: int | None = 2,
        max_length: int | None = None,
        truncation: bool = False,
        return_tensors: str | None = None,
        sampling_rate: int | None = None,
        return_attention_mask: bool | None = None,
        do_normalize_per_mel_bins: bool = True,
    ) -> Features:
        """`input_features` and `attention_mask`; frames that fill no whole step are left out.

        Args:
          raw_speech, sampling_rate: see `sounds`; of a sound [channels, samples] in a list the first channel is heard.
          padding, pad_to_multiple_of, max_length, truncation: see `padded`; they count frames.
          do_normalize_per_mel_bins: give each bin of each sound mean 0 and variance 1.

        Raises:
          InputError: a sound of a single frame, which has no variance, or as `sounds` and `padded`.
        """
        wanted = self.return_attention_mask if return_attention_mask is None else return_attention_mask
        if isinstance(raw_speech, list | tuple) or np.ndim(raw_speech) == 3:
            raw_speech = [x[0] if isinstance(x, np.ndarray) and x.ndim == 2 else x for x in raw_speech]
        how = self.num_mel_bins, self.sampling_rate, "povey"
        rows = [kaldi_energies(x * 2**15, *how) for x in self.sounds(raw_speech, sampling_rate)]
        if do_normalize_per_mel_bins:
            if min(map(len, rows)) < 2:
                problem = "a sound must hold at least 560 samples, two frames, for its bins to have a variance"
                raise InputError(self.name, [problem], "pass do_normalize_per_mel_bins=False")
            rows = [(y - y.mean(0)) / np.sqrt(y.var(0, ddof=1) + 1e-7) for y in rows]
        rows, masks = self.padded(rows, padding, max_length, truncation, pad_to_multiple_of)
        rows = [y[: len(y) // self.stride * self.stride].reshape(-1, self.stride * y.shape[1]) for y in rows]
        masks = [m[1 % self.stride : len(m) // self.stride * self.stride : self.stride] for m in masks]
        return features({self.field: rows, "attention_mask": masks if wanted else None}, return_tensors)
