"""SAM's image encoder alone."""

import numpy as np
from support.case import Case

HEADS = ("SamVisionModel",)
TINY = dict(
    hidden_size=16,
    output_channels=16,
    num_hidden_layers=4,
    num_attention_heads=2,
    num_channels=3,
    image_size=40,
    patch_size=8,
    window_size=2,
    global_attn_indexes=[2],
    num_pos_feats=8,
    mlp_dim=24,
)


def inputs(head, c, rng):
    return {"pixel_values": rng.standard_normal((2, c["num_channels"], *2 * (c["image_size"],))).astype(np.float32)}


CASES = [
    Case("windows", TINY, inputs=inputs),
    Case(
        "plain",
        {**TINY, "use_abs_pos": False, "use_rel_pos": False, "qkv_bias": False, "mlp_dim": None, "mlp_ratio": 1.5},
        inputs=inputs,
    ),
    Case(
        "global",
        {**TINY, "window_size": 0, "hidden_act": "relu", "num_channels": 1, "layer_norm_eps": 0.1},
        inputs=inputs,
    ),
    Case("all_of_it", {**TINY, "window_size": 5, "global_attn_indexes": []}, inputs=inputs),
]

HUGE = dict(
    hidden_size=1280,
    num_hidden_layers=32,
    num_attention_heads=16,
    mlp_dim=5120,
    global_attn_indexes=[7, 15, 23, 31],
    num_channels=3,
)
PUBLISHED = {"facebook/sam-vit-huge": (HUGE, HEADS), "facebook/sam-vit-base": (dict(num_channels=3), HEADS)}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 7}, "num_attention_heads"),
    ({"patch_size": 2000}, "patch_size"),
    ({"window_size": -1}, "window_size"),
]
