"""ResNet."""

import numpy as np
from support.case import Case

HEADS = ("ResNetModel", "ResNetForImageClassification", "ResNetBackbone")
TINY = dict(num_channels=3, embedding_size=8, hidden_sizes=[16, 24, 32], depths=[2, 3, 1])
BASIC = {**TINY, "layer_type": "basic", "hidden_sizes": [8, 12, 16]}
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}


def pixels(*shape):
    return {"pixel_values": lambda rng: rng.standard_normal(shape).astype(np.float32)}


LARGE = pixels(2, 3, 64, 72)  # enough pixels in the last stage for a batch's statistics to mean something

CASES = [
    Case("bottleneck", TINY),
    Case("basic", {**BASIC, **LABELS}, ("ResNetModel", "ResNetForImageClassification"), extra=pixels(2, 3, 45, 38)),
    Case("gelu", {**BASIC, "hidden_act": "gelu"}, ("ResNetModel",)),
    Case("strided_bottleneck", {**TINY, "downsample_in_bottleneck": True}, ("ResNetModel",)),
    Case(
        "strided_first",
        {**TINY, **LABELS, "downsample_in_first_stage": True, "problem_type": "multi_label_classification"},
        ("ResNetForImageClassification",),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("train", TINY, extra=LARGE, options={"train": True}),
    Case("train_basic", BASIC, ("ResNetForImageClassification",), extra=LARGE, options={"train": True}),
    Case("features", {**TINY, "out_features": ["stage1", "stage3"]}, ("ResNetBackbone",), extra=LARGE),
    Case("indices", {**TINY, "out_indices": [0, -1]}, ("ResNetBackbone",)),
]

R18 = dict(num_labels=1000, layer_type="basic", hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2])
PUBLISHED = {
    "microsoft/resnet-18": (R18, ("ResNetForImageClassification",)),
    "microsoft/resnet-50": (dict(num_labels=1000), HEADS),
    "microsoft/resnet-152": (dict(num_labels=1000, depths=[3, 8, 36, 3]), ("ResNetForImageClassification",)),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"layer_type": "dense"}, "layer_type"),
    ({"depths": [2, 2]}, "depths"),
    ({"depths": [2, 0, 2, 2]}, "depths"),
    ({"out_features": ["stage5"]}, "out_features"),
    ({"out_indices": [5]}, "out_indices"),
    ({"out_features": ["stage1"], "out_indices": [2]}, "same stages"),
    ({"out_features": ["stage2", "stage1"]}, "order"),
]
