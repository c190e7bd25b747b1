"""BLIP-2's processor, which puts tokens of an image in front of every text."""

from __future__ import annotations

from typing import Any

import tokenizers

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

_IMAGE = "<image>"


class Blip2(Processor):
    """Every text beside images begins with `num_query_tokens` image tokens, in front of padding too."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        count = self.settings.get("num_query_tokens")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise InputError(self.name, [f"num_query_tokens must be a positive number, got {count!r}"])
        self.image_token = getattr(self.tokenizer, "image_token", None) or _IMAGE
        new = tokenizers.AddedToken(self.image_token, normalized=False, special=True)
        self.tokenizer.add_tokens([new], special_tokens=True)

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """As `Processor`; a text alone is a batch of one. `max_length` counts the image tokens."""
        if isinstance(text, str):
            text = [text]
        count = self.settings.get("num_query_tokens")
        fields = dict(super().__call__(images, text, **options))
        if text is None:
            return Features(fields, return_tensors)
        said = {k: fields.pop(k) for k in fields.keys() - {"pixel_values"}}
        if images is not None and count is not None:
            ids = self.tokenizer.convert_tokens_to_ids(self.image_token)
            front = {"input_ids": ids, "attention_mask": 1}
            said = {k: [[front[k]] * count + row for row in v] if k in front else v for k, v in said.items()}
        said = said if return_tensors is None else arrays(said, return_tensors)
        return Features({**said, **Features(fields, return_tensors)})

    def read(self, text: Any, **options: Any) -> Any:
        """The fields of texts, with room for the image tokens."""
        if options.get("max_length") is not None:
            options["max_length"] -= self.settings.get("num_query_tokens") or 0
        return super().read(text, **options)
