"""Image processors of models that talk about images: which class, and what it does when its file does not say."""

from __future__ import annotations

from typing import Any

from jaxformers.processing.images import canvases, crops, grids, onevision, patched, splits, squares
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.images.usual import BICUBIC, CLIP, CLIP_LIKE, LANCZOS, WITH_RGB, plain, short, square

_PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
_SIXTHS = [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)]
_SQUARES = {
    **plain({"longest_edge": 4 * 364}, resample=LANCZOS, do_pad=True, do_image_splitting=True, **WITH_RGB),
    "max_image_size": {"longest_edge": 364},
}

# as `kinds.KINDS`
KINDS: dict[str, tuple[type[ImageProcessor], dict[str, Any]]] = {
    "LlavaNext": (grids.LlavaNext, {**CLIP_LIKE, "do_pad": True, "image_grid_pinpoints": _PINPOINTS}),
    "LlavaOnevision": (
        onevision.LlavaOnevision,
        plain(384, CLIP, BICUBIC, do_pad=True, image_grid_pinpoints=_SIXTHS, **WITH_RGB),
    ),
    "Pixtral": (
        grids.Pixtral,
        plain({"longest_edge": 1024}, CLIP, BICUBIC, patch_size=square(16), **WITH_RGB),
    ),
    "Qwen2VL": (
        grids.Qwen2VL,
        {
            **plain({"shortest_edge": 56**2, "longest_edge": 1280 * 28**2}, CLIP, BICUBIC, **WITH_RGB),
            **{"min_pixels": None, "max_pixels": None, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2},
        },
    ),
    "Idefics2": (
        splits.Idefics2,
        plain({"shortest_edge": 378, "longest_edge": 980}, do_pad=True, do_image_splitting=False, **WITH_RGB),
    ),
    "Idefics3": (splits.Idefics3, _SQUARES),
    "SmolVLM": (splits.Idefics3, _SQUARES),
    "Gemma3": (
        crops.Gemma3,
        plain(224, do_pan_and_scan=None, **dict.fromkeys(crops.LIMITS), **WITH_RGB),
    ),
    "Chameleon": (
        crops.Chameleon,
        {**plain(short(512), ([1.0] * 3, [1.0] * 3), LANCZOS, 512, **WITH_RGB), "rescale_factor": 0.0078},
    ),
    "GotOcr2": (
        squares.GotOcr2,
        plain(384, CLIP, BICUBIC, crop_to_patches=False, min_patches=1, max_patches=12, **WITH_RGB),
    ),
    "Siglip2": (
        patched.Siglip2,
        {
            **{k: v for k, v in plain(1, do_convert_rgb=None).items() if k != "size"},
            **{"patch_size": 16, "max_num_patches": 256},
        },
    ),
    "Mllama": (canvases.Mllama, plain(224, do_pad=True, max_image_tiles=4, **WITH_RGB)),
}
