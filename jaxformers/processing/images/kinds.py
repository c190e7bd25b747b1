"""Which class processes the images of which checkpoints, and what it does when its file does not say."""

from __future__ import annotations

from typing import Any

from jaxformers.processing.images import (
    borders,
    classifiers,
    detr,
    documents,
    fuyu,
    kinds_that_talk,
    oneformer,
    owl,
    padders,
    queries,
    sam,
    segmenters,
    tokens,
    videos,
)
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.images.usual import (
    BICUBIC,
    BILINEAR,
    CLIP,
    CLIP_LIKE,
    IMAGENET,
    RESIZES,
    WITH_RGB,
    plain,
    short,
    square,
)


class _Edge(ImageProcessor):
    """One number as `size` is the shorter side."""

    square = False


_DETR = {
    "format": "coco_detection",
    **plain({"shortest_edge": 800, "longest_edge": 1333}, IMAGENET),
    "do_convert_annotations": True,
    "do_pad": True,
    "pad_size": None,
}
_OCR = {"apply_ocr": True, "ocr_lang": None, "tesseract_config": ""}
_MASKS = {
    **plain({"shortest_edge": 800, "longest_edge": 1333}, IMAGENET),
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
_SAM = {
    **plain({"longest_edge": 1024}, IMAGENET),
    "mask_size": {"longest_edge": 256},
    "do_pad": True,
    "pad_size": square(1024),
    "mask_pad_size": square(256),
    **WITH_RGB,
}
_MOBILEVIT = {
    "do_resize": True,
    "size": short(224),
    "resample": BILINEAR,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_center_crop": True,
    "crop_size": square(256),
    "do_flip_channel_order": True,
    "do_reduce_labels": False,
}
_DPT = {
    **plain(384, resample=BICUBIC, do_reduce_labels=False),
    "keep_aspect_ratio": False,
    "ensure_multiple_of": 1,
    "do_pad": False,
    "size_divisor": None,
}

# class of the reference without "ImageProcessor": (our class, its settings)
KINDS: dict[str, tuple[type[ImageProcessor], dict[str, Any]]] = {
    "ViT": (ImageProcessor, plain(224, do_convert_rgb=None)),
    "DeiT": (ImageProcessor, plain(256, resample=BICUBIC, crop=224)),
    "Beit": (segmenters.Beit, plain(256, resample=BICUBIC, crop=224, do_reduce_labels=False)),
    "ConvNext": (classifiers.ConvNext, plain(short(384), crop_pct=0.875)),
    "Bit": (_Edge, CLIP_LIKE),
    "ViTHybrid": (_Edge, CLIP_LIKE),
    "CLIP": (_Edge, CLIP_LIKE),
    "ChineseCLIP": (_Edge, CLIP_LIKE),
    "Siglip": (ImageProcessor, plain(224, resample=BICUBIC, do_convert_rgb=None)),
    "Blip": (ImageProcessor, plain(384, CLIP, BICUBIC, **WITH_RGB)),
    "MobileNetV1": (_Edge, plain(short(256), crop=224)),
    "MobileNetV2": (segmenters.MobileNetV2, plain(short(256), crop=224, do_reduce_labels=False)),
    "MobileViT": (segmenters.MobileViT, _MOBILEVIT),
    "Segformer": (segmenters.Segmenter, plain(512, IMAGENET, do_reduce_labels=False)),
    "DPT": (segmenters.DPT, _DPT),
    "GLPN": (segmenters.GLPN, {"do_resize": True, "do_rescale": True, "size_divisor": 32, "resample": BILINEAR}),
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
    "Vilt": (padders.Vilt, plain(short(384), resample=BICUBIC, size_divisor=32, do_pad=True)),
    "BridgeTower": (
        padders.BridgeTower,
        plain(short(288), CLIP, BICUBIC, size_divisor=32, do_pad=True, do_center_crop=True, crop_size=None),
    ),
    "OwlViT": (owl.OwlViT, plain(768, CLIP, BICUBIC, do_center_crop=False, crop_size=square(768))),
    "Owlv2": (owl.Owlv2, plain(960, CLIP, do_pad=True)),
    "Perceiver": (classifiers.Perceiver, plain(224, IMAGENET, BICUBIC, 256)),
    "LayoutLMv2": (documents.LayoutLMv2, {"do_resize": True, "size": square(224), "resample": BILINEAR, **_OCR}),
    "LayoutLMv3": (documents.LayoutLM, plain(224, **_OCR)),
    "Donut": (documents.Donut, plain({"height": 2560, "width": 1920}, **_PAGE)),
    "Nougat": (documents.Nougat, plain({"height": 896, "width": 672}, IMAGENET, do_crop_margin=True, **_PAGE)),
    "Pix2Struct": (
        documents.Pix2Struct,
        {"do_normalize": True, "patch_size": square(16), "max_patches": 2048, "is_vqa": False, **WITH_RGB},
    ),
    "Pvt": (ImageProcessor, plain(224, IMAGENET)),
    "Levit": (classifiers.Levit, plain(short(224), IMAGENET, BICUBIC, 224)),
    "PoolFormer": (classifiers.PoolFormer, plain(short(224), IMAGENET, BICUBIC, 224, crop_pct=0.9)),
    "EfficientFormer": (ImageProcessor, plain(224, IMAGENET, BICUBIC, 224)),
    "EfficientNet": (
        classifiers.EfficientNet,
        plain(346, resample=0, do_center_crop=False, crop_size=square(289), rescale_offset=False, include_top=True),
    ),
    "Llava": (borders.Llava, {**CLIP_LIKE, "do_pad": False}),
    "Swin2SR": (
        borders.Swin2SR,
        {"do_rescale": True, "rescale_factor": 1 / 255, "do_pad": True, "size_divisor": 8},
    ),
    "VitMatte": (
        borders.VitMatte,
        {k: v for k, v in plain(1, do_pad=True, size_divisor=32).items() if k not in RESIZES},
    ),
    "Fuyu": (
        fuyu.Fuyu,
        {
            **plain({"height": 1080, "width": 1920}, (0.5, 0.5), patch_size=square(30)),
            "do_pad": True,
            "padding_value": 1.0,
            "padding_mode": "constant",
        },
    ),
    "ImageGPT": (
        tokens.ImageGPT,
        {
            "do_resize": True,
            "size": square(256),
            "resample": BILINEAR,
            "do_normalize": True,
            "do_color_quantize": True,
            "clusters": None,
        },
    ),
    "Flava": (
        tokens.Flava,
        {
            **plain(224, CLIP, BICUBIC, 224),
            **_CODEBOOK,
            **{f"codebook_{k}": v for k, v in plain(112, ([0.0] * 3, [1.0] * 3), 1, 112).items()},
        },
    ),
    "Idefics": (
        tokens.Idefics,
        {
            "image_size": 224,
            "image_num_channels": 3,
            "image_mean": CLIP[0],
            "image_std": CLIP[1],
            "do_rescale": True,
            "rescale_factor": 1 / 255,
        },
    ),
    "InstructBlipVideo": (videos.InstructBlipVideo, plain(384, CLIP, BICUBIC, **WITH_RGB)),
    "Tvlt": (videos.Tvlt, plain(short(224), crop=224, patch_size=[16, 16], num_frames=8)),
    "Tvp": (
        videos.Tvp,
        {
            **plain({"longest_edge": 448}, crop=448, do_flip_channel_order=True),
            "do_pad": True,
            "pad_size": square(448),
            "constant_values": 0,
            "pad_mode": "constant",
        },
    ),
    "VideoMAE": (videos.VideoMAE, plain(short(224), crop=224)),
    "Vivit": (videos.Vivit, {**plain(short(256), crop=224, offset=True), "rescale_factor": 1 / 127.5}),
    **kinds_that_talk.KINDS,
}


def make(kind: str, settings: dict[str, Any]) -> ImageProcessor:
    """A processor of `kind` (a key of `KINDS`) with `settings`."""
    base, defaults = KINDS[kind]
    own = type(f"{kind}ImageProcessor", (base,), {"defaults": defaults, "name": f"{kind}ImageProcessor"})
    return own(**settings)
