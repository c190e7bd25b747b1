# ruff: noqa: N999
"""Vision-text dual encoders of several parts."""

from support.case import Case, ids, right_padding
from support.nested import nested

from cases import clip, clip_vision_model

HEADS = ("VisionTextDualEncoderModel",)


def inputs(head, c, rng):
    text, vision = c["text_config"], c["vision_config"].get("vision_config", c["vision_config"])
    x = {"input_ids": ids(rng, text["vocab_size"]), "attention_mask": right_padding()}
    if text["model_type"] == "bert":
        x["token_type_ids"] = rng.integers(0, 2, (2, 9)).astype("int32")
    return {**x, **clip_vision_model.inputs(head, vision, rng)}


BERT, VIT = nested("bert"), nested("vit")
CLIP = nested("clip_vision_model")
VIT_BERT = dict(text_config=BERT, vision_config=VIT, projection_dim=12)

CASES = [
    Case("vit_bert", VIT_BERT, inputs=inputs, options={"return_loss": True}),
    Case(
        "clip_roberta",
        dict(text_config=nested("roberta", hidden_size=16), vision_config=CLIP, projection_dim=12),
        inputs=inputs,
    ),
    Case(
        "of_a_pair",
        dict(text_config=BERT, vision_config={**clip.TINY, "model_type": "clip"}, projection_dim=20),
        inputs=inputs,
    ),
]

IMAGES = {"num_channels": 3, "image_size": 224}
PUBLISHED = {
    "clip-italian": (
        dict(
            text_config={"model_type": "bert", "vocab_size": 32102},
            vision_config={"model_type": "clip_vision_model", **IMAGES},
        ),
        HEADS,
    ),
    "vit-bert": (
        dict(text_config={"model_type": "bert", "vocab_size": 30522}, vision_config={"model_type": "vit", **IMAGES}),
        HEADS,
    ),
}

REFUSED = [
    ({}, "text_config"),
    ({"text_config": BERT, "vision_config": {"model_type": "vitt"}}, "vitt"),
    ({"text_config": BERT, "vision_config": {**VIT, "hidden_act": "gelu_wide"}}, "hidden_act"),
    ({"text_config": BERT, "vision_config": {"model_type": "resnet"}}, "hidden_size"),
]
