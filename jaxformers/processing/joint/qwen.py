"""Qwen2-VL's and Qwen2.5-VL's processors: images and videos, as many tokens as merged patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.placeholders import Placeholders, placed


class Qwen2VL(Placeholders):
    """An image is its merged patches; so is a video, of `videos`, lists of frames."""

    token = "<|image_pad|>"
    cleans = False

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.video_token = getattr(self.tokenizer, "video_token", None) or "<|video_pad|>"

    def look(self, images: Any, kind: str | None, options: dict[str, Any]) -> dict[str, Any]:
        """The fields of images and videos, if there are any."""
        if images is None and options.get("videos") is None:
            return {}
        return dict(self.seen(images, return_tensors=kind, **options))

    @property
    def counted(self) -> tuple[str, ...]:
        return self.image_token, self.video_token

    def expanded(self, texts: list[str], fields: Mapping[str, Any]) -> list[str]:
        merged = self.image_processor.merge_size**2

        def of(token: str, grids: Any) -> Iterator[str]:
            return (token * (int(t * h * w) // merged) for t, h, w in grids)

        tokens = {"image_grid_thw": self.image_token, "video_grid_thw": self.video_token}
        for k, token in tokens.items():
            texts = placed(self.name, texts, token, of(token, fields[k])) if k in fields else texts
        return texts


class Qwen25VL(Qwen2VL):
    """As `Qwen2VL`, and knows how long videos take."""

    def __call__(self, images: Any = None, text: Any = None, fps: Any = 2.0, **options: Any) -> Features:  # type: ignore[override]
        """As `Placeholders`; of videos also `second_per_grid_ts`, a list of the seconds between patches.

        Args:
          fps: frames a second, a number or one for each video.

        Raises:
          InputError: there are more or fewer numbers than videos.
        """
        fields = super().__call__(images, text, **options)
        if "video_grid_thw" not in fields:
            return fields
        n = len(fields["video_grid_thw"])
        rates = [fps] * n if isinstance(fps, int | float) else list(fps)
        if len(rates) != n:
            raise InputError(self.name, [f"fps must be a number or one for each of {n} videos, got {fps!r}"])
        times = self.image_processor.temporal_patch_size
        return Features({**fields, "second_per_grid_ts": [times / rate for rate in rates]})
