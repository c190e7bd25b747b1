"""Processors of models that read words where they stand on a page: LayoutLMv2, LayoutLMv3, LayoutXLM, UDOP, BROS."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.processors import Processor
from jaxformers.tokenization import BatchEncoding


class Layout(Processor):
    """Pages with their words, which are given or, with the image processor's `apply_ocr`, read."""

    field = "pixel_values"

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        text_pair: Any = None,
        boxes: Any = None,
        word_labels: Any = None,
        return_tensors: str | None = None,
        **options: Any,
    ) -> BatchEncoding:
        """The tokenizer's fields, `bbox` and `labels` among them, and the pages' pixels.

        Args:
          images: pages.
          text, text_pair, boxes, word_labels: as the tokenizer's. Where words are read `text` is a question, or a list
            of them, and boxes and labels can not be given.
          options: of the tokenizer's call. What only the image processor knows goes there.

        With `return_overflowing_tokens` there is an image for every row.

        Raises:
          InputError: there are no images or words, boxes or labels are given where words are read, or as both parts.
        """
        ocr = bool(self.image_processor.to_dict().get("apply_ocr"))
        given = {"boxes": boxes, "word_labels": word_labels}
        problems = ["images must be given"] if images is None else []
        if ocr:
            rule = "can not be given where the image processor reads the words; pass apply_ocr=False to it for them"
            problems += [f"{name} {rule}" for name, value in given.items() if value is not None]
        elif text is None:
            problems += ["text must be given, as the image processor does not read the words (apply_ocr is off)"]
        if problems:
            raise InputError(self.name, problems)
        theirs, rest = self.sorted_options(options)
        more = rest.pop("images_kwargs", None) or {}
        rest |= rest.pop("text_kwargs", None) or {}
        seen = self.seen(images, return_tensors=return_tensors, **theirs, **more)
        if ocr:
            boxes = seen["boxes"]
            if text is None:
                text = seen["words"]
            elif text_pair is None:
                text, text_pair = [text] if isinstance(text, str) else text, seen["words"]
        out = self.read(
            text, text_pair=text_pair, boxes=boxes, word_labels=word_labels, return_tensors=return_tensors, **rest
        )
        pixels = seen["pixel_values"]
        if rest.get("return_overflowing_tokens"):
            whose = np.asarray(out["overflow_to_sample_mapping"])
            pixels = [pixels[i] for i in whose] if return_tensors is None else pixels[whose]
        out[self.field] = pixels
        return out


class LayoutOfBytes(Layout):
    """As `Layout`, of models that take the pixels as `image`."""

    field = "image"


class Udop(Layout):
    """As `Layout`, or what the model is to write."""

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, text_target: Any = None, **options: Any
    ) -> BatchEncoding:
        """As `Layout`; with `text_target`, a text or a list, the fields of that alone."""
        if text_target is None:
            return super().__call__(images, text, **options)
        return self.read(None, text_target=text_target, **self.sorted_options(options)[1])


class Bros(Processor):
    """A tokenizer alone: the model takes the words' boxes beside its fields."""

    def __call__(self, images: Any = None, text: Any = None, **options: Any) -> Features:  # type: ignore[override]
        """The tokenizer's fields of `text`."""
        if images is not None or text is None:
            raise InputError(self.name, ["text must be given, and no images"])
        return Features(self.read(text, **options))
