"""VideoMAE."""

import numpy as np
from support.case import Case

from cases.vit import LABELS

HEADS = ("VideoMAEModel", "VideoMAEForPreTraining", "VideoMAEForVideoClassification")
TINY = dict(
    image_size=12,
    patch_size=4,
    num_frames=4,
    tubelet_size=2,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=40,
    decoder_num_attention_heads=2,
    decoder_hidden_size=16,
    decoder_num_hidden_layers=2,
    decoder_intermediate_size=24,
    output_hidden_states=True,  # the reference reads these from the config, not from the call
    output_attentions=True,
)


def inputs(head, c, rng):
    """Two videos; for pretraining nine tenths of the tubes are hidden, rounded down in a frame."""
    side, frames, channels = c.get("image_size", 224), c.get("num_frames", 16), c.get("num_channels", 3)
    x = {"pixel_values": rng.standard_normal((2, frames, channels, side, side)).astype(np.float32)}
    if head.endswith("ForPreTraining"):
        wide, tall = (side // c.get("patch_size", 16)) ** 2, frames // c.get("tubelet_size", 2)
        order = np.argsort(rng.random((2, tall * wide)), axis=1)
        x["bool_masked_pos"] = order < tall * int(0.9 * wide)
    if head.endswith("Classification"):
        x["labels"] = rng.integers(0, len(c["id2label"]) if c.get("id2label") else 2, 2, dtype=np.int32)
    return x


def half(rng):
    return np.argsort(rng.random((2, 18)), axis=1) < 9


CASES = [
    Case("tubes", TINY, inputs=inputs),
    Case("first", {**TINY, **LABELS, "use_mean_pooling": False, "qkv_bias": False}, inputs=inputs),
    Case(
        "half",
        {**TINY, "norm_pix_loss": False},
        HEADS[:2],
        inputs=inputs,
        extra={"bool_masked_pos": half},
        options={"num_masked": 9},
    ),
    Case("grey", {**TINY, "num_channels": 1, "hidden_act": "relu"}, HEADS[1:2], inputs=inputs),
]
PUBLISHED = {
    "MCG-NJU/videomae-base": ({}, ("VideoMAEForPreTraining", "VideoMAEModel")),
    "MCG-NJU/videomae-base-finetuned-kinetics": ({"num_labels": 400}, ("VideoMAEForVideoClassification",)),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30}, "num_attention_heads"),
    ({"num_frames": 15}, "num_frames"),
    ({"image_size": 20}, "image_size"),
]
