"""Processors of models that look for what texts or other images show: OWL-ViT, OWLv2, CLIPSeg."""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.processors import Processor


class Owl(Processor):
    """Several texts an image, or images of what to look for."""

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        query_images: Any = None,
        return_tensors: str | None = "np",
        **options: Any,
    ) -> Features:
        """`pixel_values`, and `input_ids` and `attention_mask` [texts, S] or `query_pixel_values`.

        Args:
          text: a text, a list, or a list of texts for each image; shorter ones are filled up with " ".
          query_images: images of what to look for; they take the place of texts.
          options: as `Processor`; texts are padded to the model's longest input.

        Raises:
          InputError: nothing is given, or as `Processor`.
        """
        if text is None and images is None and query_images is None:
            raise InputError(self.name, ["text, images or query_images must be given"])
        theirs = self.sorted_options(options)[0]
        fields: dict[str, Any] = {}
        if query_images is not None:
            looked = self.seen(
                query_images, return_tensors=return_tensors, **theirs, **(options.get("images_kwargs") or {})
            )
            fields["query_pixel_values"] = looked["pixel_values"]
            text = None
        if text is not None or images is not None:
            fields |= super().__call__(images, text, return_tensors=return_tensors, **options)
        return Features(fields)

    def read(self, text: Any, **options: Any) -> Any:
        """The fields of texts, those of all images one behind the other."""
        if isinstance(text, str):
            text = [text]
        elif len(text) and all(isinstance(one, list | tuple) for one in text):
            most = max(map(len, text))
            text = [query for one in text for query in [*one, *[" "] * (most - len(one))]]
        return super().read(text, **options)


class CLIPSeg(Processor):
    """Texts, or images that show what to segment."""

    def __call__(  # type: ignore[override]
        self,
        text: Any = None,
        images: Any = None,
        visual_prompt: Any = None,
        return_tensors: str | None = None,
        **options: Any,
    ) -> Features:
        """As `Processor`; of `visual_prompt`, an image or a list, `conditional_pixel_values`.

        Raises:
          InputError: nothing is given, or both texts and `visual_prompt`.
        """
        if text is not None and visual_prompt is not None:
            raise InputError(self.name, ["text or visual_prompt must be given, not both"])
        if text is None and images is None and visual_prompt is None:
            raise InputError(self.name, ["text, images or visual_prompt must be given"])
        fields: dict[str, Any] = {}
        if text is not None or images is not None:
            fields |= super().__call__(images, text, return_tensors=return_tensors, **options)
        if visual_prompt is not None:
            shown = super().__call__(visual_prompt, return_tensors=return_tensors, **options)
            fields["conditional_pixel_values"] = shown["pixel_values"]
        return Features(fields)
