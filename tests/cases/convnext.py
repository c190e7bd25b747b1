"""ConvNeXT."""

import numpy as np
from support.case import Case

HEADS = ("ConvNextModel", "ConvNextForImageClassification", "ConvNextBackbone")
TINY = dict(num_channels=3, num_stages=3, hidden_sizes=[8, 12, 16], depths=[1, 3, 1], image_size=32)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}


def pixels(*shape):
    return {"pixel_values": lambda rng: rng.standard_normal(shape).astype(np.float32)}


CASES = [
    Case("stages", TINY),
    Case(
        "unscaled",
        {**TINY, **LABELS, "layer_scale_init_value": 0, "hidden_act": "relu", "patch_size": 2, "layer_norm_eps": 0.1},
        ("ConvNextModel", "ConvNextForImageClassification"),
        extra=pixels(2, 3, 23, 18),
    ),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        ("ConvNextForImageClassification",),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("features", {**TINY, "out_features": ["stem", "stage1", "stage3"]}, ("ConvNextBackbone",)),
    Case("indices", {**TINY, "out_indices": [1, -1]}, ("ConvNextBackbone",)),
]

BASE = dict(num_labels=1000, hidden_sizes=[128, 256, 512, 1024], depths=[3, 3, 27, 3])
PUBLISHED = {
    "facebook/convnext-tiny-224": (dict(num_labels=1000), HEADS),
    "facebook/convnext-base-224": (BASE, ("ConvNextForImageClassification",)),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"depths": [3, 3]}, "num_stages"),
    ({"hidden_sizes": [96, 192]}, "num_stages"),
    ({"depths": [3, 3, 0, 3]}, "depths"),
    ({"drop_path_rate": 1.0}, "drop_path_rate"),
    ({"out_features": ["stage5"]}, "out_features"),
]
