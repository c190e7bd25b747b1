"""ViT."""

import numpy as np
from support.case import Case

HEADS = ("ViTModel", "ViTForImageClassification", "ViTForMaskedImageModeling")
TINY = dict(
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    image_size=24,
    patch_size=6,
    num_channels=3,
    encoder_stride=6,
    output_hidden_states=True,  # the reference reads these from the config, not from the call
    output_attentions=True,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}


def pixels(*shape):
    return lambda rng: rng.standard_normal(shape).astype(np.float32)


def oblong(head, config, rng):
    """Images of 20 by 24 with labels."""
    x = {"pixel_values": pixels(2, 1, 20, 24)(rng)}
    return x if head == "ViTModel" else {**x, "labels": np.array([1, 2], np.int32)}


CASES = [
    Case("encoder", TINY),
    Case("classes", {**TINY, **LABELS, "qkv_bias": False, "hidden_act": "gelu_new"}, ("ViTForImageClassification",)),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        ("ViTForImageClassification",),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("pooled", {**TINY, "pooler_output_size": 20, "pooler_act": "relu", "qkv_bias": False}, ("ViTModel",)),
    Case(
        "oblong",
        {**TINY, **LABELS, "image_size": [20, 24], "patch_size": [5, 8], "num_channels": 1},
        ("ViTModel", "ViTForImageClassification"),
        inputs=oblong,
    ),
    Case(
        "larger",
        TINY,
        ("ViTModel", "ViTForImageClassification"),
        extra={"pixel_values": pixels(2, 3, 45, 31)},
        options={"interpolate_pos_encoding": True},
    ),
    Case(
        "smaller",
        TINY,
        ("ViTForMaskedImageModeling",),
        extra={"pixel_values": pixels(2, 3, 18, 18), "bool_masked_pos": None},
        options={"interpolate_pos_encoding": True},
    ),
    Case("stride", {**TINY, "encoder_stride": 4}, ("ViTForMaskedImageModeling",), extra={"bool_masked_pos": None}),
]

PUBLISHED = {
    "google/vit-base-patch16-224": ({"num_labels": 1000}, ("ViTForImageClassification",)),
    "google/vit-large-patch16-224-in21k": (
        dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
        ("ViTModel", "ViTForMaskedImageModeling"),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"pooler_act": "softplus2"}, "pooler_act"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"image_size": 12, "patch_size": 16}, "patch_size"),
]
