"""Whisper's processor: sound, and transcripts with what they begin with."""

from __future__ import annotations

from typing import Any

from jaxformers.processing.processors import Processor


class Whisper(Processor):
    """Sound, and transcripts of it."""

    def get_decoder_prompt_ids(self, **options: Any) -> list[tuple[int, int]]:
        """What transcripts begin with, as the tokenizer's."""
        return self.tokenizer.get_decoder_prompt_ids(**options)

    def get_prompt_ids(self, text: str, return_tensors: str | None = "np") -> Any:
        """The ids [S] of what was said before, as the tokenizer's."""
        return self.tokenizer.get_prompt_ids(text, return_tensors)
