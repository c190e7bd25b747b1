"""`OwnFiles`: a tokenizer whose class reads files beside its vocabulary; a base of such classes."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any, Self

from jaxformers.errors import InputError
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats import files
from jaxformers.tokenization.settings import saved


class OwnFiles(FastTokenizer):
    """A tokenizer that keeps the files it is made of, and writes them again when it is saved.

    Args:
      held: the content of `vocabulary_files`, as far as the directory has them, and of `own_files`.
    """

    vocabulary_files: tuple[str, ...] = ()
    own_files: tuple[str, ...] = ()  # JSON objects of tokens and numbers

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str, held: Mapping[str, bytes]):
        super().__init__(backend, settings, kind)
        self._held = dict(held)

    @classmethod
    def read(cls, directory: pathlib.Path, backend: Any, settings: Mapping[str, Any], kind: str) -> Self:
        """The tokenizer of a directory.

        Raises:
          CheckpointError: it lacks one of `own_files`, or one holds something else.
        """
        for name in cls.own_files:
            files.vocabulary(files.need(directory, name))
        names = (*cls.vocabulary_files, *cls.own_files)
        return cls(
            backend, settings, kind, {n: (directory / n).read_bytes() for n in names if (directory / n).is_file()}
        )

    def train_new_from_iterator(self, *_: Any, **__: Any) -> FastTokenizer:
        """Refused: what the files beside the vocabulary say is not learnt from texts."""
        problem = f"a tokenizer with {' and '.join(self.own_files)} can not be trained"
        raise InputError("train_new_from_iterator", [problem], "train a tokenizer of another class")

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        return dict(self._held)

    def _config(self) -> dict[str, Any]:
        added = {str(i): saved(token) for i, token in sorted(self.added_tokens_decoder.items())}
        return {**super()._config(), "added_tokens_decoder": added}
