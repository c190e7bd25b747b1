"""Processors of videos: lists of frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images.processor import ImageProcessor


class VideoMAE(ImageProcessor):
    """Frames are prepared one by one."""

    square = False

    def __call__(  # type: ignore[override]
        self,
        videos: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [T, C, H, W] a video.

        Args:
          videos: a list of frames, a list of such lists, an array [T, ...] or a list of those; frames as images.

        Raises:
          InputError: a video has no frame, or something is no image.
        """
        own = self.changed(changes)
        out = []
        for frames in _videos(videos):
            pictures = [own.out(own.prepare(x), data_format) for x in own.arrays(frames, input_data_format)]
            if not pictures:
                raise InputError(self.name, ["a video must have at least one frame, got none"])
            out.append(np.stack(pictures))
        return Features({"pixel_values": out}, return_tensors)

    preprocess = __call__


class Vivit(VideoMAE):
    """Rescales to -1 to 1 with `offset`."""

    def do_rescale_to(self, x: np.ndarray) -> np.ndarray:
        y = super().do_rescale_to(x)
        return y - 1 if self.offset else y


def _videos(videos: Any) -> list[Any]:
    if isinstance(videos, list | tuple) and videos:
        many = isinstance(videos[0], list | tuple) or getattr(videos[0], "ndim", 0) == 4
        return list(videos) if many else [videos]
    return list(videos) if getattr(videos, "ndim", 0) == 5 else [videos]
