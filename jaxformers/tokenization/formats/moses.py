"""BPE over the words that the Moses scripts cut: XLM, FlauBERT, FSMT and BioGPT. They need the `sacremoses` library.

Moses: https://aclanthology.org/P07-2045.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.formats.scheme import Scheme
from jaxformers.tokenization.formats.subwords import END, Merger

_WIDE = "，、∶：？）！（；１０３２５６９７８４～％"
_NARROW = ",,::?)!(;1032569784~%"
_QUOTES = dict.fromkeys("”“《》」「", '"') | {"’": "'", "…": "...", "━": "-"}
ASCII = str.maketrans(dict(zip(_WIDE, _NARROW, strict=True)) | _QUOTES | dict(zip("〈〉【】", "<>[]", strict=True)))


@dataclasses.dataclass(frozen=True)
class Style:
    """What a class does to text.

    Args:
      language: whose rules hold.
      target: the language of decoded text, put together by Moses; None: words are parted by single spaces.
      cleans: is punctuation made plain, and are letters that do not print left out?
      strict: are words cut at dashes, and special characters written as entities?
      lower: is text made small? Added tokens are sought in small text then, but not by a class that composes.
      bare: do words lose accents, too?
      composed: are letters and their marks put together, and double quotes made plain?
    """

    language: str
    target: str | None = None
    cleans: bool = True
    strict: bool = False
    lower: bool = False
    bare: bool = False
    composed: bool = False


class Words(Scheme):
    """Tokens whose last one in a word carries the mark of its end.

    Args:
      names: the vocabulary of decoded text, where it is another.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        unk: str,
        merges: Sequence[tuple[str, str]],
        style: Style,
        names: Mapping[str, int] | None = None,
    ):
        super().__init__(vocab, unk)
        self.merge, self.style = Merger(merges), style
        self.names = {index: token for token, index in (names or vocab).items()}
        self.lower = style.lower and not style.composed
        self._tools: dict[str, Any] = {}
        self._tool("MosesTokenizer", style.language)

    def split(self, text: str) -> list[str]:
        style = self.style
        if style.composed:
            text = unicodedata.normalize("NFC", text.replace("``", '"').replace("''", '"'))
        if style.lower and not style.bare:
            text = text.lower()
        if style.cleans:
            text = re.sub(r"[。．]\s*", ". ", text.translate(ASCII))
            text = self._tool("MosesPunctNormalizer", style.language).normalize(text)
            text = "".join([c for c in text if unicodedata.category(c)[0] != "C"])
        cut = self._tool("MosesTokenizer", style.language)
        words = cut.tokenize(text, aggressive_dash_splits=style.strict, return_str=False, escape=style.strict)
        if style.bare:
            marked = unicodedata.normalize("NFD", " ".join(words).lower())
            words = "".join([c for c in marked if unicodedata.category(c) != "Mn"]).lower().split(" ")
        return [token for word in words if word for token in self.merge(word)]

    def join(self, tokens: list[str]) -> str:
        text = "".join(tokens).replace(END, " ")
        if self.style.target is None:
            return text.strip()
        return self._tool("MosesDetokenizer", self.style.target).detokenize(text.split())

    def _tool(self, name: str, language: str) -> Any:
        if name not in self._tools:
            try:
                import sacremoses
            except ImportError:
                problem = "this class needs the sacremoses library, which is not installed"
                raise InputError("tokenizer", [problem], "pip install 'jaxformers[moses]'") from None
            self._tools[name] = getattr(sacremoses, name)(lang=language)
        return self._tools[name]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tools": {}}
