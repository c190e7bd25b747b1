"""Mllama's processor: texts whose tokens attend to the images before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.groups import by_text
from jaxformers.processing.joint.sharing import shares, unbroken
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays


class Mllama(Processor):
    """Images by text, and which of them each token attends to."""

    cleans = False

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.image_token = getattr(self.tokenizer, "image_token", None) or "<|image|>"

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """The image processor's fields and the tokenizer's; and `cross_attention_mask`, int64 [S, N, tiles] a text.

        Args:
          images: an image, a list of them in the order of their tokens, or a list for each text.
          text: a text or a list, with an image token for each image; the token of the beginning is put behind the
            first ones, unless a text has it.

        Raises:
          InputError: neither is given, a text has more or fewer tokens than images, only some of the texts have
            images, or tokens are cut off.
        """
        if images is None and text is None:
            raise InputError(self.name, ["text or images must be given"])
        theirs, rest = shares(self, options)
        rest.pop("padding_side", None)  # as the tokenizer's settings say it
        texts = None if text is None else [text] if isinstance(text, str) else list(text)
        groups = None if images is None else by_text(self.name, images, texts, self.image_token)
        said: dict[str, Any] = {}
        if texts is not None:
            said = self._said(texts, groups, rest)
        if groups is None:
            return Features(said if return_tensors is None else arrays(said, return_tensors))
        fields = dict(self.seen(groups, return_tensors=return_tensors, **theirs))
        tiles = fields.pop("num_tiles")
        if texts is not None:
            most = theirs.get("max_image_tiles") or self.image_processor.max_image_tiles
            masks = list(self._mask(said["input_ids"], tiles, most))
            fields |= Features({"cross_attention_mask": masks}, return_tensors)
        return Features({**(said if return_tensors is None else arrays(said, return_tensors)), **fields})

    def _said(self, texts: list[str], groups: Any, options: dict[str, Any]) -> dict[str, Any]:
        """The tokenizer's fields of texts."""
        held = [text.count(self.image_token) for text in texts]
        if any(held) and not all(held):
            raise InputError(self.name, [f"either all texts must have images or none, got {held}"])
        if any(held) and groups is None:
            raise InputError(self.name, [f"images must be given for the {sum(held)} image tokens of the texts"])
        texts = [self._begun(text) for text in texts]
        said = dict(self.read(texts, **options))
        index = self.tokenizer.convert_tokens_to_ids(self.image_token)
        unbroken(self, texts, said["input_ids"], self.image_token, index)
        return said

    def _begun(self, text: str) -> str:
        bos = self.tokenizer.bos_token
        if bos in text:
            return text
        rest = text
        while rest.startswith(self.image_token):
            rest = rest[len(self.image_token) :]
        return f"{text[: len(text) - len(rest)]}{bos}{rest}"

    def _mask(self, rows: Sequence[Sequence[int]], tiles: Sequence[Sequence[int]], most: int) -> np.ndarray:
        """1 where a token attends to a tile: int64 [B, S, N, most]."""
        index = self.tokenizer.convert_tokens_to_ids(self.image_token)
        spans = [seen_from(row, index) for row in rows]
        shape = len(rows), max(map(len, rows)), max(map(len, spans)), most
        mask = np.zeros(shape, np.int64)
        for b, (of_row, numbers) in enumerate(zip(spans, tiles, strict=True)):
            for n, ((start, end), number) in enumerate(zip(of_row, numbers, strict=False)):
                mask[b, start:end, n, :number] = 1
        return mask


def seen_from(row: Sequence[int], image: int) -> list[tuple[int, int | None]]:
    """From where to where tokens attend to each image: to the next one, or that behind images that touch."""
    places = [i for i, token in enumerate(row) if token == image]
    ends: list[int | None] = [*places[1:], None if len(places) == 1 else len(row)]
    for k in reversed(range(len(places) - 1)):
        if places[k] == places[k + 1] - 1:
            ends[k] = ends[k + 1]
    return list(zip(places, ends, strict=True)) if places else []
