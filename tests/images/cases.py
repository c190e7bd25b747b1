"""The processors of images: every class, each with sizes small enough for tests, and the settings that change much."""

from images.case import Case

_PLAIN = {"size": {"height": 24, "width": 20}}
_CROPPED = {"size": {"height": 32, "width": 30}, "crop_size": {"height": 24, "width": 22}}
_EDGE = {"size": {"shortest_edge": 28}, "crop_size": {"height": 24, "width": 24}}
_DETR = {"size": {"shortest_edge": 40, "longest_edge": 66}}
_SAM = {
    "size": {"longest_edge": 64},
    "pad_size": {"height": 64, "width": 64},
    "mask_size": {"longest_edge": 16},
    "mask_pad_size": {"height": 16, "width": 16},
}

CASES = [
    Case("vit", "ViTImageProcessor", _PLAIN),
    Case("vit-scaled", "ViTImageProcessor", {**_PLAIN, "do_rescale": False}, scaled=True),
    Case("vit-bytes", "ViTImageProcessor", {**_PLAIN, "do_rescale": False, "do_normalize": False}),
    Case("vit-unnormalised", "ViTImageProcessor", {**_PLAIN, "do_normalize": False}),
    Case("vit-lanczos", "ViTImageProcessor", {**_PLAIN, "resample": 1}),
    Case("vit-box", "ViTImageProcessor", {**_PLAIN, "resample": 4}),
    Case("vit-hamming", "ViTImageProcessor", {**_PLAIN, "resample": 5}),
    Case("vit-nearest", "ViTImageProcessor", {**_PLAIN, "resample": 0}),
    Case("vit-as-it-is", "ViTImageProcessor", {"do_resize": False}, one=True),
    Case("vit-number", "ViTImageProcessor", {"size": 18}),
    Case("deit", "DeiTImageProcessor", _CROPPED),
    Case("beit", "BeitImageProcessor", _CROPPED, extra="maps"),
    Case(
        "beit-reduced", "BeitImageProcessor", {**_CROPPED, "do_reduce_labels": True, "do_center_crop": False}, "maps"
    ),
    Case("convnext", "ConvNextImageProcessor", {"size": {"shortest_edge": 28}}),
    Case("convnext-part", "ConvNextImageProcessor", {"size": {"shortest_edge": 33}, "crop_pct": 0.6}),
    Case("bit", "BitImageProcessor", _EDGE),
    Case("clip", "CLIPImageProcessor", _EDGE),
    Case("clip-number", "CLIPImageProcessor", {"size": 26, "crop_size": 21}),
    Case("clip-large-crop", "CLIPImageProcessor", {"size": 20, "crop_size": {"height": 31, "width": 40}}),
    Case("chinese-clip", "ChineseCLIPImageProcessor", _CROPPED),
    Case("siglip", "SiglipImageProcessor", _PLAIN),
    Case("blip", "BlipImageProcessor", _PLAIN),
    Case("mobilenet-v1", "MobileNetV1ImageProcessor", _EDGE),
    Case("mobilenet-v2", "MobileNetV2ImageProcessor", _EDGE, extra="maps"),
    Case("mobilevit", "MobileViTImageProcessor", _EDGE, extra="maps"),
    Case("segformer", "SegformerImageProcessor", _PLAIN, extra="maps"),
    Case("segformer-reduced", "SegformerImageProcessor", {**_PLAIN, "do_reduce_labels": True}, extra="maps"),
    Case("dpt", "DPTImageProcessor", _PLAIN, extra="maps"),
    Case(
        "dpt-ratio",
        "DPTImageProcessor",
        {"size": {"height": 48, "width": 40}, "keep_aspect_ratio": True, "ensure_multiple_of": 8},
        extra="maps",
        one=True,
    ),
    Case("dpt-padded", "DPTImageProcessor", {**_PLAIN, "do_pad": True, "size_divisor": 16}),
    Case("glpn", "GLPNImageProcessor", {"size_divisor": 16}, one=True),
    Case("detr", "DetrImageProcessor", _DETR, extra="annotations"),
    Case("detr-square", "DetrImageProcessor", _PLAIN),
    Case("detr-unpadded", "DetrImageProcessor", {**_DETR, "do_pad": False}, extra="annotations", one=True),
    Case("detr-corners", "DetrImageProcessor", {**_DETR, "do_convert_annotations": False}, extra="annotations"),
    Case("detr-limits", "DetrImageProcessor", {"size": {"max_height": 40, "max_width": 50}}),
    Case("detr-pad-size", "DetrImageProcessor", {**_DETR, "pad_size": {"height": 80, "width": 90}}, "annotations"),
    Case("conditional-detr", "ConditionalDetrImageProcessor", _DETR, extra="annotations"),
    Case("sam", "SamImageProcessor", _SAM, extra="maps"),
    Case("vilt", "ViltImageProcessor", {"size": {"shortest_edge": 48}, "size_divisor": 16}),
    Case("owlvit", "OwlViTImageProcessor", _PLAIN),
    Case("owlvit-crop", "OwlViTImageProcessor", {**_CROPPED, "do_center_crop": True}),
    Case("perceiver", "PerceiverImageProcessor", {**_CROPPED, "size": {"height": 20, "width": 18}}),
    Case("layoutlmv2", "LayoutLMv2ImageProcessor", {**_PLAIN, "apply_ocr": False}),
    Case("layoutlmv3", "LayoutLMv3ImageProcessor", {**_PLAIN, "apply_ocr": False}),
    Case("pvt", "PvtImageProcessor", _PLAIN),
    Case("levit", "LevitImageProcessor", _EDGE),
    Case("poolformer", "PoolFormerImageProcessor", _EDGE),
    Case("poolformer-whole", "PoolFormerImageProcessor", {**_EDGE, "crop_pct": None}),
    Case("efficientnet", "EfficientNetImageProcessor", _PLAIN),
    Case(
        "efficientnet-offset", "EfficientNetImageProcessor", {**_PLAIN, "rescale_offset": True, "include_top": False}
    ),
    Case("videomae", "VideoMAEImageProcessor", _EDGE, clip=True),
    Case("vivit", "VivitImageProcessor", _EDGE, clip=True),
]
