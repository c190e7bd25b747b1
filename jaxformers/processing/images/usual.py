"""Settings that many kinds of image processors share when their files do not say."""

from __future__ import annotations

from typing import Any

HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
LANCZOS, BILINEAR, BICUBIC = 1, 2, 3
RESIZES = ("do_resize", "size", "resample")
WITH_RGB = {"do_convert_rgb": True}


def square(n: int) -> dict[str, int]:
    return {"height": n, "width": n}


def plain(size, moments=HALF, resample=BILINEAR, crop=None, **more: Any) -> dict[str, Any]:
    """Settings of the usual steps; `size` and `crop` as numbers are squares."""
    made: dict[str, Any] = {
        "do_resize": True,
        "size": square(size) if isinstance(size, int) else size,
        "resample": resample,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": moments[0],
        "image_std": moments[1],
    }
    if crop is not None:
        made |= {"do_center_crop": True, "crop_size": square(crop)}
    return {**made, **more}


def short(n: int) -> dict[str, int]:
    return {"shortest_edge": n}


CLIP_LIKE = plain(short(224), CLIP, BICUBIC, 224, **WITH_RGB)
