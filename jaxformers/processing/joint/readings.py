"""MGP-STR's processor: words in pictures, which a model reads by letters, by byte-level BPE and by word pieces.

Paper: https://arxiv.org/abs/2209.03592.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np
import scipy.special

from jaxformers.errors import InputError
from jaxformers.processing.processors import Processor
from jaxformers.tokenization import AutoTokenizer


class Reading(NamedTuple):
    """How a way of reading is decoded: its tokenizer's folder and, if there is none, checkpoint; what ends a word."""

    folder: str
    usual: str
    end: int
    mark: str


READINGS = {
    "char": Reading("", "", 1, "[s]"),
    "bpe": Reading("bpe_tokenizer", "openai-community/gpt2", 2, "#"),
    "wp": Reading("wp_tokenizer", "google-bert/bert-base-uncased", 102, "[SEP]"),
}


class MgpStr(Processor):
    """A tokenizer of letters beside an image processor; outputs are decoded by two further tokenizers as well.

    These are those of the checkpoint's folders bpe_tokenizer and wp_tokenizer. Where it lacks them, they are GPT-2's
    and BERT's, which are fetched from the hub when they are first asked for.
    """

    def __init__(self, *parts: Any, directory: pathlib.Path | None = None):
        super().__init__(*parts)
        self._held: dict[str, Any] = {"char": self.tokenizer}
        for name, reading in READINGS.items():
            if directory is not None and reading.folder and (directory / reading.folder).is_dir():
                self._held[name] = AutoTokenizer.from_pretrained(directory / reading.folder)

    @classmethod
    def of_directory(cls, directory: pathlib.Path, *parts: Any) -> MgpStr:
        return cls(*parts, directory=directory)

    def _tokenizer(self, name: str) -> Any:
        if name not in self._held:
            self._held[name] = AutoTokenizer.from_pretrained(READINGS[name].usual)
        return self._held[name]

    char_tokenizer = property(lambda self: self._tokenizer("char"), doc="The tokenizer of letters.")
    bpe_tokenizer = property(lambda self: self._tokenizer("bpe"), doc="The tokenizer of byte-level BPE.")
    wp_tokenizer = property(lambda self: self._tokenizer("wp"), doc="The tokenizer of word pieces.")

    def char_decode(self, sequences: Any) -> list[str]:
        """The texts of rows of letters' ids [B, S], without spaces."""
        return [text.replace(" ", "") for text in self.char_tokenizer.batch_decode(sequences)]

    def bpe_decode(self, sequences: Any) -> list[str]:
        """The texts of rows of byte-level BPE's ids [B, S]."""
        return self.bpe_tokenizer.batch_decode(sequences)

    def wp_decode(self, sequences: Any) -> list[str]:
        """The texts of rows of word pieces' ids [B, S], without spaces."""
        return [text.replace(" ", "") for text in self.wp_tokenizer.batch_decode(sequences)]

    def batch_decode(self, rows: Any, **_: Any) -> dict[str, list[Any]]:  # type: ignore[override]
        """What a model reads in pictures.

        Args:
          rows: its logits by letters, BPE and word pieces, [B, S, V] each; the first place of a row is no token.

        Returns:
          `generated_text` (of the three ways the surest), its `scores`, and `char_preds`, `bpe_preds`, `wp_preds`.

        Raises:
          InputError: logits are not three, or of other shapes.
        """
        held = [np.asarray(one, np.float32) for one in rows]
        shapes = [list(one.shape) for one in held]
        if len(held) != len(READINGS) or any(one.ndim != 3 or len(one) != len(held[0]) for one in held):
            rule = "logits must be three arrays [B, S, V], of letters, byte-level BPE and word pieces"
            raise InputError(f"{self.name}.batch_decode", [f"{rule}, got {shapes}"])
        read = {name: self._read(name, logits) for name, logits in zip(READINGS, held, strict=True)}
        best = [
            max(range(len(read)), key=[scores[i] for _, scores in read.values()].__getitem__)
            for i in range(len(held[0]))
        ]
        ways = list(read.values())
        return {
            "generated_text": [ways[way][0][i] for i, way in enumerate(best)],
            "scores": [ways[way][1][i] for i, way in enumerate(best)],
            **{f"{name}_preds": texts for name, (texts, _) in read.items()},
        }

    def _read(self, name: str, logits: np.ndarray) -> tuple[list[str], list[float]]:
        """The texts that a way reads, up to the mark of their end, and how sure it is: 0 of those without an end."""
        ids = logits.argmax(-1)[:, 1:]
        sure = scipy.special.softmax(logits, axis=-1).max(-1)[:, 1:]
        texts = [text[: text.find(READINGS[name].mark)] for text in getattr(self, f"{name}_decode")(ids)]
        scores = []
        for row, chances in zip(ids, sure, strict=True):
            ends = np.flatnonzero(row == READINGS[name].end)
            scores.append(float(np.cumprod(chances[: ends[0] + 1])[-1]) if len(ends) else 0.0)
        return texts, scores

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """As `Processor`; and those of the further tokenizers that were read, in folders of their own."""
        paths = super().save_pretrained(directory)
        for name, tokenizer in self._held.items():
            if name != "char":
                paths += tokenizer.save_pretrained(pathlib.Path(directory) / READINGS[name].folder)
        return paths
