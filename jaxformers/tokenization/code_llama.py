"""`CodeLlamaTokenizer`: LLaMA's, which also asks the model to fill in what is missing between two parts of a text.

Paper: https://arxiv.org/abs/2308.12950.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import tokenizers
from tokenizers import normalizers, processors

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.ends import Ended
from jaxformers.tokenization.formats.sentencepiece_families import FILL, INFILLING
from jaxformers.tokenization.inputs import rows_of
from jaxformers.tokenization.settings import text_of


def _id_of(role: str) -> property:
    def get(self) -> int | None:
        token = getattr(self, f"{role}_token")
        return None if token is None else self.convert_tokens_to_ids(token)

    return property(get, doc=f"Id of `{role}_token`; None if there is none.")


class CodeLlamaTokenizer(Ended):
    """A tokenizer whose calls take a text with a gap: `fill_token` in it, or what follows as `suffix`.

    `prefix_token`, `suffix_token` and `middle_token` stand before what precedes the gap, what follows it and what the
    model is to write; it ends that with `eot_token`. None of them infills nothing.
    """

    prefix_id = _id_of("prefix")
    middle_id = _id_of("middle")
    suffix_id = _id_of("suffix")
    eot_id = _id_of("eot")

    def __init__(self, backend: tokenizers.Tokenizer, settings: Mapping[str, Any] | None = None, kind: str = ""):
        super().__init__(backend, settings, kind)
        held = {role: self.settings.get(f"{role}_token", usual) for role, usual in INFILLING.items()}
        self.prefix_token, self.middle_token, self.suffix_token, self.eot_token = map(text_of, held.values())
        self.fill_token = text_of(self.settings.get("fill_token", FILL))
        self.suffix_first = bool(self.settings.get("suffix_first"))

    def _call(
        self, text: Any, text_pair: Any, *, suffix: Any = None, suffix_first: bool | None = None, **options: Any
    ) -> BatchEncoding:
        """As for any tokenizer, and of texts with a gap both parts.

        Args:
          suffix: what follows each text, as `text_pair`; or else a text is parted at its `fill_token`.
          suffix_first: does what follows come first? None as the checkpoint says.

        Raises:
          InputError: only some texts of a batch have a gap, one has several, or the checkpoint can not fill in.
        """
        with self._lock:
            if options.get("is_split_into_words"):
                return super()._call(text, text_pair, **options)
            many = isinstance(text, list | tuple)
            rows = [self._parted(row) for row in rows_of(text, text_pair if suffix is None else suffix, many, False)]
            gaps = {row[1] is not None for row in rows}
            if gaps != {True}:
                if len(gaps) > 1:
                    problem = "text must have a gap in every row of a batch or in none, got some"
                    raise InputError("tokenizer", [problem], "call the tokenizer for each kind of rows")
                texts = [row[0] for row in rows]
                return super()._call(texts if many else texts[0], None, **options)
            before, after = [f" {row[0]}" for row in rows], [row[1] for row in rows]
            first = self.suffix_first if suffix_first is None else suffix_first
            with self._infilling(first, options.pop("add_special_tokens", True)):
                return super()._call(before if many else before[0], after if many else after[0], **options)

    def _parted(self, row: Any) -> tuple[str, str | None]:
        """A text, and what follows its gap or None."""
        text, after = row if isinstance(row, tuple) else (row, None)
        if after is None and self.fill_token and self.fill_token in text:
            text, after, *more = text.split(self.fill_token)
            if more:
                raise InputError("tokenizer", [f"text must hold {self.fill_token} once, got {1 + len(more)} of them"])
        return text, after or None

    @contextlib.contextmanager
    def _infilling(self, suffix_first: bool, special: bool) -> Iterator[None]:
        """Puts the tokens of infilling around pairs; `special`: the usual ones, too."""
        prefix, middle, suffix = self.prefix_token, self.middle_token, self.suffix_token
        if prefix is None or middle is None or suffix is None:
            problem = "a text with a gap needs prefix_token, middle_token and suffix_token, got None"
            raise InputError("tokenizer", [problem], "leave the gap out, or name them when loading")
        parts = [prefix, suffix, "$B", middle, "$A"] if suffix_first else [prefix, "$A", suffix, "$B", middle]
        if special and self.add_bos_token and self.bos_token:
            parts.insert(0, self.bos_token)
        if special and self.add_eos_token and self.eos_token:
            parts.append(self.eos_token)
        kept = self.backend.normalizer, self.backend.post_processor
        tokens = [(p, self.convert_tokens_to_ids(p)) for p in parts if p not in ("$A", "$B")]
        self.backend.normalizer = normalizers.Replace(" ", "▁")
        self.backend.post_processor = processors.TemplateProcessing(single="$A", pair=parts, special_tokens=tokens)
        try:
            yield
        finally:
            self.backend.normalizer, self.backend.post_processor = kept
