"""MusicGen's processors: a description, a beginning or a melody, and the sound that a model makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.processors import Processor

_OF_SOUND = ("padding", "max_length", "truncation")


class Musicgen(Processor):
    """Describes music by text, by a sound that it goes on from, or by both."""

    def __call__(  # type: ignore[override]
        self, audio: Any = None, text: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """The tokenizer's fields of text; of sound `input_values` and `padding_mask`.

        Args:
          options: of both calls; `padding`, `max_length` and `truncation` hold for both.

        Raises:
          InputError: neither is given, or as both parts.
        """
        if audio is None and text is None:
            raise InputError(self.name, ["text or audio must be given"])
        theirs, rest = shares(self, options)
        said = {} if text is None else self.read(text, return_tensors=return_tensors, **rest)
        if audio is None:
            return Features(said)
        both = {k: options[k] for k in _OF_SOUND if k in options}
        heard = self.seen(audio, return_tensors=return_tensors, **{**both, **theirs})
        return Features({**heard, **said})  # of both masks, which may have one name, that of the text

    def batch_decode(  # type: ignore[override]
        self, audio: Any = None, *, padding_mask: Any = None, token_ids: Any = None, **options: Any
    ) -> list[Any]:
        """The sounds that a model makes, or the texts of `token_ids`.

        Args:
          audio: [B, channels, samples]; a mask [B, S] of the sounds that they go on from, 0 where there was none, is
            left out of them, so that each is [channels, samples that are there], float64.
          token_ids: rows of ids for the tokenizer, with its `options`.

        Raises:
          InputError: an array of another shape.
        """
        if audio is None:
            return self.tokenizer.batch_decode(token_ids, **options)
        sounds = np.asarray(audio)
        if sounds.ndim != 3:
            raise InputError(self.name, [f"audio must be [B, channels, samples], got shape {list(sounds.shape)}"])
        if padding_mask is None:
            return list(sounds)
        return self._without_padding(sounds, np.asarray(padding_mask))

    def _without_padding(self, sounds: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
        """Sounds [B, channels, samples] where a mask [B, up to samples] does not say that there is none."""
        b, _, n = sounds.shape
        if mask.ndim != 2 or len(mask) != b or mask.shape[1] > n:
            raise InputError(self.name, [f"padding_mask must be [{b}, up to {n}], got shape {list(mask.shape)}"])
        nothing = self.other.padding_value
        there = np.pad(mask, ((0, 0), (0, n - mask.shape[1])), constant_values=1 - nothing) != nothing
        return [x[:, row] for x, row in zip(sounds.astype(np.float64), there, strict=True)]


class MusicgenMelody(Musicgen):
    """Describes music by text, by the melody of a sound, or by both."""

    def batch_decode(  # type: ignore[override]
        self, audio: Any = None, *, attention_mask: Any = None, token_ids: Any = None, **options: Any
    ) -> list[Any]:
        """As MusicGen's, of an `attention_mask`."""
        return super().batch_decode(audio, padding_mask=attention_mask, token_ids=token_ids, **options)

    def get_unconditional_inputs(self, num_samples: int = 1, return_tensors: str = "np") -> Features:
        """The inputs of music that nothing describes: texts of nothing, masked, int64 [num_samples, S]."""
        fields = self.read([""] * num_samples, return_tensors=return_tensors, return_attention_mask=True)
        return Features({**fields, "attention_mask": fields["attention_mask"] * 0})
