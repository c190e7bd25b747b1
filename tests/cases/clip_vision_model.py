"""CLIP's vision tower alone."""

import numpy as np
from support.case import Case

HEADS = ("CLIPVisionModel", "CLIPVisionModelWithProjection")
TINY = dict(
    hidden_size=16,
    intermediate_size=24,
    projection_dim=12,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_channels=3,
    image_size=20,
    patch_size=6,
)


def pixels(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def inputs(head, c, rng):
    return {"pixel_values": pixels(rng, 2, c["num_channels"], c["image_size"], c["image_size"])}


CASES = [
    Case("image", TINY),
    Case("act", {**TINY, "hidden_act": "gelu", "layer_norm_eps": 1e-2, "num_channels": 1}, ("CLIPVisionModel",)),
    Case(
        "larger",
        TINY,
        extra={"pixel_values": lambda rng: pixels(rng, 2, 3, 33, 26)},
        options={"interpolate_pos_encoding": True},
    ),
]

PUBLISHED = {
    "clip-vit-large-patch14": (
        dict(
            hidden_size=1024,
            intermediate_size=4096,
            num_hidden_layers=24,
            num_attention_heads=16,
            patch_size=14,
            projection_dim=768,
            num_channels=3,
            image_size=224,
        ),
        ("CLIPVisionModel", "CLIPVisionModelWithProjection"),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 5}, "num_attention_heads"),
    ({"patch_size": 300}, "patch_size"),
]
