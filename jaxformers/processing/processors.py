"""`Processor`: a tokenizer with what prepares images or sound, for models that read both."""

from __future__ import annotations

import inspect
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from jaxformers.checkpoints.files import write_atomically
from jaxformers.errors import InputError
from jaxformers.processing import conversations
from jaxformers.processing.audio.extractor import FeatureExtractor
from jaxformers.processing.features import Features
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.processor_kinds import KINDS
from jaxformers.tokenization import FastTokenizer

OWN_FILE = "processor_config.json"


class Processor:
    """A tokenizer beside an image processor or a feature extractor.

    Args:
      tokenizer, other: the two parts; None where there is no text, or nothing beside it.
      name: the class that files name, a key of `KINDS`.
      settings: what processor_config.json says beside it.
    """

    cleans: bool | None = None  # are spaces in what a model wrote cleaned up? None leaves it to the tokenizer

    def __init__(
        self,
        tokenizer: FastTokenizer | None,
        other: ImageProcessor | FeatureExtractor | None,
        name: str,
        settings: Mapping[str, Any] | None = None,
    ):
        self.tokenizer: Any = tokenizer
        self.other: Any = other
        self.name = name
        self.settings = dict(settings or {})
        self.chat_template: str | dict[str, str] | None = None

    def __getattr__(self, name: str) -> Any:
        """What reads the outputs of models, `post_process_*`, is the image processor's."""
        if name.startswith("post_process_") and isinstance(self.__dict__.get("other"), ImageProcessor):
            return getattr(self.other, name)
        raise AttributeError(f"{self.__dict__.get('name', 'Processor')} has no {name}")

    @property
    def image_processor(self) -> ImageProcessor:
        """What prepares images."""
        if not isinstance(self.other, ImageProcessor):
            raise AttributeError(f"{self.name} has no image_processor")
        return self.other

    @property
    def feature_extractor(self) -> ImageProcessor | FeatureExtractor:
        """What prepares sound, or images."""
        return self.other

    def __call__(
        self,
        images: Any = None,
        text: Any = None,
        audio: Any = None,
        *,
        return_tensors: str | None = None,
        text_kwargs: Mapping[str, Any] | None = None,
        images_kwargs: Mapping[str, Any] | None = None,
        audio_kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Features:
        """The inputs of the model: fields of the tokenizer's call and of the other part's.

        Args:
          images: for processors of sound, the sound, if it is given by place.
          text: a text or a list; for models that write, what they are to write: its ids become `labels` beside images
            or sound.
          return_tensors: None, "np" or "jax".
          text_kwargs, images_kwargs, audio_kwargs: options of one part's call.
          options: of the tokenizer's call if there is text, else of the other part's. What only the other part knows
            (`sampling_rate`, an image processor's settings) always goes there; how to pad and to cut holds for sound
            and what is to be written of it (for CLAP's sounds only `padding`: they are longer than texts).

        Raises:
          InputError: neither is given, or as the parts do.
        """
        hears = isinstance(self.other, FeatureExtractor)
        seen = audio if hears and images is None else images
        if seen is None and text is None:
            raise InputError(self.name, [f"text or {'audio' if hears else 'images'} must be given"])
        theirs, rest = self.sorted_options(options)
        shared = {"return_tensors": return_tensors}
        fields: dict[str, Any] = {}
        if seen is not None:
            more = (audio_kwargs if hears else images_kwargs) or {}
            theirs |= rest if text is None else self._of_sound(rest) if hears else {}
            fields |= self.seen(seen, **shared, **{**theirs, **more})
        if text is not None:
            said = self.read(text, **shared, **rest, **(text_kwargs or {}))
            if KINDS[self.name].writes and seen is not None:
                fields["labels"] = said["input_ids"]
            else:
                fields = {**said, **fields, **said}  # of two fields of a name the text's stays
        return Features(fields)

    def sorted_options(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The options of a call that only the other part knows, and the rest."""
        other: Any = self.other
        known = set(inspect.signature(type(other).__call__).parameters) - _OF_BOTH
        known |= set(other.defaults) if isinstance(other, ImageProcessor) else set()
        theirs = {k: v for k, v in options.items() if k in known}
        return theirs, {k: v for k, v in options.items() if k not in known}

    def _of_sound(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a text's options that hold for the sound beside it."""
        names = _LENGTHS if KINDS[self.name].writes else ("padding",)
        known = inspect.signature(type(self.other).__call__).parameters
        return {k: v for k, v in options.items() if k in names and k in known}

    def seen(self, what: Any, **options: Any) -> Features:
        """The fields of images or sound."""
        other: Any = self.other
        return other(what, **options)

    def read(self, text: Any, **options: Any) -> Any:
        """The fields of texts."""
        kind = KINDS[self.name]
        types = {} if kind.types else {"return_token_type_ids": False}
        return self.tokenizer(text, **{**types, **kind.usual, **options})

    @classmethod
    def of_directory(cls, directory: pathlib.Path, *parts: Any) -> Processor:
        """One of a checkpoint's directory; `parts` are the arguments of the class."""
        return cls(*parts)

    def decode(self, ids: Any, **options: Any) -> str:
        """The text of token ids [S]."""
        return self.tokenizer.decode(ids, **options)

    def batch_decode(self, rows: Any, **options: Any) -> list[str]:
        """The texts of rows of token ids [B, S]."""
        return self.tokenizer.batch_decode(rows, **options)

    def post_process_image_text_to_text(
        self, generated_outputs: Any, skip_special_tokens: bool = True, **options: Any
    ) -> list[str]:
        """The texts of rows of ids [B, S] that a model wrote about images."""
        own = {} if self.cleans is None else {"clean_up_tokenization_spaces": self.cleans}
        return self.batch_decode(generated_outputs, skip_special_tokens=skip_special_tokens, **{**own, **options})

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        """A conversation's text, or with `tokenize=True` what the processor makes of it; see `conversations.apply`."""
        return conversations.apply(self, conversation, **options)

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes the files of both parts, and processor_config.json; returns their paths."""
        paths = self.tokenizer.save_pretrained(directory) if KINDS[self.name].reads else ()
        paths += self.other.save_pretrained(directory) if KINDS[self.name].prepares else ()
        held: dict[str, Any] = {OWN_FILE: {**self.settings, "processor_class": self.name}}
        if self.chat_template is not None:
            held[conversations.FILE] = {"chat_template": self.chat_template}
        for name, content in held.items():
            text = json.dumps(content, indent=2, sort_keys=True) + "\n"
            write_atomically(pathlib.Path(directory) / name, text.encode())
        return (*paths, *(str(pathlib.Path(directory) / name) for name in held))

    def __repr__(self) -> str:
        return f"{self.name}({self.tokenizer!r}, {self.other!r})"


_LENGTHS = ("padding", "truncation", "max_length", "pad_to_multiple_of", "return_attention_mask")
_OF_BOTH = {  # options of calls that mean something to a tokenizer too
    *("self", "images", "raw_speech", "audio", "changes", "return_tensors"),
    *_LENGTHS,
}
