"""DINOv2."""

import numpy as np
from support.case import Case

from cases.vit import LABELS, pixels

HEADS = ("Dinov2Model", "Dinov2ForImageClassification", "Dinov2Backbone")
TINY = dict(
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    mlp_ratio=2,
    image_size=24,
    patch_size=6,
    num_channels=3,
    output_hidden_states=True,  # the reference reads these from the config, not from the call
    output_attentions=True,
)
CASES = [
    Case("encoder", TINY),
    Case("gated", {**TINY, "use_swiglu_ffn": True, "qkv_bias": False, "layerscale_value": 0.5}, HEADS[:2]),
    Case("classes", {**TINY, **LABELS, "hidden_act": "relu"}, HEADS[1:2]),
    Case("larger", TINY, extra={"pixel_values": pixels(2, 3, 45, 31)}),
    Case(
        "hidden",
        TINY,
        HEADS[:1],
        extra={"bool_masked_pos": lambda rng: rng.integers(0, 2, (2, 16)).astype(bool)},
    ),
    Case("unhidden", {**TINY, "use_mask_token": False}, HEADS[:1]),
    Case("stages", {**TINY, "out_features": ["stem", "stage2", "stage3"], "apply_layernorm": False}, HEADS[2:]),
    Case("flat", {**TINY, "out_indices": [1, -1], "reshape_hidden_states": False}, HEADS[2:]),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        HEADS[1:2],
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
]
PUBLISHED = {
    "facebook/dinov2-base": ({"image_size": 518}, ("Dinov2Model", "Dinov2Backbone")),
    "facebook/dinov2-giant-imagenet1k-1-layer": (
        dict(
            hidden_size=1536,
            num_hidden_layers=40,
            num_attention_heads=24,
            use_swiglu_ffn=True,
            image_size=518,
            num_labels=1000,
        ),
        ("Dinov2ForImageClassification",),
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"out_features": ["stage13"]}, "out_features"),
    ({"drop_path_rate": 1.0}, "drop_path_rate"),
]
