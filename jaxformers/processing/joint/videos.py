"""Processors of videos beside text: X-CLIP's, and TVP's, which finds when something happens."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.processors import Processor


class Videos(Processor):
    """A tokenizer beside what prepares videos."""

    def __call__(  # type: ignore[override]
        self, images: Any = None, text: Any = None, videos: Any = None, **options: Any
    ) -> Features:
        """As `Processor`.

        Args:
          images, videos: a video or a list of them, by either name.

        Raises:
          InputError: both names are used, or as `Processor`.
        """
        if images is not None and videos is not None:
            raise InputError(self.name, ["images or videos must be given, not both: they are two names for one"])
        return super().__call__(videos if images is None else images, text, **options)


class Tvp(Videos):
    """Also reads when in a video it happens."""

    def post_process_video_grounding(self, logits: Any, video_durations: float) -> tuple[float, float]:
        """When it starts and ends in the first video, in the unit of `video_durations`, to one decimal.

        Args:
          logits: [B, 2], parts of the video.
          video_durations: how long the video is.

        Raises:
          InputError: an array of another shape.
        """
        x = np.asarray(logits)
        if x.ndim != 2 or x.shape[1] != 2 or not len(x):
            raise InputError(self.name, [f"logits must be [B, 2], got shape {list(x.shape)}"])
        start, end = (round(part * video_durations, 1) for part in x.tolist()[0])
        return start, end
