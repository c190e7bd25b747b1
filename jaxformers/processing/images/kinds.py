"""Which class processes the images of which checkpoints, and what it does when its file does not say."""

from __future__ import annotations

from typing import Any

from jaxformers.processing.images import classifiers, padders, segmenters, videos
from jaxformers.processing.images.processor import ImageProcessor

_HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
_CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
_BILINEAR, _BICUBIC = 2, 3


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
_CLIP_LIKE = _plain(_short(224), _CLIP, _BICUBIC, 224, **_WITH_RGB)
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
    "GLPN": (classifiers.GLPN, {"do_resize": True, "do_rescale": True, "size_divisor": 32, "resample": _BILINEAR}),
    "Detr": (padders.Detr, _DETR),
    "ConditionalDetr": (padders.Detr, _DETR),
    "Yolos": (padders.Detr, _DETR),
    "Sam": (padders.Sam, _SAM),
    "Vilt": (padders.Vilt, _plain(_short(384), resample=_BICUBIC, size_divisor=32, do_pad=True)),
    "OwlViT": (ImageProcessor, _plain(768, _CLIP, _BICUBIC, do_center_crop=False, crop_size=_square(768))),
    "Perceiver": (classifiers.Perceiver, _plain(224, _IMAGENET, _BICUBIC, 256)),
    "LayoutLMv2": (classifiers.LayoutLMv2, {"do_resize": True, "size": _square(224), "resample": _BILINEAR, **_OCR}),
    "LayoutLMv3": (classifiers.LayoutLM, _plain(224, **_OCR)),
    "Pvt": (ImageProcessor, _plain(224, _IMAGENET)),
    "Levit": (classifiers.Levit, _plain(_short(224), _IMAGENET, _BICUBIC, 224)),
    "PoolFormer": (classifiers.PoolFormer, _plain(_short(224), _IMAGENET, _BICUBIC, 224, crop_pct=0.9)),
    "EfficientFormer": (ImageProcessor, _plain(224, _IMAGENET, _BICUBIC, 224)),
    "EfficientNet": (
        classifiers.EfficientNet,
        _plain(346, resample=0, do_center_crop=False, crop_size=_square(289), rescale_offset=False, include_top=True),
    ),
    "VideoMAE": (videos.VideoMAE, _plain(_short(224), crop=224)),
    "Vivit": (videos.Vivit, {**_plain(_short(256), crop=224, offset=True), "rescale_factor": 1 / 127.5}),
}

# model type: the kind of its checkpoints whose files name no class
MODELS = {
    "vit": "ViT",
    "vit_mae": "ViT",
    "vit_msn": "ViT",
    "deit": "DeiT",
    "beit": "Beit",
    "data2vec-vision": "Beit",
    "convnext": "ConvNext",
    "convnextv2": "ConvNext",
    "resnet": "ConvNext",
    "regnet": "ConvNext",
    "cvt": "ConvNext",
    "van": "ConvNext",
    "poolformer": "PoolFormer",
    "levit": "Levit",
    "bit": "Bit",
    "dinov2": "Bit",
    "vit-hybrid": "ViTHybrid",
    "swin": "ViT",
    "swinv2": "ViT",
    "dinat": "ViT",
    "nat": "ViT",
    "clip": "CLIP",
    "chinese_clip": "ChineseCLIP",
    "clipseg": "ViT",
    "groupvit": "CLIP",
    "xclip": "CLIP",
    "altclip": "CLIP",
    "siglip": "Siglip",
    "blip": "Blip",
    "blip-2": "Blip",
    "instructblip": "Blip",
    "git": "CLIP",
    "llava": "CLIP",
    "mobilenet_v1": "MobileNetV1",
    "mobilenet_v2": "MobileNetV2",
    "mobilevit": "MobileViT",
    "mobilevitv2": "MobileViT",
    "segformer": "Segformer",
    "upernet": "Segformer",
    "dpt": "DPT",
    "depth_anything": "DPT",
    "glpn": "GLPN",
    "detr": "Detr",
    "table-transformer": "Detr",
    "conditional_detr": "ConditionalDetr",
    "yolos": "Yolos",
    "sam": "Sam",
    "vilt": "Vilt",
    "owlvit": "OwlViT",
    "perceiver": "Perceiver",
    "layoutlmv2": "LayoutLMv2",
    "layoutlmv3": "LayoutLMv3",
    "pvt": "Pvt",
    "efficientformer": "EfficientFormer",
    "efficientnet": "EfficientNet",
    "videomae": "VideoMAE",
    "timesformer": "VideoMAE",
    "vivit": "Vivit",
}


def make(kind: str, settings: dict[str, Any]) -> ImageProcessor:
    """A processor of `kind` (a key of `KINDS`) with `settings`."""
    base, defaults = KINDS[kind]
    own = type(f"{kind}ImageProcessor", (base,), {"defaults": defaults, "name": f"{kind}ImageProcessor"})
    return own(**settings)
