"""Processors that say how many patches there are: Pix2Struct's, of pages with questions above, and SigLIP 2's."""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.processors import Processor

_PATCHES = 2048


class Pix2Struct(Processor):
    """Text beside images is what the model writes, or with the image processor's `is_vqa` a question about them."""

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, return_tensors: str | None = None, **options: Any
    ) -> Features:
        """`flattened_patches` and their `attention_mask`; of text `decoder_input_ids` and `decoder_attention_mask`.

        A text alone gives the tokenizer's own fields. A question, or one for each image, is printed above the images
        unless `header_text` is given.

        Args:
          options: of both calls. There are 2048 patches by default, whatever the image processor's `max_patches` is;
            `font_path` or `font_bytes` is the font of questions.

        Raises:
          InputError: neither is given, or only a question.
        """
        asks = bool(self.other.is_vqa)
        if images is None and (text is None or asks):
            raise InputError(self.name, [f"{'images' if asks else 'text or images'} must be given"])
        theirs, rest = shares(self, options)
        said = {} if text is None or asks else self.read(text, return_tensors=return_tensors, **rest)
        if images is None:
            return Features(said)
        if asks and text is not None:
            theirs.setdefault("header_text", text)
        fields = self.seen(images, return_tensors=return_tensors, **{"max_patches": _PATCHES, **theirs})
        return Features({**{f"decoder_{k}" if k in _WRITTEN else k: v for k, v in said.items()}, **fields})


_WRITTEN = ("input_ids", "attention_mask")


class Siglip2(Processor):
    """Texts, and images in 256 patches of 16 x 16 by default, whatever the image processor's settings say."""

    def seen(self, what: Any, **options: Any) -> Features:
        """The fields of images."""
        return super().seen(what, **{"max_num_patches": 256, "patch_size": 16, **options})
