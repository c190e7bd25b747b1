"""`RagTokenizer`: the tokenizers of RAG's question encoder and of its generator.

Paper: https://arxiv.org/abs/2005.11401.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

from jaxformers.checkpoints.files import read_json, to_write
from jaxformers.errors import CheckpointError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer

PARTS = ("question_encoder", "generator")


def parts(directory: pathlib.Path) -> dict[pathlib.Path, str] | None:
    """The folders of the two tokenizers with their model types, "" if config.json names none; None if there are none.

    Raises:
      CheckpointError: there is one of them alone.
    """
    folders = [directory / f"{part}_tokenizer" for part in PARTS]
    if absent := [folder.name for folder in folders if not folder.is_dir()]:
        if len(absent) == len(folders):
            return None
        raise CheckpointError(os.fspath(directory), [f"must hold the folder {absent[0]} beside the other tokenizer"])
    config = read_json(directory / "config.json")
    inner = [config.get(part) for part in PARTS]
    types = [held.get("model_type") if isinstance(held, dict) else None for held in inner]
    return {folder: kind if isinstance(kind, str) else "" for folder, kind in zip(folders, types, strict=True)}


class RagTokenizer:
    """Questions are encoded for the question encoder, targets for the generator, whose tokens are decoded.

    Args:
      question_encoder, generator: the two tokenizers.
    """

    def __init__(self, question_encoder: FastTokenizer, generator: FastTokenizer):
        self.question_encoder, self.generator = question_encoder, generator

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        **how: Any,
    ) -> BatchEncoding:
        """As any tokenizer's call: `text` by the question encoder's, `text_target` by the generator's."""
        if text_target is None:
            return self.question_encoder(text, text_pair, **how)
        target = self.generator(text_target=text_target, text_pair_target=text_pair_target, **how)
        if text is None:
            return target
        out = self.question_encoder(text, text_pair, **how)
        out["labels"] = target["input_ids"]
        return out

    def decode(self, token_ids: Any, **options: Any) -> str:
        """The text of the generator's token ids [S]."""
        return self.generator.decode(token_ids, **options)

    def batch_decode(self, sequences: Any, **options: Any) -> list[str]:
        """The texts of the generator's token ids [B, S]."""
        return self.generator.batch_decode(sequences, **options)

    def save_pretrained(self, save_directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes the folders question_encoder_tokenizer and generator_tokenizer; returns the paths of their files.

        Raises:
          CheckpointError: `save_directory` is a file.
        """
        folder = to_write(save_directory)
        held = zip(PARTS, (self.question_encoder, self.generator), strict=True)
        return tuple(file for part, made in held for file in made.save_pretrained(folder / f"{part}_tokenizer"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.question_encoder!r}, {self.generator!r})"
