"""Processors that put tokens of images in front of every text: BLIP-2's and InstructBLIP's."""

from __future__ import annotations

import os
import pathlib
from typing import Any, ClassVar

import tokenizers

from jaxformers.errors import CheckpointError, InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.processors import Processor
from jaxformers.tokenization import AutoTokenizer
from jaxformers.tokenization.tensors import arrays

QFORMER = "qformer_tokenizer"


class Blip2(Processor):
    """Every text beside images begins with `num_query_tokens` image tokens, in front of padding too."""

    kind: ClassVar[str] = "image"
    frames: ClassVar[int] = 1  # of what is seen, each with its tokens

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        count = self.settings.get("num_query_tokens")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise InputError(self.name, [f"num_query_tokens must be a positive number, got {count!r}"])
        self.image_token = getattr(self.tokenizer, f"{self.kind}_token", None) or f"<{self.kind}>"
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
            whole = {"add_special_tokens": False, "padding": False, "truncation": False}
            asked = shares(self, options)[1]
            more = {k: True for k in _MORE if asked.get(k)}
            front = self.tokenizer(self.image_token * (count * self.frames), **whole, **more)
            said = {k: [front[k] + row for row in v] if k in front else v for k, v in said.items()}
        said = said if return_tensors is None else arrays(said, return_tensors)
        return Features({**said, **Features(fields, return_tensors)})

    def read(self, text: Any, **options: Any) -> Any:
        """The fields of texts, with room for the image tokens."""
        if options.get("max_length") is not None:
            options["max_length"] -= self.settings.get("num_query_tokens") or 0
        return super().read(text, **options)


class InstructBlip(Blip2):
    """As `Blip2`; the Q-Former reads the texts too, by a tokenizer of its own."""

    def __init__(self, *parts: Any, qformer_tokenizer: Any):
        super().__init__(*parts)
        self.qformer_tokenizer = qformer_tokenizer

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """As `Blip2`; and of texts `qformer_input_ids` and `qformer_attention_mask`."""
        fields = super().__call__(images, text, return_tensors, **options)
        if text is None:
            return fields
        asked = {"return_token_type_ids": False, **shares(self, options)[1], "return_tensors": return_tensors}
        read = self.qformer_tokenizer([text] if isinstance(text, str) else text, **asked)
        names = [k for k in ("input_ids", "attention_mask") if k in read]
        return Features({**fields, **{f"qformer_{k}": read[k] for k in names}})

    @classmethod
    def of_directory(cls, directory: pathlib.Path, *parts: Any) -> InstructBlip:
        folder = directory / QFORMER
        if not folder.is_dir():
            problem = f"must hold the directory {QFORMER}, the tokenizer of the Q-Former"
            raise CheckpointError(str(directory), [problem])
        return cls(*parts, qformer_tokenizer=AutoTokenizer.from_pretrained(folder))

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """As `Processor`; and the Q-Former's tokenizer, in a directory of its own."""
        paths = super().save_pretrained(directory)
        return paths + self.qformer_tokenizer.save_pretrained(pathlib.Path(directory) / QFORMER)


class InstructBlipVideo(InstructBlip):
    """As `InstructBlip`, of videos of four frames; `max_length` counts the tokens of one."""

    kind = "video"
    frames = 4


_MORE = ("return_special_tokens_mask", "return_offsets_mapping", "return_token_type_ids")
