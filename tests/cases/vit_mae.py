"""ViTMAE."""

from support.case import Case

from cases.vit import TINY as VIT
from cases.vit import pixels

HEADS = ("ViTMAEModel", "ViTMAEForPreTraining")
TINY = {
    **{n: v for n, v in VIT.items() if n != "encoder_stride"},
    "decoder_hidden_size": 16,
    "decoder_num_attention_heads": 2,
    "decoder_num_hidden_layers": 2,
    "decoder_intermediate_size": 24,
}


def inputs(head, c, rng):
    """Images, and the noise that says which patches are seen."""
    size, channels = c.get("image_size", 224), c.get("num_channels", 3)
    patches = (size // c.get("patch_size", 16)) ** 2
    return {"pixel_values": pixels(2, channels, size, size)(rng), "noise": rng.random((2, patches)).astype("float32")}


CASES = [
    Case("quarter", TINY, inputs=inputs),
    Case("half", {**TINY, "mask_ratio": 0.5, "norm_pix_loss": True, "qkv_bias": False}, inputs=inputs),
    Case(
        "larger",
        TINY,
        extra={"pixel_values": pixels(2, 3, 36, 30), "noise": lambda rng: rng.random((2, 30)).astype("float32")},
        inputs=inputs,
        options={"interpolate_pos_encoding": True},
    ),
]
PUBLISHED = {
    "facebook/vit-mae-base": ({}, HEADS),
    "facebook/vit-mae-huge": (
        dict(hidden_size=1280, num_hidden_layers=32, num_attention_heads=16, intermediate_size=5120, patch_size=14),
        ("ViTMAEForPreTraining",),
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"decoder_hidden_size": 30}, "decoder_num_attention_heads"),
    ({"mask_ratio": 1.0}, "mask_ratio"),
    ({"image_size": 20}, "image_size"),
]
