"""Qwen2-Audio's processor: sounds among texts, as many tokens as the model makes of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.placeholders import placed
from jaxformers.processing.joint.sharing import shares, unbroken
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

_TOKENS = {"audio_token": "<|AUDIO|>", "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>"}


class Qwen2Audio(Processor):
    """A token in a text stands for a sound, and is put between those of its beginning and end."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        held = {k: getattr(self.tokenizer, k, None) or self.settings.get(k, v) for k, v in _TOKENS.items()}
        self.audio_token, self.audio_bos_token, self.audio_eos_token = held.values()

    def __call__(  # type: ignore[override]
        self, text: Any = None, audio: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """The tokenizer's fields; of sounds `input_features` and `feature_attention_mask`.

        Args:
          text: a text or a list, with a token for each sound.
          audio: a sound, or a list of them in the order of their tokens.
          options: of both calls; sounds are padded to the model's length in any case.

        Raises:
          InputError: there is no text, the numbers of sounds and their tokens differ, or tokens are cut off.
        """
        if text is None:
            raise InputError(self.name, ["text must be given"])
        theirs, rest = shares(self, options)
        texts = [text] if isinstance(text, str) else list(text)
        fields: dict[str, Any] = {}
        if audio is not None:
            whole = {"padding": "max_length", "return_attention_mask": True}
            fields = dict(self.seen(audio, return_tensors=return_tensors, **{**theirs, **whole}))
            fields["feature_attention_mask"] = fields.pop("attention_mask")
            lengths = [int(mask.sum()) for mask in fields["feature_attention_mask"]]
            texts = placed(self.name, texts, self.audio_token, self._pieces(texts, lengths), "sounds")
        said = dict(self.read(texts, **rest))
        unbroken(
            self, texts, said["input_ids"], self.audio_token, self.tokenizer.convert_tokens_to_ids(self.audio_token)
        )
        return Features({**(said if return_tensors is None else arrays(said, return_tensors)), **fields})

    def _pieces(self, texts: list[str], lengths: list[int]) -> Iterator[str]:
        """What stands in texts for sounds of so many frames."""
        pairs = [pair for text in texts for pair in itertools.pairwise(text.split(self.audio_token))]
        pairs += [("", "")] * (len(lengths) - len(pairs))
        for (before, behind), n in zip(pairs, lengths, strict=False):
            piece = self.audio_token * ((((n - 1) // 2 + 1) - 2) // 2 + 1)
            if not before.endswith(self.audio_bos_token) and not behind.startswith(self.audio_eos_token):
                piece = f"{self.audio_bos_token}{piece}{self.audio_eos_token}"
            yield piece
