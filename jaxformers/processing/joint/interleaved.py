"""IDEFICS' processor: prompts in which texts and images stand as they come."""

from __future__ import annotations

import urllib.parse
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.tensors import arrays

IMAGE, AROUND, END = "<image>", "<fake_token_around_image>", "<end_of_utterance>"


class Idefics(Processor):
    """Prompts are lists of texts, images and addresses of images."""

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        return_tensors: str | None = "np",
        add_eos_token: bool = False,
        add_end_of_utterance_token: bool | None = None,
        **options: Any,
    ) -> Features:
        """`input_ids` and `attention_mask` [B, S], `pixel_values` [B, N, C, H, W], `image_attention_mask` [B, S, N].

        N is the most images of a prompt; prompts with fewer have black ones behind. A token attends to the last image
        before it in its own document.

        Args:
          text: a prompt or a list of them. A prompt is a list of texts and images; texts that are URLs are images.
          images: one for each text, in front of it; or a list of images for each text, behind it. `text` is then a
            text or a list.
          return_tensors: "np" or "jax"; there are always arrays.
          add_eos_token: end the prompts?
          add_end_of_utterance_token: between texts that follow each other; by default, if the tokenizer has it.

        Raises:
          InputError: there is no text, images and texts are not equally many, or as both parts.
        """
        theirs, rest = shares(self, options)
        ends = rest.pop("add_eos_token", add_eos_token)
        apart = rest.pop("add_end_of_utterance_token", add_end_of_utterance_token)
        if apart is None:
            apart = END in self.tokenizer.special_tokens_map.get("additional_special_tokens", ())
        found = [self._prompt(one, ends, apart) for one in self._samples(images, text)]
        usual = {"add_special_tokens": False, "padding": "longest", **rest}
        ids = arrays(dict(self.read([words for words, _ in found], **usual)), "np")
        most = max(1, *(len(seen) for _, seen in found))
        side = self.image_processor.image_size
        pixels = np.zeros((len(found), most, self.image_processor.image_num_channels, side, side), np.float32)
        made = [self.seen(seen, **theirs)["pixel_values"] if seen else [] for _, seen in found]
        image = self.tokenizer.convert_tokens_to_ids(IMAGE)
        if shapes := {x.shape for one in made for x in one}:
            pixels = np.zeros((len(found), most, *max(shapes)), np.float32)
        for row, one, said in zip(pixels, made, ids["input_ids"], strict=True):
            for k in range(min(len(one), int((said == image).sum()))):
                row[k] = one[k]
        mask = np.zeros((*ids["input_ids"].shape, 1), bool)
        if shapes:
            last = last_image(ids["input_ids"], image, self.tokenizer.eos_token_id)
            mask = (last[..., None] == np.arange(most)).astype(np.int64)
        fields = {**ids, "pixel_values": pixels, "image_attention_mask": mask}
        return Features({k: list(v) for k, v in fields.items()}, return_tensors or "np")

    def _samples(self, images: Any, text: Any) -> list[Any]:
        """Prompts as lists of texts and images."""
        if text is None:
            raise InputError(self.name, ["text must be given"])
        texts = [text] if isinstance(text, str) else list(text)
        if images is None:
            return texts if any(isinstance(one, list | tuple) for one in texts) else [texts]
        seen = list(images) if isinstance(images, list | tuple) else [images]
        if len(seen) != len(texts) or not all(isinstance(one, str) for one in texts):
            problem = f"images must be one or a list for each of the texts, got {len(seen)} for {len(texts)}"
            raise InputError(self.name, [problem])
        if isinstance(seen[0], list | tuple):
            return [[one, *several] for one, several in zip(texts, seen, strict=True)]
        return list(zip(seen, texts, strict=True))

    def _prompt(self, sample: Any, ends: bool, apart: bool) -> tuple[str, list[Any]]:
        """The text of a prompt, with tokens for its images, and the images."""
        words, images = [self.tokenizer.bos_token], []
        before = ""
        for one in [sample] if isinstance(sample, str) else sample:
            item = one.strip(" ") if isinstance(one, str) else one
            if isinstance(item, str) and not _url(item):
                words += [END] * (apart and before == "text") + [item]
                before = "text"
            else:
                words += [AROUND] * (before != "image") + [IMAGE, AROUND]
                images.append(item)
                before = "image"
        return "".join(words + [self.tokenizer.eos_token] * bool(ends)), images


def last_image(ids: np.ndarray, image: int, end: int) -> np.ndarray:
    """The number of the last image at or before each of ids [B, S]; -1 if there is none, or its document has ended."""
    at = np.arange(ids.shape[1])
    seen = np.maximum.accumulate(np.where(ids == image, at, -1), 1)
    ended = np.maximum.accumulate(np.where(ids == end, at, -1), 1)
    ended = np.pad(ended, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]  # an end is in its document
    return np.where(ended > seen, -1, (ids == image).cumsum(1) - 1)


def _url(text: str) -> bool:
    """Is a text the address of an image?"""
    if " " in text:
        return False
    try:
        parts = urllib.parse.urlparse(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)
