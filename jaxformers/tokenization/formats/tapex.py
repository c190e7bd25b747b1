"""BPE over bytes whose text is made small, for TAPEX, which never had a tokenizer.json."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tokenizers import models, pre_tokenizers

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, merges, options, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.tiktoken import letters

ERRORS = ("replace", "ignore", "strict", "backslashreplace")


class Small(Scheme):
    """The bytes of words, each written as a letter, and what they merge into.

    Args:
      merges: pairs of tokens, those that are joined first in front.
      lower: are letters made small?
      space: does a space come before texts that begin with none?
      errors: what decoding does with bytes that are no text, as `bytes.decode` takes it.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        unk: str,
        merges: Sequence[tuple[str, str]],
        lower: bool,
        space: bool,
        errors: str,
    ):
        super().__init__(vocab, unk)
        self.lower, self.space, self.errors = lower, space, errors
        self.words = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.model = models.BPE(dict(vocab), list(merges), unk_token=unk, fuse_unk=False)
        self.bytes = {letter: byte for byte, letter in enumerate(letters())}

    def prepare(self, text: str, word: bool) -> str:
        return f" {text}" if (word or self.space) and text and not text[0].isspace() else text

    def split(self, text: str) -> list[str]:
        words = self.words.pre_tokenize_str(text)
        return [token.value for word, _ in words for token in self.model.tokenize(word)]

    def join(self, tokens: list[str]) -> str:
        held = [self.bytes[letter] for token in tokens for letter in token if letter in self.bytes]
        return bytes(held).decode("utf-8", self.errors)

    def name(self, index: int) -> str | None:
        return self.names.get(index)


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads vocab.json and merges.txt."""
    vocab, pairs = merges.read(directory)
    unk, *_ = specials.required(directory, settings, "unk", "sep", "cls")
    specials.need(directory / "vocab.json", vocab, [unk])
    errors = options.word(settings, "errors", ERRORS[0])
    if errors not in ERRORS:
        problem = f"errors must be one of {', '.join(ERRORS)}, got {errors!r:.60}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    lower, space = options.flag(settings, "do_lower_case", True), options.flag(settings, "add_prefix_space")
    scheme = Small(vocab, unk, pairs, lower, space, errors)

    def around(of: Callable[[str], int]) -> Template:
        start, end = (of("cls"), 0), (of("sep"), 0)
        return Template((start, ("A", 0), end), (start, ("A", 0), end, end, ("B", 0), end))

    held = [files.need(directory, name) for name in ("vocab.json", "merges.txt")]
    return made(scheme, directory, settings, around, {"mask": {"lstrip": True}}, files=held)
