"""Grounding DINO's processor: names of what to look for as one text, and the words of what was found."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import post_boxes
from jaxformers.processing.images.post import array_of, sigmoid
from jaxformers.processing.processors import Processor


class GroundingDino(Processor):
    """Finds what texts name."""

    def __call__(self, images: Any = None, text: Any = None, **options: Any) -> Features:  # type: ignore[override]
        """As `Processor`.

        Args:
          text: "a cat. a dog.", a list of such texts, a list of names without a dot (["a cat", "a dog"], one text), or
            a list of lists of names.
        """
        if _names(text):
            text = _joined(text)
        elif isinstance(text, list | tuple) and all(map(_names, text)):
            text = [_joined(one) for one in text]
        return super().__call__(images, text, **options)

    def post_process_grounded_object_detection(
        self,
        outputs: Any,
        input_ids: Any = None,
        threshold: float = 0.25,
        text_threshold: float = 0.25,
        target_sizes: Any = None,
        text_labels: Any = None,
    ) -> list[dict[str, Any]]:
        """What was found in each image.

        Args:
          outputs: `logits` [B, queries, S], of every token, and `pred_boxes` [B, queries, 4].
          input_ids: [B, up to S]; None: they are in `outputs`.
          threshold: how sure a query must be of its best token.
          text_threshold: how sure it must be of a token, for that to be in its words.
          target_sizes: (height, width) of each image, for boxes in pixels.
          text_labels: of other models, and taken so that calls are alike.

        Returns:
          `scores` [N], `boxes` [N, 4] (left, top, right, bottom), and the words as `text_labels` and `labels`.

        Raises:
          InputError: a field is missing, or there are more or fewer sizes or ids than images.
        """
        chances = sigmoid(array_of(outputs, "logits"))
        ids = np.asarray(array_of(outputs, "input_ids") if input_ids is None else input_ids).astype(np.int64)
        if ids.ndim != 2 or len(ids) != len(chances):
            raise InputError(self.name, [f"input_ids must be [{len(chances)}, S], got shape {list(ids.shape)}"])
        found = []
        boxes = post_boxes.corners_of(outputs, target_sizes)
        for chance, box, row in zip(chances, boxes, ids, strict=True):
            sure = chance.max(-1) > threshold
            said = chance[sure] > text_threshold
            said[:, [0, -1]] = False
            said = said[:, : len(row)]
            words = self.batch_decode([row[one].tolist() for one in said])
            found.append({"scores": chance.max(-1)[sure], "boxes": box[sure], "text_labels": words, "labels": words})
        return found


def _names(text: Any) -> bool:
    """Is it a list of names, which have no dot?"""
    return isinstance(text, list | tuple) and all(isinstance(one, str) and "." not in one for one in text)


def _joined(names: Any) -> str:
    return ". ".join(name.strip().lower() for name in names) + "."
