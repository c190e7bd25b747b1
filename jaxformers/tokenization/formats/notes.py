"""Notes of piano music as tokens: what time it is, how hard keys are struck, which they are. Pop2Piano."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme

KINDS = ("TOKEN_SPECIAL", "TOKEN_NOTE", "TOKEN_VELOCITY", "TOKEN_TIME")


class Notes(Scheme):
    """Tokens `<number>_<kind>`, which stand for no text."""

    def split(self, text: str) -> list[str]:
        return text.split()


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.json."""
    file = files.need(directory, "vocab.json")
    vocab = files.vocabulary(file)
    for token in vocab:
        number, _, kind = token.partition("_")
        if kind not in KINDS or not number.isdecimal():
            problem = f"tokens must be a number, _ and one of {', '.join(KINDS)}, got {token!r:.60}"
            raise CheckpointError(str(file), [problem])
    return made(Notes(vocab, settings.get("unk_token")), directory, settings, lambda of: Template(), files=[file])
