"""Processors of models for which every image is as many tokens, between one that begins and one that ends it."""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.groups import by_text
from jaxformers.processing.joint.placeholders import placed
from jaxformers.processing.joint.sharing import count, shares, unbroken
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

# How models were trained to look at an image and its parts; other numbers than the image processor's settings.
_PARTS = {
    "do_pan_and_scan": False,
    "pan_and_scan_min_crop_size": 256,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
}


class Gemma3(Processor):
    """A token that begins an image stands in a text for it, and for its parts if the image processor makes some."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        n = count(self, "image_seq_length", 256)
        names = ("image_token", "boi_token", "eoi_token")
        if missing := [name for name in names if not isinstance(getattr(self.tokenizer, name, None), str)]:
            raise InputError(self.name, [f"the tokenizer must name {', '.join(missing)}"])
        self.image_token, self.boi_token, eoi = (getattr(self.tokenizer, name) for name in names)
        self.full_image_sequence = f"\n\n{self.boi_token}{self.image_token * n}{eoi}\n\n"

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        return_tensors: str | None = None,
        return_mm_token_type_ids: bool = True,
        **options: Any,
    ) -> Features:
        """`pixel_values`, the tokenizer's fields, and `token_type_ids`, 1 at image tokens.

        Args:
          images: an image, a list of them in the order of their tokens, or a list for each text.
          text: a text or a list, with the token that begins an image for each image; None: nothing else.
          return_mm_token_type_ids: with token types?
          options: of both calls. `do_pan_and_scan` is off by default, whatever the image processor's settings say.

        Raises:
          InputError: neither is given, a text has more or fewer tokens than images, or tokens are cut off.
        """
        if images is None and text is None:
            raise InputError(self.name, ["text or images must be given"])
        theirs, rest = shares(self, options)
        kinds = rest.pop("return_mm_token_type_ids", return_mm_token_type_ids)
        texts = [text] if isinstance(text, str) else list(text or ())
        fields: dict[str, Any] = {}
        if images is not None:
            groups = by_text(self.name, images, texts or None, self.boi_token)
            texts = texts or [" ".join([self.boi_token] * len(group)) for group in groups]
            fields |= self.seen(groups, return_tensors=return_tensors, **{**_PARTS, **theirs})
            pieces = (self._piece(int(n)) for n in fields.pop("num_crops"))
            texts = placed(self.name, texts, self.boi_token, pieces)
        said = dict(self.read(texts, **rest))
        index = self.tokenizer.convert_tokens_to_ids(self.image_token)
        unbroken(self, texts, said["input_ids"], self.image_token, index)
        if kinds:
            said["token_type_ids"] = [[int(i == index) for i in row] for row in said["input_ids"]]
        return Features({**(said if return_tensors is None else arrays(said, return_tensors)), **fields})

    def _piece(self, parts: int) -> str:
        """What stands in a text for an image and its parts."""
        image = self.full_image_sequence
        if not parts:
            return image
        words = "and here are some crops to help you see better"  # models were trained with these
        return f"Here is the original image {image} {words} {' '.join([image] * parts)}"


class Chameleon(Processor):
    """An image token becomes the tokens of an image; texts are turns of a chat, with the token that ends them."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        n = count(self, "image_seq_length", 1024)
        usual = {"image": self.settings.get("image_token", "<image>"), "boi": "<racm3:break>", "eoi": "<eoss>"}
        held = {k: getattr(self.tokenizer, f"{k}_token", None) or v for k, v in usual.items()}
        self.image_token, self.image_start_token, self.image_end_token = held.values()
        self.full_image_sequence = f"{held['boi']}{held['image'] * n}{held['eoi']}"

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        return_tensors: str | None = "np",
        return_for_text_completion: bool = False,
        return_mm_token_type_ids: bool = False,
        **options: Any,
    ) -> Features:
        """`pixel_values` and the tokenizer's fields, arrays.

        Args:
          text: a text or a list, with an image token for each image.
          return_for_text_completion: are texts to be gone on with, rather than turns of a chat?
          return_mm_token_type_ids: also `mm_token_type_ids`, 1 at what stands for images.

        Raises:
          InputError: neither is given, the numbers of images and their tokens differ, or tokens are cut off.
        """
        if images is None and text is None:
            raise InputError(self.name, ["text or images must be given"])
        theirs, rest = shares(self, options)
        goes_on = rest.pop("return_for_text_completion", return_for_text_completion)
        kinds = rest.pop("return_mm_token_type_ids", return_mm_token_type_ids)
        kind = return_tensors or "np"
        fields = {} if images is None else dict(self.seen(images, return_tensors=kind, **theirs))
        if text is None:
            return Features(fields)
        texts = [text] if isinstance(text, str) else list(text)
        if fields:
            pieces = iter([self.full_image_sequence] * len(fields["pixel_values"]))
            texts = placed(self.name, texts, self.image_token, pieces)
        texts = texts if goes_on else [one + (self.tokenizer.sep_token or "") for one in texts]
        said = dict(self.read(texts, **rest))
        index = self.tokenizer.convert_tokens_to_ids(self.image_token)
        unbroken(self, texts, said["input_ids"], self.image_token, index)
        if kinds:
            marks = [self.image_token, self.image_start_token, self.image_end_token]
            held = set(self.tokenizer.convert_tokens_to_ids(marks))
            said["mm_token_type_ids"] = [[int(i in held) for i in row] for row in said["input_ids"]]
        return Features({**arrays(said, kind), **fields})
