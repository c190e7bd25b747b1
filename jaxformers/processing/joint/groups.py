"""Processors of models that read groups of images, one for each text: Idefics2, Idefics3, SmolVLM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import tokenizers

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images.loading import is_image
from jaxformers.processing.joint.placeholders import placed
from jaxformers.processing.joint.sharing import count, shares, unbroken
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

IMAGE, AROUND, END, GLOBAL = "<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>"


def by_text(name: str, images: Any, texts: list[str] | None, token: str) -> list[list[Any]]:
    """Images by text: a list for each, or images in the order of their tokens.

    Raises:
      InputError: a text has more or fewer tokens than images.
    """
    several = [images] if is_image(images) else list(images)
    counts = None if texts is None else [text.count(token) for text in texts]
    if any(isinstance(one, list | tuple) for one in several):
        groups = [list(one) for one in several]
    elif counts is None or sum(counts) != len(several):
        groups = [several]
    else:
        ends = np.cumsum(counts).tolist()
        groups = [several[end - n : end] for n, end in zip(counts, ends, strict=True)]
    if counts is not None and (held := [len(group) for group in groups]) != counts:
        problem = f"texts must hold {token!r} once for each image, got {counts} for {held} images"
        raise InputError(name, [problem])
    return groups


class Idefics2(Processor):
    """Each image token in a text becomes the tokens of an image, with a token around them."""

    usual_length = 64  # tokens of an image
    added: ClassVar[tuple[tuple[str, ...], ...]] = ((AROUND, IMAGE), (END,))  # special tokens, one list after another
    more: ClassVar[dict[str, Any]] = {}  # options of the image processor's call

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.image_seq_len = count(self, "image_seq_len", self.usual_length)
        self.image_token = getattr(self.tokenizer, "image_token", None) or IMAGE
        self.fake_image_token = getattr(self.tokenizer, "fake_image_token", None) or AROUND
        for names in () if self.name == "SmolVLMProcessor" else self.added:
            new = [tokenizers.AddedToken(name, normalized=False, special=True) for name in names]
            self.tokenizer.add_special_tokens({"additional_special_tokens": new})

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        image_seq_len: int | None = None,
        return_tensors: str | None = None,
        return_mm_token_type_ids: bool = False,
        **options: Any,
    ) -> Features:
        """The image processor's fields, of a group for each text, and the tokenizer's.

        Args:
          images: an image, a list of them in the order of their tokens, or a list for each text.
          text: a text or a list, with an image token for each image.
          image_seq_len: tokens of an image, for this call.
          return_mm_token_type_ids: also `mm_token_type_ids`, 1 at what stands for images.

        Raises:
          InputError: neither is given, a text has more or fewer tokens than images, or tokens are cut off.
        """
        if images is None and text is None:
            raise InputError(self.name, ["text or images must be given"])
        theirs, rest = shares(self, options)
        length = theirs.pop("image_seq_len", image_seq_len) or self.image_seq_len
        kinds = rest.pop("return_mm_token_type_ids", return_mm_token_type_ids)
        texts = None if text is None else [text] if isinstance(text, str) else list(text)
        fields: dict[str, Any] = {}
        if images is not None:
            groups = by_text(self.name, images, texts, self.image_token)
            fields |= self.seen(groups, return_tensors=return_tensors, **self.more, **theirs)
        cuts = [fields.pop(k, None) for k in ("rows", "cols")]
        if texts is None:
            return Features(fields)
        if images is not None:
            pieces = [self.texts_of(cut, length) for cut in self._cuts(texts, *cuts)]
            texts = [self.joined(one, piece) for one, piece in zip(texts, pieces, strict=True)]
        elif n := sum(one.count(self.image_token) for one in texts):
            raise InputError(self.name, [f"images must be given for the {n} image tokens of the texts"])
        said = dict(self.read(texts, **rest))
        index = self.tokenizer.convert_tokens_to_ids(self.image_token)
        unbroken(self, texts, said["input_ids"], self.image_token, index)
        if kinds:
            said["mm_token_type_ids"] = self._kinds(said["input_ids"], self._cuts(texts, *cuts))
        return Features({**(said if return_tensors is None else arrays(said, return_tensors)), **fields})

    def _cuts(self, texts: Sequence[str], rows: Any, columns: Any) -> list[list[tuple[int, int]]]:
        """Of each text's images the rows and columns of squares."""
        if rows is None:
            return [[(0, 0)] * text.count(self.image_token) for text in texts]
        return [list(zip(*one, strict=True)) for one in zip(rows, columns, strict=True)]

    def texts_of(self, cuts: list[tuple[int, int]], length: int) -> Iterator[str]:
        """What stands in a text for each image."""
        around = self.fake_image_token
        one = f"{around}{self.image_token * length}{around}"
        return iter([one * (5 if self.image_processor.do_image_splitting else 1)] * len(cuts))

    def joined(self, text: str, pieces: Iterator[str]) -> str:
        """A text with its images' pieces; between images that touch stands one token."""
        twice = self.fake_image_token * 2
        return placed(self.name, [text], self.image_token, pieces)[0].replace(twice, self.fake_image_token)

    def _kinds(self, rows: list[list[int]], cuts: list[list[tuple[int, int]]]) -> list[list[int]]:
        """1 at image tokens."""
        index = self.tokenizer.convert_tokens_to_ids(self.image_token)
        return [[int(i == index) for i in row] for row in rows]


class Idefics3(Idefics2):
    """As `Idefics2`; an image is its squares, row by row, and the whole."""

    usual_length = 169
    added = ((AROUND, IMAGE, END),)
    more = {"return_row_col_info": True}

    def texts_of(self, cuts: list[tuple[int, int]], length: int) -> Iterator[str]:
        around, image = self.fake_image_token, self.image_token * length
        whole = f"{around}{GLOBAL}{image}{around}"
        for rows, columns in cuts:
            lines = [
                "".join(f"{around}<row_{i + 1}_col_{j + 1}>{image}" for j in range(columns)) + "\n"
                for i in range(rows)
            ]
            yield "".join(lines) + "\n" * bool(lines) + whole

    def joined(self, text: str, pieces: Iterator[str]) -> str:
        return placed(self.name, [text], self.image_token, pieces)[0]

    def _kinds(self, rows: list[list[int]], cuts: list[list[tuple[int, int]]]) -> list[list[int]]:
        """1 from the first token of an image to its last, as many as it has where the end of a line is one token."""
        index, n = self.tokenizer.convert_tokens_to_ids(self.fake_image_token), self.image_seq_len
        out = []
        for row, of_text in zip(rows, cuts, strict=True):
            starts = np.flatnonzero(np.asarray(row) == index)
            kinds, at = np.zeros(len(row), np.int64), 0
            for lines, columns in of_text:
                if at < len(starts):
                    end = starts[at] + n + 3 + ((n + 2) * columns + 1) * lines
                    kinds[starts[at] : end] = 1
                    at = int(np.searchsorted(starts, end))
            out.append(kinds.tolist())
        return out
