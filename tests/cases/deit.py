"""DeiT."""

import numpy as np
from support.case import Case

from cases.vit import LABELS, TINY, pixels

HEADS = (
    "DeiTModel",
    "DeiTForImageClassification",
    "DeiTForImageClassificationWithTeacher",
    "DeiTForMaskedImageModeling",
)


def unlabelled(head, config, rng):
    return {"pixel_values": pixels(2, 3, 24, 24)(rng)}


CASES = [
    Case("encoder", TINY, (*HEADS[:2], HEADS[3])),
    Case("teacher", {**TINY, **LABELS, "qkv_bias": False}, HEADS[2:3], inputs=unlabelled),
    Case("pooled", {**TINY, "pooler_output_size": 20, "pooler_act": "relu", "hidden_act": "gelu_new"}, HEADS[:1]),
    Case(
        "larger",
        TINY,
        HEADS[:2],
        extra={"pixel_values": pixels(2, 3, 45, 31)},
        options={"interpolate_pos_encoding": True},
    ),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        HEADS[1:2],
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
]
PUBLISHED = {
    "facebook/deit-base-distilled-patch16-224": (
        {"num_labels": 1000},
        ("DeiTForImageClassificationWithTeacher", "DeiTModel"),
    ),
    "facebook/deit-tiny-distilled-patch16-224": (
        dict(hidden_size=192, num_attention_heads=3, intermediate_size=768, num_labels=1000),
        ("DeiTForImageClassificationWithTeacher", "DeiTForImageClassification"),
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
]
