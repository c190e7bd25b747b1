"""CLIP."""

import numpy as np
from support.case import Case

from cases import clip_text_model, clip_vision_model

HEADS = ("CLIPModel", "CLIPForImageClassification", *clip_text_model.HEADS, *clip_vision_model.HEADS)
TINY = dict(
    text_config=clip_text_model.TINY,
    vision_config={**clip_vision_model.TINY, "hidden_size": 24, "num_hidden_layers": 3},
    projection_dim=12,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}


def inputs(head, c, rng):
    """What the parts of a head read."""
    x = {}
    if head == "CLIPModel" or "Text" in head:
        x |= clip_text_model.inputs(head, c["text_config"], rng)
    if "Text" not in head:
        x |= clip_vision_model.inputs(head, c["vision_config"], rng)
    if head.endswith("ForImageClassification"):
        x["labels"] = rng.integers(0, len(c["id2label"]) if "id2label" in c else 2, 2, dtype=np.int32)
    return x


def old(values, **changes):
    """As the first checkpoints hold them: a second object for each part, which wins."""
    parts = {f"{name}_dict": {**values[name], **more} for name, more in changes.items()}
    return {**values, **parts}


CASES = [
    Case("both", TINY, inputs=inputs, options={"return_loss": True}),
    Case("classes", {**TINY, **LABELS}, ("CLIPForImageClassification",), inputs),
    Case(
        "more_images",
        TINY,
        ("CLIPModel",),
        inputs,
        extra={"pixel_values": lambda rng: clip_vision_model.pixels(rng, 3, 3, 26, 33), "attention_mask": None},
        options={"interpolate_pos_encoding": True},
    ),
    Case(
        "old",
        old(TINY, text_config={"hidden_act": "gelu"}, vision_config={"hidden_act": "gelu"}),
        ("CLIPModel",),
        inputs,
    ),
]

LARGE = dict(
    text_config=dict(
        hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768, vocab_size=49408
    ),
    vision_config={**clip_vision_model.PUBLISHED["clip-vit-large-patch14"][0]},
    projection_dim=768,
)
BASE = dict(text_config={"vocab_size": 49408}, vision_config={"num_channels": 3, "image_size": 224, "patch_size": 32})
PUBLISHED = {
    "openai/clip-vit-base-patch32": (BASE, ("CLIPModel", "CLIPForImageClassification")),
    "openai/clip-vit-large-patch14": (LARGE, HEADS),
}

REFUSED = [
    ({"text_config": {"hidden_act": "gelu_wide"}}, "hidden_act"),
    ({"vision_config": {"patch_size": 300}}, "patch_size"),
]
