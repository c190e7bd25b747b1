"""SentencePiece's pieces of text that is cleaned first, with a comma behind a digit as a piece of its own."""

from __future__ import annotations

import unicodedata

from jaxformers.tokenization.formats.sentencepiece_exact import SPACE, Processor


class Commas:
    """Cuts text.

    Args:
      processor: the model.
      strips: does white space become single spaces, with none at either end?
      accents: are they kept?
      lower: are letters made small?
    """

    def __init__(self, processor: Processor, strips: bool = True, accents: bool = True, lower: bool = False):
        self.encode, self.strips, self.accents, self.lower = processor.encode, strips, accents, lower

    def __call__(self, text: str) -> list[str]:
        """The pieces of a text."""
        text = " ".join(text.split()) if self.strips else text
        text = text.replace("``", '"').replace("''", '"')
        if not self.accents:
            text = "".join([c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)])
        out: list[str] = []
        for piece in self.encode(text.lower() if self.lower else text):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                first, *rest = self.encode(piece[:-1].replace(SPACE, ""))
                if not piece.startswith(SPACE):
                    first = first.removeprefix(SPACE)
                out += [*([first] if first else []), *rest, ","]
            else:
                out.append(piece)
        return out
