"""Swin Transformer."""

import numpy as np
from support.case import Case

HEADS = ("SwinModel", "SwinForImageClassification", "SwinForMaskedImageModeling", "SwinBackbone")
TINY = dict(
    image_size=24,
    patch_size=2,
    num_channels=3,
    embed_dim=8,
    depths=[2, 3],
    num_heads=[2, 4],
    window_size=3,
    encoder_stride=4,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}


def pixels(*shape):
    return {"pixel_values": lambda rng: rng.standard_normal(shape).astype(np.float32)}


CASES = [
    Case("windows", TINY),
    Case("padded", TINY, ("SwinModel", "SwinBackbone"), extra=pixels(2, 3, 21, 28)),
    Case(
        "one_window",
        {**TINY, **LABELS, "window_size": 6, "mlp_ratio": 2.5, "hidden_act": "relu", "qkv_bias": False},
        ("SwinModel", "SwinForImageClassification", "SwinBackbone"),
    ),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification", "layer_norm_eps": 0.1},
        ("SwinForImageClassification",),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("pixelwise", {**TINY, "window_size": 1}, ("SwinModel",)),
    Case("unmasked", {**TINY, "encoder_stride": 3}, ("SwinForMaskedImageModeling",), extra={"bool_masked_pos": None}),
    Case("features", {**TINY, "out_features": ["stem", "stage1", "stage2"]}, ("SwinBackbone",)),
    Case("indices", {**TINY, "out_indices": [1]}, ("SwinBackbone",), extra=pixels(2, 3, 8, 8)),
]

BASE = dict(embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32])
PUBLISHED = {
    "microsoft/swin-tiny-patch4-window7-224": (dict(num_labels=1000), ("SwinForImageClassification", "SwinBackbone")),
    "microsoft/swin-base-simmim-window6-192": (
        dict(BASE, image_size=192, window_size=6),
        ("SwinModel", "SwinForMaskedImageModeling"),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"use_absolute_embeddings": True}, "use_absolute_embeddings"),
    ({"num_heads": [3, 6]}, "num_heads"),
    ({"num_heads": [3, 6, 12, 25]}, "num_heads"),
    ({"depths": [2, 2, 0, 2]}, "depths"),
    ({"drop_path_rate": 1.0}, "drop_path_rate"),
    ({"out_features": ["stage5"]}, "out_features"),
]
