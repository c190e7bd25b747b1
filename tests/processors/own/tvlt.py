"""TVLT's processor: videos and their sounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audio.case import SOUNDS
from images.case import PICTURES
from processors.own.case import Own

_OTHER = {
    "image_processor_type": "TvltImageProcessor",
    "feature_extractor_type": "TvltFeatureExtractor",
    "size": {"shortest_edge": 16},
    "crop_size": {"height": 16, "width": 16},
    "patch_size": [8, 16],
    "spectrogram_length": 24,
    "feature_size": 32,
}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    videos = [[x] * n for x, n in zip(PICTURES.values(), (3, 2), strict=False)]
    sounds, rate = list(SOUNDS.values())[:2], {"sampling_rate": 44100}
    yield "video", processor(images=videos[0], return_tensors="np")
    yield "sound", processor(audio=sounds[0], return_tensors="np", **rate)
    yield "both", processor(videos, sounds, **rate)
    yield "mixed", processor(videos[:1], sounds[:1], videos[1:], 44100, True, True, return_tensors="np")
    yield "changed", processor(images=videos, do_normalize=False)


CASES = [Own("tvlt", "TvltProcessor", "", {}, _OTHER, calls=_calls)]
