"""Which class processes the images of which checkpoints, and what it does when its file does not say."""

from __future__ import annotations

from typing import Any

from jaxformers.processing.images import (
    borders,
    canvases,
    classifiers,
    crops,
    detr,
    documents,
    fuyu,
    grids,
    oneformer,
    onevision,
    owl,
    padders,
    queries,
    sam,
    segmenters,
    splits,
    tokens,
    videos,
)
from jaxformers.processing.images.processor import ImageProcessor

_HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
_CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
_LANCZOS, _BILINEAR, _BICUBIC = 1, 2, 3
_RESIZES = ("do_resize", "size", "resample")


def _square(n: int) -> dict[str, int]:
    return {"height": n, "width": n}


def _plain(size, moments=_HALF, resample=_BILINEAR, crop=None, **more: Any) -> dict[str, Any]:
    """Settings of the usual steps; `size` and `crop` as numbers are squares."""
    made: dict[str, Any] = {
        "do_resize": True,
        "size": _square(size) if isinstance(size, int) else size,
        "resample": resample,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": moments[0],
        "image_std": moments[1],
    }
    if crop is not None:
        made |= {"do_center_crop": True, "crop_size": _square(crop)}
    return {**made, **more}


def _short(n: int) -> dict[str, int]:
    return {"shortest_edge": n}


class _Edge(ImageProcessor):
    """One number as `size` is the shorter side."""

    square = False


_DETR = {
    "format": "coco_detection",
    **_plain({"shortest_edge": 800, "longest_edge": 1333}, _IMAGENET),
    "do_convert_annotations": True,
    "do_pad": True,
    "pad_size": None,
}
_OCR = {"apply_ocr": True, "ocr_lang": None, "tesseract_config": ""}
_WITH_RGB = {"do_convert_rgb": True}
_MASKS = {
    **_plain({"shortest_edge": 800, "longest_edge": 1333}, _IMAGENET),
    "size_divisor": 32,
    "ignore_index": None,
    "do_reduce_labels": False,
    "num_labels": None,
    "pad_size": None,
}
_NAMES = {"repo_path": "shi-labs/oneformer_demo", "class_info_file": None, "num_text": None, "metadata": None}
_PAGE = {"do_thumbnail": True, "do_align_long_axis": False, "do_pad": True}
_CODEBOOK = {
    "return_image_mask": False,
    "input_size_patches": 14,
    "total_mask_patches": 75,
    "mask_group_min_patches": 16,
    "mask_group_max_patches": None,
    "mask_group_min_aspect_ratio": 0.3,
    "mask_group_max_aspect_ratio": None,
    "return_codebook_pixels": False,
    "codebook_do_map_pixels": True,
}
_CLIP_LIKE = _plain(_short(224), _CLIP, _BICUBIC, 224, **_WITH_RGB)
_PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
_SIXTHS = [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)]
_SQUARES = {
    **_plain({"longest_edge": 4 * 364}, resample=_LANCZOS, do_pad=True, do_image_splitting=True, **_WITH_RGB),
    "max_image_size": {"longest_edge": 364},
}
_SAM = {
    **_plain({"longest_edge": 1024}, _IMAGENET),
    "mask_size": {"longest_edge": 256},
    "do_pad": True,
    "pad_size": _square(1024),
    "mask_pad_size": _square(256),
    **_WITH_RGB,
}
_MOBILEVIT = {
    "do_resize": True,
    "size": _short(224),
    "resample": _BILINEAR,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_center_crop": True,
    "crop_size": _square(256),
    "do_flip_channel_order": True,
    "do_reduce_labels": False,
}
_DPT = {
    **_plain(384, resample=_BICUBIC, do_reduce_labels=False),
    "keep_aspect_ratio": False,
    "ensure_multiple_of": 1,
    "do_pad": False,
    "size_divisor": None,
}

# class of the reference without "ImageProcessor": (our class, its settings)
KINDS: dict[str, tuple[type[ImageProcessor], dict[str, Any]]] = {
    "ViT": (ImageProcessor, _plain(224, do_convert_rgb=None)),
    "DeiT": (ImageProcessor, _plain(256, resample=_BICUBIC, crop=224)),
    "Beit": (segmenters.Beit, _plain(256, resample=_BICUBIC, crop=224, do_reduce_labels=False)),
    "ConvNext": (classifiers.ConvNext, _plain(_short(384), crop_pct=0.875)),
    "Bit": (_Edge, _CLIP_LIKE),
    "ViTHybrid": (_Edge, _CLIP_LIKE),
    "CLIP": (_Edge, _CLIP_LIKE),
    "ChineseCLIP": (_Edge, _CLIP_LIKE),
    "Siglip": (ImageProcessor, _plain(224, resample=_BICUBIC, do_convert_rgb=None)),
    "Blip": (ImageProcessor, _plain(384, _CLIP, _BICUBIC, **_WITH_RGB)),
    "MobileNetV1": (_Edge, _plain(_short(256), crop=224)),
    "MobileNetV2": (segmenters.MobileNetV2, _plain(_short(256), crop=224, do_reduce_labels=False)),
    "MobileViT": (segmenters.MobileViT, _MOBILEVIT),
    "Segformer": (segmenters.Segmenter, _plain(512, _IMAGENET, do_reduce_labels=False)),
    "DPT": (segmenters.DPT, _DPT),
    "GLPN": (segmenters.GLPN, {"do_resize": True, "do_rescale": True, "size_divisor": 32, "resample": _BILINEAR}),
    "Detr": (detr.Detr, _DETR),
    "ConditionalDetr": (detr.ConditionalDetr, _DETR),
    "DeformableDetr": (detr.DeformableDetr, _DETR),
    "GroundingDino": (detr.GroundingDino, _DETR),
    "Deta": (detr.Deta, _DETR),
    "Yolos": (detr.Yolos, _DETR),
    "MaskFormer": (queries.MaskFormer, _MASKS),
    "Mask2Former": (queries.Mask2Former, _MASKS),
    "OneFormer": (
        oneformer.OneFormer,
        {**{k: v for k, v in _MASKS.items() if k not in ("size_divisor", "pad_size")}, **_NAMES},
    ),
    "Sam": (sam.Sam, _SAM),
    "Vilt": (padders.Vilt, _plain(_short(384), resample=_BICUBIC, size_divisor=32, do_pad=True)),
    "BridgeTower": (
        padders.BridgeTower,
        _plain(_short(288), _CLIP, _BICUBIC, size_divisor=32, do_pad=True, do_center_crop=True, crop_size=None),
    ),
    "OwlViT": (owl.OwlViT, _plain(768, _CLIP, _BICUBIC, do_center_crop=False, crop_size=_square(768))),
    "Owlv2": (owl.Owlv2, _plain(960, _CLIP, do_pad=True)),
    "Perceiver": (classifiers.Perceiver, _plain(224, _IMAGENET, _BICUBIC, 256)),
    "LayoutLMv2": (documents.LayoutLMv2, {"do_resize": True, "size": _square(224), "resample": _BILINEAR, **_OCR}),
    "LayoutLMv3": (documents.LayoutLM, _plain(224, **_OCR)),
    "Donut": (documents.Donut, _plain({"height": 2560, "width": 1920}, **_PAGE)),
    "Nougat": (documents.Nougat, _plain({"height": 896, "width": 672}, _IMAGENET, do_crop_margin=True, **_PAGE)),
    "Pix2Struct": (
        documents.Pix2Struct,
        {"do_normalize": True, "patch_size": _square(16), "max_patches": 2048, "is_vqa": False, **_WITH_RGB},
    ),
    "Pvt": (ImageProcessor, _plain(224, _IMAGENET)),
    "Levit": (classifiers.Levit, _plain(_short(224), _IMAGENET, _BICUBIC, 224)),
    "PoolFormer": (classifiers.PoolFormer, _plain(_short(224), _IMAGENET, _BICUBIC, 224, crop_pct=0.9)),
    "EfficientFormer": (ImageProcessor, _plain(224, _IMAGENET, _BICUBIC, 224)),
    "EfficientNet": (
        classifiers.EfficientNet,
        _plain(346, resample=0, do_center_crop=False, crop_size=_square(289), rescale_offset=False, include_top=True),
    ),
    "Llava": (borders.Llava, {**_CLIP_LIKE, "do_pad": False}),
    "LlavaNext": (grids.LlavaNext, {**_CLIP_LIKE, "do_pad": True, "image_grid_pinpoints": _PINPOINTS}),
    "LlavaOnevision": (
        onevision.LlavaOnevision,
        _plain(384, _CLIP, _BICUBIC, do_pad=True, image_grid_pinpoints=_SIXTHS, **_WITH_RGB),
    ),
    "Pixtral": (
        grids.Pixtral,
        _plain({"longest_edge": 1024}, _CLIP, _BICUBIC, patch_size=_square(16), **_WITH_RGB),
    ),
    "Qwen2VL": (
        grids.Qwen2VL,
        {
            **_plain({"shortest_edge": 56**2, "longest_edge": 1280 * 28**2}, _CLIP, _BICUBIC, **_WITH_RGB),
            **{"min_pixels": None, "max_pixels": None, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2},
        },
    ),
    "Swin2SR": (
        borders.Swin2SR,
        {"do_rescale": True, "rescale_factor": 1 / 255, "do_pad": True, "size_divisor": 8},
    ),
    "VitMatte": (
        borders.VitMatte,
        {k: v for k, v in _plain(1, do_pad=True, size_divisor=32).items() if k not in _RESIZES},
    ),
    "Fuyu": (
        fuyu.Fuyu,
        {
            **_plain({"height": 1080, "width": 1920}, (0.5, 0.5), patch_size=_square(30)),
            "do_pad": True,
            "padding_value": 1.0,
            "padding_mode": "constant",
        },
    ),
    "ImageGPT": (
        tokens.ImageGPT,
        {
            "do_resize": True,
            "size": _square(256),
            "resample": _BILINEAR,
            "do_normalize": True,
            "do_color_quantize": True,
            "clusters": None,
        },
    ),
    "Flava": (
        tokens.Flava,
        {
            **_plain(224, _CLIP, _BICUBIC, 224),
            **_CODEBOOK,
            **{f"codebook_{k}": v for k, v in _plain(112, ([0.0] * 3, [1.0] * 3), 1, 112).items()},
        },
    ),
    "Idefics": (
        tokens.Idefics,
        {
            "image_size": 224,
            "image_num_channels": 3,
            "image_mean": _CLIP[0],
            "image_std": _CLIP[1],
            "do_rescale": True,
            "rescale_factor": 1 / 255,
        },
    ),
    "Idefics2": (
        splits.Idefics2,
        _plain({"shortest_edge": 378, "longest_edge": 980}, do_pad=True, do_image_splitting=False, **_WITH_RGB),
    ),
    "Idefics3": (splits.Idefics3, _SQUARES),
    "SmolVLM": (splits.Idefics3, _SQUARES),
    "Gemma3": (
        crops.Gemma3,
        _plain(224, do_pan_and_scan=None, **dict.fromkeys(crops.LIMITS), **_WITH_RGB),
    ),
    "Chameleon": (
        crops.Chameleon,
        {**_plain(_short(512), ([1.0] * 3, [1.0] * 3), _LANCZOS, 512, **_WITH_RGB), "rescale_factor": 0.0078},
    ),
    "Mllama": (canvases.Mllama, _plain(224, do_pad=True, max_image_tiles=4, **_WITH_RGB)),
    "InstructBlipVideo": (videos.InstructBlipVideo, _plain(384, _CLIP, _BICUBIC, **_WITH_RGB)),
    "Tvlt": (videos.Tvlt, _plain(_short(224), crop=224, patch_size=[16, 16], num_frames=8)),
    "Tvp": (
        videos.Tvp,
        {
            **_plain({"longest_edge": 448}, crop=448, do_flip_channel_order=True),
            "do_pad": True,
            "pad_size": _square(448),
            "constant_values": 0,
            "pad_mode": "constant",
        },
    ),
    "VideoMAE": (videos.VideoMAE, _plain(_short(224), crop=224)),
    "Vivit": (videos.Vivit, {**_plain(_short(256), crop=224, offset=True), "rescale_factor": 1 / 127.5}),
}


def make(kind: str, settings: dict[str, Any]) -> ImageProcessor:
    """A processor of `kind` (a key of `KINDS`) with `settings`."""
    base, defaults = KINDS[kind]
    own = type(f"{kind}ImageProcessor", (base,), {"defaults": defaults, "name": f"{kind}ImageProcessor"})
    return own(**settings)
