"""`GPTSanJapaneseTokenizer`: Japanese texts behind prefixes that the model reads at once.

Code: https://github.com/tanreinama/GPTSAN.
"""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer


class GPTSanJapaneseTokenizer(FastTokenizer):
    """A tokenizer whose texts begin with `bos_token`, a prefix and `sep_token`; made by `AutoTokenizer`.

    Calls also take `prefix_text`, a string that stands in front of every text, and `add_sep_token`: does `sep_token`
    stand between the two? None puts it there unless the text holds one. `token_type_ids` is 1 for the prefix. The
    texts of two lists, `text` and `text_pair`, are prefixes and what follows them.
    """

    def _call(
        self,
        text: Any,
        text_pair: Any,
        *,
        prefix_text: str | None = None,
        add_sep_token: bool | None = None,
        **how: Any,
    ) -> BatchEncoding:
        if prefix_text is not None and not isinstance(prefix_text, str):
            raise InputError("tokenizer", [f"prefix_text must be a string, got {prefix_text!r:.60}"])
        rows: list[Any] = []
        if isinstance(text, list | tuple):
            both = isinstance(text_pair, list | tuple) and len(text) == len(text_pair)
            rows = list(zip(text, text_pair, strict=True)) if both else list(text)
        if rows and all(isinstance(row, tuple) and all(isinstance(t, str) for t in row) for row in rows):
            text, text_pair = [str(self.sep_token).join(row) for row in rows], None

        def begun(given: Any) -> Any:
            if isinstance(given, list | tuple):
                return [begun(one) for one in given]
            return self._begun(given, prefix_text, add_sep_token) if isinstance(given, str) else given

        return super()._call(begun(text), begun(text_pair), **how)

    def tokenize(
        self,
        text: str,
        pair: str | None = None,
        add_special_tokens: bool = False,
        prefix_text: str | None = None,
        add_sep_token: bool | None = None,
        **options: Any,
    ) -> list[str]:
        """The tokens of a text behind its prefix."""
        how: dict[str, Any] = {"prefix_text": prefix_text, "add_sep_token": add_sep_token}
        if pair is not None or add_special_tokens or options:
            return self._call(text, pair, add_special_tokens=add_special_tokens, **how, **options).tokens()
        return super().tokenize(self._begun(text, prefix_text, add_sep_token))

    def _begun(self, text: str, prefix: str | None, parted: bool | None) -> str:
        backend: Any = self.backend
        held = backend.scheme.vocab
        bos, sep = ("" if token is None or token not in held else token for token in (self.bos_token, self.sep_token))
        if parted is None:
            parted = self.sep_token is None or self.sep_token not in text
        return f"{bos}{prefix or ''}{sep if parted else ''}{text}"
