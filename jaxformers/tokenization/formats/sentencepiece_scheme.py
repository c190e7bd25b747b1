"""SentencePiece pieces under the ids of a class that never had a tokenizer.json, and the text that they give back."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Mapping

from jaxformers.tokenization.formats.python_backend import Scheme
from jaxformers.tokenization.formats.python_rows import Encoding, Template
from jaxformers.tokenization.formats.sentencepiece_exact import SPACE, Processor

_SILENT = [*range(9), *range(11, 32), *range(127, 161), 0xAD, 0x200B]  # characters that are not printed
_SPACES = (0x2002, 0x2003, 0x2005, 0x2008, 0x2009, 0x200A, 0x202F, 0x3000, 0xFFFC)
_SWEDISH = {**dict.fromkeys(_SILENT), **dict.fromkeys(_SPACES, " ")}


@dataclasses.dataclass(frozen=True)
class Style:
    """How special tokens stand in decoded text.

    Args:
      before: in front of the first of several special tokens.
      behind: behind each.
      strips: is white space at either end of the text left out?
      plain: are pieces put together as they are, without asking the model?
    """

    before: str = ""
    behind: str = ""
    strips: bool = True
    plain: bool = False


class Pieces(Scheme):
    """The pieces of a model.

    Args:
      vocab: `{token: id}`.
      unk: the token of pieces that it lacks.
      processor: cuts text.
      special: the special tokens, which the model does not decode.
      style: how they stand in decoded text.
      known: how many tokens of `vocab` count as the vocabulary; None: all.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        unk: str,
        processor: Processor,
        special: frozenset[str],
        style: Style,
        known: int | None = None,
    ):
        super().__init__(vocab, unk)
        self.processor, self.special, self.style, self.known = processor, special, style, known

    def split(self, text: str) -> list[str]:
        return self.processor.encode(text)

    def size(self) -> int:
        return len(self.vocab) if self.known is None else self.known

    def join(self, tokens: list[str]) -> str:
        if self.style.plain:
            return "".join(tokens).replace(SPACE, " ").strip()
        run: list[str] = []
        out, gap = "", self.style.before
        for token in tokens:
            if token in self.special:
                out += gap + self.said(run) + token + self.style.behind
                run, gap = [], ""
            else:
                run.append(token)
                gap = self.style.before
        out += self.said(run)
        return out.strip() if self.style.strips else out

    def said(self, pieces: list[str]) -> str:
        """The text of pieces, none of them special."""
        return self.processor.decode(pieces)


class Marian(Pieces):
    """Two models: one cuts what is translated, the other the translation. Paper: https://arxiv.org/abs/1804.00344.

    Args:
      target: the model of the translation; `is_target` says which of the two cuts.
    """

    is_target = False

    def __init__(
        self, vocab: Mapping[str, int], unk: str, processor: Processor, special: frozenset[str], target: Processor
    ):
        super().__init__(vocab, unk, processor, special, Style(behind=" "))
        self.target = target

    def split(self, text: str) -> list[str]:
        end = text.find("<<") + 2 if text.startswith(">>") else 1  # a text may begin with the code of a language
        code, text = ([text[:end]], text[end:]) if end > 1 else ([], text)
        return code + (self.target if self.is_target else self.processor).encode(text)

    def said(self, pieces: list[str]) -> str:
        return self.target.decode(pieces).replace(SPACE, " ")


class Spoken(Pieces):
    """Text that is heard or to be spoken: capitals if asked for, a space in front of words that were parted before."""

    def __init__(self, *arguments, lower: bool = False, upper: bool = False, parted: bool = False):
        super().__init__(*arguments)
        self.lower, self.upper, self.parted = lower, upper, parted

    def prepare(self, text: str, word: bool) -> str:
        return f" {text}" if word and self.parted else text

    def said(self, pieces: list[str]) -> str:
        text = super().said(pieces)
        return text.upper() if self.upper else text


class Swedish(Pieces):
    """GPT-SW3: what is not printed is left out, and letters are composed. Paper: https://arxiv.org/abs/2305.12987."""

    def __init__(self, *arguments, lower: bool = False):
        super().__init__(*arguments)
        self.lower = lower

    def split(self, text: str) -> list[str]:
        return super().split(unicodedata.normalize("NFC", text.translate(_SWEDISH)))


@dataclasses.dataclass(frozen=True)
class Long(Template):
    """A template that gives more token types than there are tokens, as some classes do.

    Args:
      more: for a text and for a pair, the types behind the first text, which nothing precedes, and those at the end.
    """

    more: tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]] = (([], []), ([], []))

    def around(self, a: list[int], b: list[int] | None, special: bool, name: Callable[[int], str | None]) -> Encoding:
        out = super().around(a, b, special, name)
        if special:
            first, last = self.more[b is not None]
            out.type_ids[len(a) : len(a)] = first
            out.type_ids += last
        return out
