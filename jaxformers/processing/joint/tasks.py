"""OneFormer's processor: what to look for, and what is in an image, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.sharing import count
from jaxformers.processing.processors import Processor

_LONGEST = 77


class OneFormer(Processor):
    """An image processor that takes tasks, and a tokenizer for its texts."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.task_seq_length = count(self, "task_seq_length", _LONGEST)
        self.max_seq_length = count(self, "max_seq_length", _LONGEST)

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        task_inputs: Any = None,
        segmentation_maps: Any = None,
        return_tensors: str | None = None,
        **options: Any,
    ) -> Features:
        """The image processor's fields, with ids in the place of texts, 0 where there is no token.

        Args:
          task_inputs: "semantic", "instance" or "panoptic", for each image -> int64 [B, task_seq_length].
          segmentation_maps: as the image processor takes them -> also `text_inputs`, int64 [B, N, max_seq_length].
          options: of the image processor's call.

        Raises:
          InputError: images or tasks are missing, or as the image processor.
        """
        missing = [
            f"{k} must be given" for k, v in {"images": images, "task_inputs": task_inputs}.items() if v is None
        ]
        if missing:
            raise InputError(self.name, missing)
        given = {"task_inputs": task_inputs, "segmentation_maps": segmentation_maps}
        fields = dict(self.seen(images, return_tensors=return_tensors, **given, **options))
        made = {"task_inputs": list(self._ids(fields.pop("task_inputs"), self.task_seq_length))}
        if "text_inputs" in fields:
            made["text_inputs"] = [self._ids(texts, self.max_seq_length) for texts in fields.pop("text_inputs")]
        return Features({**fields, **Features(made, return_tensors)})

    def _ids(self, texts: list[str], length: int) -> np.ndarray:
        """Ids [N, length] of texts, int64."""
        out = self.read(texts, padding="max_length", max_length=length, truncation=True, return_tensors="np")
        return out["input_ids"] * out["attention_mask"]
