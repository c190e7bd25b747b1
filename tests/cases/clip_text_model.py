"""CLIP's text tower alone."""

import numpy as np
from support.case import Case, ids, right_padding

HEADS = ("CLIPTextModel", "CLIPTextModelWithProjection")
TINY = dict(
    vocab_size=67,
    hidden_size=16,
    intermediate_size=24,
    projection_dim=12,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=12,
    pad_token_id=1,
    bos_token_id=65,
    eos_token_id=66,
)


def ended(rng, vocab):
    """Texts that end with the last id of the vocabulary, with a mask for what comes behind it."""
    x = {"input_ids": ids(rng, vocab - 1), "attention_mask": right_padding()}
    x["input_ids"][np.arange(2), x["attention_mask"].sum(1) - 1] = vocab - 1
    return x


def inputs(head, c, rng):
    return ended(rng, c["vocab_size"])


CASES = [
    Case("text", TINY, inputs=inputs),
    Case("highest_id", {**TINY, "eos_token_id": 2}, inputs=inputs, extra={"attention_mask": None}),
    Case(
        "positions",
        {**TINY, "hidden_act": "gelu", "layer_norm_eps": 1e-2},
        ("CLIPTextModel",),
        inputs,
        extra={"position_ids": np.arange(9)[None, ::-1].astype(np.int32)},
    ),
]

PUBLISHED = {
    "stable-diffusion-v1-5/text_encoder": (
        dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768),
        ("CLIPTextModel",),
    ),
    "stable-diffusion-xl-base-1.0/text_encoder_2": (
        dict(
            hidden_size=1280,
            intermediate_size=5120,
            num_attention_heads=20,
            num_hidden_layers=32,
            projection_dim=1280,
            hidden_act="gelu",
        ),
        ("CLIPTextModelWithProjection",),
    ),
}

REFUSED = [({"hidden_act": "gelu_wide"}, "hidden_act"), ({"num_attention_heads": 5}, "num_attention_heads")]
