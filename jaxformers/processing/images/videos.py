"""Processors of videos: lists of frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
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
        clips = [own.clip(frames, data_format, input_data_format) for frames in _videos(videos)]
        return Features({"pixel_values": clips}, return_tensors)

    def clip(self, frames: Any, data_format: str, input_data_format: str | None) -> np.ndarray:
        """One video [T, ...]."""
        out = [self.out(self.prepare(x), data_format) for x in self.arrays(frames, input_data_format)]
        if len(shapes := {x.shape for x in out}) > 1:
            listed = ", ".join(str(list(shape)) for shape in sorted(shapes))
            raise InputError(self.name, [f"frames of a video must be equally large, got {listed}"])
        return np.stack(out)


class Vivit(VideoMAE):
    """Rescales to -1 to 1 with `offset`."""

    def do_rescale_to(self, x: np.ndarray) -> np.ndarray:
        y = super().do_rescale_to(x)
        return y - 1 if self.offset else y


class InstructBlipVideo(VideoMAE):
    square = True


class Tvlt(VideoMAE):
    """Also tells which patches are there: shorter videos have fewer."""

    sides = ("shortest_edge",)

    def __call__(  # type: ignore[override]
        self,
        videos: Any,
        is_mixed: bool = False,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `VideoMAE`; and `pixel_mask`, int64 [T * patches of a frame], T that of the longest video.

        Args:
          is_mixed: are these videos of other sounds? Fields are named `pixel_values_mixed`, `pixel_mask_mixed`.

        Raises:
          InputError: a video has more than `num_frames` frames.
        """
        own = self.changed(changes)
        clips = [own.clip(frames, data_format, input_data_format) for frames in _videos(videos)]
        longest = max(map(len, clips))
        if longest > own.num_frames:
            raise InputError(self.name, [f"a video must have at most num_frames = {own.num_frames}, got {longest}"])
        patches = (own.size["shortest_edge"] // own.patch_size[0]) ** 2
        masks = [(np.arange(longest * patches) < len(x) * patches).astype(np.int64) for x in clips]
        tail = "_mixed" if is_mixed else ""
        return Features({f"pixel_values{tail}": clips, f"pixel_mask{tail}": masks}, return_tensors)


class Tvp(VideoMAE):
    """The longer side is made `size`; frames are padded below and to the right; blue first."""

    steps = ("resize", "center_crop", "rescale", "normalize", "pad", "flip_channel_order")

    def target(self, h: int, w: int) -> tuple[int, int]:
        if "longest_edge" not in self.size:
            return super().target(h, w)
        n = self.size["longest_edge"]
        return (n, int(n * (w / h))) if h >= w else (int(n * (h / w)), n)

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        size = self.pad_size["height"], self.pad_size["width"]
        return transforms.pad_to(x, size, self.pad_mode, self.constant_values)

    def do_flip_channel_order_to(self, x: np.ndarray) -> np.ndarray:
        return x[..., ::-1]


def _videos(videos: Any) -> list[Any]:
    if isinstance(videos, list | tuple) and videos:
        many = isinstance(videos[0], list | tuple) or getattr(videos[0], "ndim", 0) == 4
        return list(videos) if many else [videos]
    return list(videos) if getattr(videos, "ndim", 0) == 5 else [videos]
