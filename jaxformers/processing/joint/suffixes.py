"""PaliGemma's processor: images, what is asked about them, and the answer that the model is to write."""

from __future__ import annotations

from typing import Any

import tokenizers

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images.loading import flat
from jaxformers.processing.joint.sharing import shares, unbroken
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

IMAGE = "<image>"
PLACES = [f"<loc{i:04d}>" for i in range(1024)] + [f"<seg{i:03d}>" for i in range(128)]
_PLAIN = tokenizers.processors.TemplateProcessing("$A:0", "$A:0 $B:1", [])
_IGNORED = -100  # a label that counts for nothing


class PaliGemma(Processor):
    """A prompt has image tokens in front, then the token of the beginning, and ends its line."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        n = self.image_processor.settings.get("image_seq_length")
        if not isinstance(n, int) or n < 1:
            rule = "image_seq_length must be a whole number from 1 on, the tokens of an image"
            raise InputError(self.name, [f"{rule}, in preprocessor_config.json, got {n!r}"])
        self.image_seq_length = n
        self.image_token = getattr(self.tokenizer, "image_token", None) or IMAGE
        if self.image_token == IMAGE:
            new = tokenizers.AddedToken(IMAGE, normalized=False, special=True)
            self.tokenizer.add_special_tokens({"additional_special_tokens": [new]})
        self.tokenizer.add_tokens(PLACES)
        self.tokenizer.backend.post_processor = _PLAIN  # what stands around a prompt is put there by the call
        self.tokenizer.settings |= {"add_bos_token": False, "add_eos_token": False}

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        suffix: Any = None,
        return_tensors: str | None = None,
        return_mm_token_type_ids: bool = False,
        **options: Any,
    ) -> Features:
        """`pixel_values`, `input_ids` and a mask; with answers also `token_type_ids` and `labels`.

        Args:
          images: an image, one for each text, or a list of several for each.
          text: a prompt or a list. Where one holds `<image>`, each is that many image tokens; where none does, the
            images' tokens are put in front.
          suffix: the answer to each prompt -> token type 1, and in `labels`, int64 [S] each, all else is -100.
          return_mm_token_type_ids: also `mm_token_type_ids`, 1 at image tokens.

        Raises:
          InputError: there are no images, or not as many as texts, or image tokens are cut off.
        """
        if images is None:
            raise InputError(self.name, ["images must be given"])
        theirs, rest = shares(self, options)
        suffix = rest.pop("suffix", suffix)
        count_kinds = rest.pop("return_mm_token_type_ids", return_mm_token_type_ids)
        texts = [text or ""] if text is None or isinstance(text, str) else list(text)
        prompts = self._prompts(texts, images)
        if suffix is not None:
            suffix = [one + self.tokenizer.eos_token for one in ([suffix] if isinstance(suffix, str) else suffix)]
        pixels = self.seen(images, return_tensors=return_tensors, **theirs)["pixel_values"]
        said = dict(self.read(prompts, text_pair=suffix, return_token_type_ids=suffix is not None, **rest))
        image = self.tokenizer.convert_tokens_to_ids(self.image_token)
        unbroken(self, prompts, said["input_ids"], self.image_token, image)
        if suffix is not None:
            pairs = zip(said["input_ids"], said["token_type_ids"], strict=True)
            said["labels"] = [[i if kind else _IGNORED for i, kind in zip(*pair, strict=True)] for pair in pairs]
        if count_kinds:
            said["mm_token_type_ids"] = [[int(i == image) for i in row] for row in said["input_ids"]]
        said = said if return_tensors is None else arrays(said, return_tensors)
        return Features({**said, "pixel_values": pixels})

    def _prompts(self, texts: list[str], images: Any) -> list[str]:
        """Texts with image tokens and what stands around them."""
        bos, n = self.tokenizer.bos_token, self.image_seq_length
        if any(IMAGE in one for one in texts):
            parts = [one.replace(IMAGE, IMAGE * n).rpartition(IMAGE) for one in texts]
            return [f"{front}{token}{bos}{rest}\n" for front, token, rest in parts]
        of_texts = images if isinstance(images, list | tuple) else [images]
        if len(of_texts) != len(texts):
            raise InputError(
                self.name, [f"images must be one or a list for each text, got {len(of_texts)} for {len(texts)}"]
            )
        counts = [len(flat(one)) if isinstance(one, list | tuple) else 1 for one in of_texts]
        return [f"{IMAGE * (n * k)}{bos}{one}\n" for k, one in zip(counts, texts, strict=True)]
