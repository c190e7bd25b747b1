"""Transformer-XL's words, as the Moses scripts cut them. They need the `sacremoses` library.

Paper: https://arxiv.org/abs/1901.02860.
"""

from __future__ import annotations

import pathlib
import pickle
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, options, specials
from jaxformers.tokenization.formats.moses import Style, Words
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template

_UNKNOWN = ("<UNK>", "<unk>")
_PICKLES = ("vocab.pkl", "vocab.bin")


class Articles(Words):
    """Words, whose numbers are cut at points and commas; `kept` are patterns of what is left whole."""

    def __init__(self, vocab: Mapping[str, int], unk: str, language: str, kept: list[str], lower: bool, letters: bool):
        super().__init__(vocab, unk, [], Style(language, language, lower=lower))
        self.kept, self.letters = kept, letters

    def split(self, text: str) -> list[str]:
        text = text.strip().lower() if self.lower else text.strip()
        if self.letters:
            return list(text)
        text = self._tool("MosesPunctNormalizer", self.style.language).normalize(text)
        how = {"aggressive_dash_splits": True, "return_str": False, "escape": False, "protected_patterns": self.kept}
        words = self._tool("MosesTokenizer", self.style.language).tokenize(text, **how)
        return [part for word in words for part in re.sub(r"(?<=\d)[,.](?=\d)", r" @\g<0>@ ", word).split()]

    def join(self, tokens: list[str]) -> str:
        text = self._tool("MosesDetokenizer", self.style.language).detokenize(tokens)
        return text.replace(" @,@ ", ",").replace(" @.@ ", ".").strip()


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.txt, or the tokens in vocab.pkl or vocab.bin, of which nothing else is made."""
    settings = {**settings, "additional_special_tokens": additional(stem, settings)}
    file = files.need(directory, "vocab.txt", *_PICKLES)
    tokens = _pickled(file) if file.name in _PICKLES else _listed(file)
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    unk = next((token for token in _UNKNOWN if token in vocab), None)
    if unk is None:
        raise CheckpointError(str(file), [f"must hold {' or '.join(_UNKNOWN)}"])
    special = [*specials.names(settings).values(), *(str(specials.text(t)) for t in specials.additional(settings))]
    kept = settings.get("never_split")
    if kept is not None and (not isinstance(kept, list) or not all(isinstance(one, str) for one in kept)):
        problem = f"never_split must be a list of patterns, got {kept!r:.60}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    kept, lower = special if kept is None else kept, options.flag(settings, "lower_case")
    letters = settings.get("delimiter") == ""
    scheme = Articles(vocab, unk, options.word(settings, "language", "en"), kept, lower, letters)
    out = made(scheme, directory, settings, lambda of: Template())
    out.files = {"vocab.txt": "".join(f"{token}\n" for token in vocab).encode()}
    return out


def additional(stem: str, settings: Mapping[str, Any]) -> list[Any]:
    """The `additional_special_tokens`: those of the settings, or formulas."""
    return ["<formula>"] if settings.get("additional_special_tokens") is None else specials.additional(settings)


def _listed(file: pathlib.Path) -> list[str]:
    rows = [line.split() for line in files.lines(file)]
    if [] in rows:
        raise CheckpointError(str(file), [f"line {rows.index([]) + 1} must be a token, got nothing"])
    return [row[0] for row in rows]


class _Inert:
    """What stands for any object of a pickle: it is made and filled, and does nothing."""

    def __init__(self, *_: Any, **__: Any):
        pass

    def _nothing(self, *_: Any) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = _nothing


class _Reader(pickle.Unpickler):
    """Reads dictionaries, lists, texts and numbers; nothing that a pickle names is run."""

    def find_class(self, module: str, name: str) -> Any:
        return (
            {"OrderedDict": OrderedDict, "Counter": Counter}.get(name, _Inert) if module == "collections" else _Inert
        )


def _pickled(file: pathlib.Path) -> list[str]:
    """The tokens in a pickle, or in the first of several that holds them."""
    try:
        with file.open("rb") as held:
            while True:
                found = _Reader(held).load()
                if isinstance(found, Mapping) and "idx2sym" in found:
                    return [str(token) for token in found["idx2sym"]]
    except Exception as e:  # a pickle may raise anything
        raise CheckpointError(str(file), [f"must hold a list of tokens, idx2sym: {e}"]) from None
