"""BLIP's vision tower alone."""

from support.case import Case

from cases import clip_vision_model

HEADS = ("BlipVisionModel",)
TINY = dict(
    hidden_size=24,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    image_size=20,
    patch_size=6,
)


def inputs(head, c, rng):
    return {"pixel_values": clip_vision_model.pixels(rng, 2, 3, c["image_size"], c["image_size"])}


CASES = [
    Case("image", TINY, inputs=inputs),
    Case("act", {**TINY, "hidden_act": "relu", "layer_norm_eps": 1e-2}, inputs=inputs),
    Case(
        "larger",
        TINY,
        inputs=inputs,
        extra={"pixel_values": lambda rng: clip_vision_model.pixels(rng, 2, 3, 33, 26)},
        options={"interpolate_pos_encoding": True},
    ),
]

PUBLISHED = {
    "blip-large": (
        dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=384),
        HEADS,
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 5}, "num_attention_heads"),
    ({"patch_size": 400}, "patch_size"),
]
