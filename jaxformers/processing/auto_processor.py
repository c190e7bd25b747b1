"""`AutoProcessor`: from a directory or hub id to the processor that its files describe."""

from __future__ import annotations

import importlib
import os
import pathlib
from typing import Any

from jaxformers.checkpoints.files import read_json
from jaxformers.checkpoints.hub import TEXT, resolve
from jaxformers.errors import CheckpointError, InputError
from jaxformers.processing import conversations
from jaxformers.processing.auto import AutoFeatureExtractor
from jaxformers.processing.processor_kinds import KINDS
from jaxformers.processing.processors import OWN_FILE, Processor
from jaxformers.processing.settings import FILE, model_type
from jaxformers.tokenization import AutoTokenizer


class AutoProcessor:
    """Processors by directory or hub id."""

    @staticmethod
    def from_pretrained(path: str | os.PathLike, *, revision: str | None = None) -> Any:
        """The processor of a checkpoint: a `Processor` if it reads text beside images or sound.

        Of a checkpoint that names no such class it is the image processor or feature extractor, or the tokenizer.

        Args:
          path: a directory, or a hub id.
          revision: branch, tag or commit on the hub.

        Raises:
          CheckpointError: no such directory, a missing or damaged file, or a class that is not known.
        """
        directory = resolve(path, revision, (*TEXT, "language_model/*"))
        settings = read_json(directory / OWN_FILE)
        name = settings.pop("processor_class", None) or _named(directory)
        if name is None:
            reader = AutoFeatureExtractor if (directory / FILE).is_file() else AutoTokenizer
            return reader.from_pretrained(directory)
        if name not in KINDS:
            raise CheckpointError(str(directory), [f"processor_class must be one of {', '.join(KINDS)}, got {name!r}"])
        kind = KINDS[name]
        template = read_json(directory / conversations.FILE).get("chat_template") or settings.pop(
            "chat_template", None
        )
        tokenizer = AutoTokenizer.from_pretrained(directory) if kind.reads else None
        other = AutoFeatureExtractor.from_pretrained(directory) if kind.prepares else None
        made = Processor
        if kind.made_by:
            module, own = kind.made_by.split(".")
            made = getattr(importlib.import_module(f"jaxformers.processing.joint.{module}"), own)
        try:
            processor = made.of_directory(directory, tokenizer, other, name, settings)
        except InputError as e:
            raise CheckpointError(str(directory / OWN_FILE), list(e.problems)) from None
        processor.chat_template = template
        return processor


def _named(directory: pathlib.Path) -> str | None:
    """The class that other files name, or that the model type implies where there is a tokenizer beside images."""
    for file in (FILE, "tokenizer_config.json"):
        name = read_json(directory / file).get("processor_class")
        if isinstance(name, str) and name in KINDS:
            return name
    other, text = (directory / FILE).is_file(), any((directory / f).is_file() for f in _VOCABULARIES)
    of_model = model_type(directory)
    found = [name for name, kind in KINDS.items() if of_model in kind.models.split() and (text or not kind.reads)]
    return found[0] if other and found else None


_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
