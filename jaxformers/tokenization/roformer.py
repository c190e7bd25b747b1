"""`RoFormerTokenizer`: Chinese text cut into words by jieba before they are cut into pieces.

It needs the `rjieba` library. Paper: https://arxiv.org/abs/2104.09864.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import tokenizers
from tokenizers import NormalizedString, PreTokenizedString, normalizers, pre_tokenizers

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.fast import FastTokenizer


class Words:
    """Cuts text into the words of jieba that the vocabulary holds, and others at white space and Chinese letters."""

    def __init__(self, vocab: Mapping[str, int]):
        try:
            import rjieba
        except ImportError:
            problem = "this class needs the rjieba library, which is not installed"
            raise CheckpointError("tokenizer", [problem], "pip install 'jaxformers[jieba]'") from None
        self.cut, self.vocab = rjieba.tokenize, vocab
        self.letters = normalizers.BertNormalizer(False, True, False, False)  # sets Chinese letters apart, no more

    def pre_tokenize(self, text: PreTokenizedString) -> None:
        """Called by the `tokenizers` library."""
        text.split(self._split)

    def _split(self, _: int, text: NormalizedString) -> list[Any]:
        out = []
        for word, start, end in self.cut(str(text), hmm=False):
            if word in self.vocab:
                out.append(text[start:end])
                continue
            for part in self.letters.normalize_str(word).split():
                out.append(text[start : start + len(part)])
                start += len(part)
        return out


class RoFormerTokenizer(FastTokenizer):
    """A tokenizer whose words are jieba's; made by `AutoTokenizer`. Files hold BERT's words in their place."""

    def __init__(self, backend: tokenizers.Tokenizer, settings: Mapping[str, Any] | None = None, kind: str = ""):
        held = backend.normalizer
        apart = getattr(held, "handle_chinese_chars", None)
        super().__init__(backend, settings, kind)
        if apart is not None:  # which `tokenize_chinese_chars` does not change: jieba's words may be Chinese
            backend.normalizer.handle_chinese_chars = apart
            backend.normalizer.lowercase = self.settings.get("do_lower_case", True)
            backend.normalizer.strip_accents = self.settings.get("strip_accents")
        self._read_words()

    def _read_words(self) -> None:
        self.backend.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(Words(self.backend.get_vocab()))

    @contextlib.contextmanager
    def _plain(self) -> Iterator[None]:
        """For this thread alone, a backend that can be written."""
        with self._lock:
            self.backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
            try:
                yield
            finally:
                self._read_words()

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        with self._plain():
            return super()._vocabulary_files()

    def train_new_from_iterator(self, *arguments: Any, **options: Any) -> FastTokenizer:
        """As for any tokenizer; a vocabulary is learnt of BERT's words."""
        with self._plain():
            return super().train_new_from_iterator(*arguments, **options)

    def __getstate__(self) -> dict[str, Any]:
        with self._plain():
            return {**super().__getstate__(), "backend": self.backend.to_str()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "backend": tokenizers.Tokenizer.from_str(state["backend"])})
        self._read_words()
