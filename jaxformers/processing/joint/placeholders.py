"""Processors of models that put as many tokens in a text as an image takes: LLaVA, LLaVA-NeXT, Pixtral."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images.grids import best_size
from jaxformers.processing.joint.sharing import count, shares, unbroken
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays


class Placeholders(Processor, abc.ABC):
    """Each image token in a text stands for an image, and becomes as many tokens as the model makes of it."""

    token = "<image>"
    usual_kind: str | None = None  # of what is returned, if the call does not say
    hidden: tuple[str, ...] = ()  # fields of images that are not returned

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.image_token = getattr(self.tokenizer, "image_token", None) or self.settings.get("image_token", self.token)

    @property
    def marks(self) -> tuple[str, ...]:
        """The tokens that stand for an image."""
        return (self.image_token,)

    @property
    def counted(self) -> tuple[str, ...]:
        """The tokens that must not be cut off."""
        return (self.image_token,)

    @abc.abstractmethod
    def expanded(self, texts: list[str], fields: Mapping[str, Any]) -> list[str]:
        """Texts with what stands for images in the place of their tokens."""

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        return_tensors: str | None = None,
        return_mm_token_type_ids: bool = False,
        **options: Any,
    ) -> Features:
        """The image processor's fields and the tokenizer's.

        Args:
          images: images in the order of their tokens.
          text: a text or a list, with an image token for each image.
          return_mm_token_type_ids: also `mm_token_type_ids`, 1 at what stands for images.
          options: of both calls.

        Raises:
          InputError: neither is given, or there are fewer or more images than tokens, or tokens are cut off.
        """
        if images is None and text is None and options.get("videos") is None:
            raise InputError(self.name, ["text or images must be given"])
        kind = return_tensors or self.usual_kind
        theirs, rest = shares(self, options)
        kinds = rest.pop("return_mm_token_type_ids", return_mm_token_type_ids)
        fields = self.look(images, kind, theirs)
        if text is None:
            return Features({k: v for k, v in fields.items() if k not in self.hidden})
        said = self._said(text, fields, kinds, kind, rest)
        return Features({**said, **{k: v for k, v in fields.items() if k not in self.hidden}})

    def look(self, images: Any, kind: str | None, options: dict[str, Any]) -> dict[str, Any]:
        """The fields of images, if there are any."""
        return {} if images is None else dict(self.seen(images, return_tensors=kind, **options))

    def _said(self, text: Any, fields: Mapping[str, Any], kinds: bool, kind: str | None, rest: Any) -> dict[str, Any]:
        """The tokenizer's fields of texts."""
        texts = [text] if isinstance(text, str) else list(text)
        texts = self.expanded(texts, fields) if fields else texts
        said = dict(self.read(texts, **rest))
        for token in self.counted:
            unbroken(self, texts, said["input_ids"], token, self.tokenizer.convert_tokens_to_ids(token))
        if kinds:
            marks = set(self.tokenizer.convert_tokens_to_ids(list(self.marks)))
            said["mm_token_type_ids"] = [[int(i in marks) for i in row] for row in said["input_ids"]]
        return said if kind is None else arrays(said, kind)


class Pieces(Placeholders):
    """What stands for an image differs from one to the next."""

    @abc.abstractmethod
    def texts_of(self, fields: Mapping[str, Any]) -> Iterator[str]:
        """What stands in a text for each image."""

    def expanded(self, texts: list[str], fields: Mapping[str, Any]) -> list[str]:
        return placed(self.name, texts, self.image_token, self.texts_of(fields))


def placed(name: str, texts: list[str], token: str, pieces: Iterator[str], what: str = "images") -> list[str]:
    """Texts with a piece in the place of each token; `what` they stand for.

    Raises:
      InputError: there are fewer or more pieces than tokens.
    """
    held = list(pieces)
    wanted = sum(text.count(token) for text in texts)
    if wanted != len(held):
        raise InputError(name, [f"texts must hold {token!r} for each of {len(held)} {what}, got {wanted}"])
    left = iter(held)
    out = []
    for text in texts:
        first, *more = text.split(token)
        out.append(first + "".join(next(left) + part for part in more))
    return out


class Llava(Placeholders):
    """Every image is as many tokens as the others; there may be more images than tokens."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.patch = count(self, "patch_size", 0)

    def expanded(self, texts: list[str], fields: Mapping[str, Any]) -> list[str]:
        h, w = fields["pixel_values"][0].shape[-2:]
        n = (h // self.patch) * (w // self.patch) + self.settings.get("num_additional_image_tokens", 0)
        n -= self.settings.get("vision_feature_select_strategy") == "default"
        return [text.replace(self.image_token, self.image_token * n) for text in texts]


class LlavaNext(Pieces):
    """An image is its whole and, row by row, the tiles that are not border, each row with an end."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.patch = count(self, "patch_size", 0)

    def texts_of(self, fields: Mapping[str, Any]) -> Iterator[str]:
        h, w = fields["pixel_values"][0].shape[-2:]
        more = self.settings.get("num_additional_image_tokens", 0)
        more -= self.settings.get("vision_feature_select_strategy") == "default"
        for size in fields["image_sizes"]:
            height, width = int(size[0]), int(size[1])
            best = best_size(height, width, self.image_processor.image_grid_pinpoints)
            whole = h // self.patch * (best[0] // h), w // self.patch * (best[1] // w)
            rows, columns = without_border(height, width, *whole)
            yield self.image_token * (rows * (columns + 1) + (h // self.patch) * (w // self.patch) + more)


def without_border(height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    """Of rows and columns of patches those that an image of height x width covers in the middle."""
    if width / height > columns / rows:
        rows -= (rows - int(round(height * (columns / width), 7))) // 2 * 2
    else:
        columns -= (columns - int(round(width * (rows / height), 7))) // 2 * 2
    return rows, columns


class Pixtral(Pieces):
    """An image is its rows of patches, each with a token of its end; there are always arrays."""

    token = "[IMG]"
    usual_kind = "np"

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.image_token = self.settings.get("image_token", self.token)
        self.image_break_token = self.settings.get("image_break_token", "[IMG_BREAK]")
        self.image_end_token = self.settings.get("image_end_token", "[IMG_END]")
        self.patch = count(self, "patch_size", 16) * count(self, "spatial_merge_size", 1)

    @property
    def marks(self) -> tuple[str, ...]:
        return self.image_token, self.image_break_token, self.image_end_token

    def seen(self, what: Any, **options: Any) -> Features:
        """The fields of images, in patches of the processor's own size."""
        return super().seen(what, patch_size=self.patch, **options)

    def texts_of(self, fields: Mapping[str, Any]) -> Iterator[str]:
        for size in fields["image_sizes"]:
            row = self.image_token * (int(size[1]) // self.patch)
            yield self.image_break_token.join([row] * (int(size[0]) // self.patch)) + self.image_end_token
