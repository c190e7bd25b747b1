"""KOSMOS-2's processor: an image in front of a text, and boxes of the things that the text names."""

from __future__ import annotations

import math
from typing import Any

import tokenizers

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint import entities
from jaxformers.processing.joint.sharing import count, shares
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

_USUAL = 64  # tokens of an image
_OWN = ("bboxes", "num_image_tokens", "first_image_token_id")
_MASK = "image_embeds_position_mask"


class Kosmos2(Processor):
    """Texts with an image each, whose phrases may have boxes."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        n = count(self, "num_patch_index_tokens", 1024)
        self.side = math.isqrt(n)
        names = [*entities.TAGS, *map(entities.place, range(n))]
        self.tokenizer.add_tokens([tokenizers.AddedToken(name, lstrip=True, normalized=False) for name in names])

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """`pixel_values`, the tokenizer's fields, and of both together `image_embeds_position_mask`, 1 at the image.

        Args:
          images, text: an image and a text, or as many images as texts, in lists.
          bboxes: of each text a list with an entry for each `<phrase>...</phrase>`: None, a box, or a list of boxes.
            A box is a tuple of (left, top, right, bottom) as parts of the image, or of the numbers of two patches.
          num_image_tokens: how many tokens an image has, 64 by default.
          first_image_token_id: the first of their ids; that behind the unknown token's by default.
          add_eos_token: end the text?
          padding: texts of a list beside images are padded to the longest at least.

        Raises:
          InputError: neither is given, numbers of images, texts, boxes or phrases differ, or boxes can not be.
        """
        if images is None and text is None:
            raise InputError(self.name, ["text or images must be given"])
        theirs, rest = shares(self, options)
        own = {k: v for k, v in {**theirs, **rest}.items() if k in _OWN and v is not None}
        theirs, rest = ({k: v for k, v in options.items() if k not in _OWN} for options in (theirs, rest))
        n = own.get("num_image_tokens", _USUAL)
        if not isinstance(n, int) or n < 1:
            raise InputError(self.name, [f"num_image_tokens must be a whole number from 1 on, got {n!r}"])
        fields = {} if images is None else dict(self.seen(images, return_tensors=return_tensors, **theirs))
        if text is None:
            return Features(fields)
        ends, special = rest.pop("add_eos_token", False), rest.pop("add_special_tokens", True)
        texts = self.preprocess_examples(text, images, own.get("bboxes"), n)
        if special and not ends:
            bos = self.tokenizer.bos_token
            texts = bos + texts if isinstance(texts, str) else [bos + one for one in texts]
        rest["add_special_tokens"] = special and ends
        if images is None:
            return Features(self.read(texts, return_tensors=return_tensors, **rest))
        said = dict(self.read(texts, **{**rest, "padding": False}))
        first = own.get("first_image_token_id", self.tokenizer.unk_token_id + 1)
        return Features({**fields, **self._placed(texts, said, bool(special), first, n, rest, return_tensors)})

    def _placed(
        self, texts: Any, said: dict[str, Any], begins: bool, first: int, n: int, rest: Any, kind: str | None
    ) -> dict[str, Any]:
        """The fields of texts beside images: ids of the image's tokens in their places, padded."""
        one = isinstance(texts, str)
        start = begins + 1
        names = [k for k in ("input_ids", "attention_mask") if k in said]
        rows: dict[str, Any] = {k: [said[k]] if one else said[k] for k in names}
        image = list(range(first, first + n))
        rows["input_ids"] = [row[:start] + image + row[start + n :] for row in rows["input_ids"]]
        rows[_MASK] = [[0] * start + [1] * n + [0] * (len(row) - start - n) for row in rows["input_ids"]]
        if not one:
            longest = max(range(len(texts)), key=lambda i: len(rows["input_ids"][i]))
            length = len(self.read([texts[longest]], **rest)["input_ids"][0])
            left = self.tokenizer.padding_side == "left"
            for name, value in rows.items():
                fill = self.tokenizer.pad_token_id if name == "input_ids" else 0
                more = [[fill] * (length - len(row)) for row in value]
                rows[name] = [m + row if left else row + m for m, row in zip(more, value, strict=True)]
        if kind is not None:
            return {**said, **arrays(rows, kind)}
        return {**said, **({k: v[0] for k, v in rows.items()} if one else rows)}

    def preprocess_examples(
        self, texts: Any, images: Any = None, bboxes: Any = None, num_image_tokens: int = 64
    ) -> Any:
        """A text, or a list of them, with tokens of its image in front and tokens of boxes behind its phrases.

        Args:
          texts, images, bboxes, num_image_tokens: as the call takes them.
        """
        one = isinstance(texts, str)
        rows = [texts] if one else list(texts)
        seen = [None] * len(rows) if images is None else images if isinstance(images, list) else [images]
        boxes = [bboxes] if one else [None] * len(rows) if bboxes is None else bboxes
        if not isinstance(boxes, list) or not len(rows) == len(seen) == len(boxes):
            got = f"{len(rows)}, {len(seen)} and {len(boxes) if isinstance(boxes, list) else type(boxes).__name__}"
            raise InputError(self.name, [f"texts, images and bboxes must be equally many, got {got}"])
        front = " ".join(["<image>"] * (num_image_tokens + 1)) + " </image> "
        out = []
        for row, image, box in zip(rows, seen, boxes, strict=True):
            out.append(self._boxed(("" if image is None else front) + row.strip(), box))
        return out[0] if one else out

    def _boxed(self, text: str, boxes: Any) -> str:
        """A text with tokens behind its phrases."""
        if boxes is not None and not isinstance(boxes, list):
            raise InputError(self.name, [f"bboxes must be a list for each text, got {boxes!r:.80}"])
        if not boxes:
            return text
        phrases = list(entities.PHRASE.finditer(text))
        if len(phrases) != len(boxes):
            got = f"{len(boxes)} for {len(phrases)} in {text!r:.80}"
            raise InputError(self.name, [f"bboxes must be one for each <phrase>...</phrase>, got {got}"])
        out, at = [], 0
        for phrase, given in zip(phrases, boxes, strict=True):
            out.append(text[at : phrase.end()])
            at = phrase.end()
            several = given if isinstance(given, list) else [] if given is None else [given]
            for box in several:
                self._check(box)
            out += [entities.tokens_of(several, self.side)] if several else []
        return "".join([*out, text[at:]])

    def _check(self, box: Any) -> None:
        """Raises InputError if it is no box."""
        kinds = {2: int, 4: float}
        fits = isinstance(box, tuple) and len(box) in kinds and all(isinstance(x, kinds[len(box)]) for x in box)
        if not fits or (len(box) == 4 and not (box[2] > box[0] and box[3] > box[1])):
            rule = "a tuple of two whole numbers, or of four floats (left, top, right, bottom) that span an area"
            raise InputError(self.name, [f"a box must be {rule}, got {box!r}"])

    def post_process_generation(self, text: str, cleanup_and_extract: bool = True) -> Any:
        """What a model wrote behind the image: the text, and its things with their boxes.

        Returns:
          the text without tags, and of each thing its name, (start, end) in the text and boxes (left, top, right,
          bottom) as parts of the image; without `cleanup_and_extract` the text with its tags alone.
        """
        caption = text.split("</image>")[-1]
        return entities.read(caption, self.side) if cleanup_and_extract else caption

    def post_process_image_text_to_text(
        self, generated_outputs: Any, skip_special_tokens: bool = True, **options: Any
    ) -> list[str]:
        """What stands behind the images in rows of ids [B, S]."""
        texts = self.batch_decode(generated_outputs, skip_special_tokens=skip_special_tokens, **options)
        return [self.post_process_generation(text, cleanup_and_extract=False) for text in texts]
