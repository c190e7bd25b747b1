"""ProphetNet's word pieces: BERT's, from a list of tokens, with what ends a text behind it.

Paper: https://arxiv.org/abs/2001.04063.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.tokenization.formats import files, specials
from jaxformers.tokenization.formats.pieced import pieced
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads prophetnet.tokenizer, and of tokenizer_config.json what BERT's words are made by."""
    file = files.need(directory, "prophetnet.tokenizer")
    vocab = {token: i for i, token in enumerate(files.lines(file))}
    specials.need(file, vocab, specials.required(directory, settings, "unk", "sep"))

    def around(of: Callable[[str], int]) -> Template:
        end = (of("sep"), 0)
        return Template((("A", 0), end), (("A", 0), end, ("B", 1), (of("sep"), 1)))

    return made(pieced(directory, settings, vocab), directory, settings, around, files=[file])
