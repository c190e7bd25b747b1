# ruff: noqa: N999
"""Pairs of an image encoder and a text decoder."""

import numpy as np
from support.case import Case, ids, labels, right_padding
from support.nested import nested

HEADS = ("VisionEncoderDecoderModel",)
CROSS = dict(is_decoder=True, add_cross_attention=True)
IDS = dict(pad_token_id=0, decoder_start_token_id=2)


def inputs(head, c, rng):
    side = c["encoder"].get("image_size", 224)
    return {
        "pixel_values": rng.standard_normal((2, c["encoder"].get("num_channels", 3), side, side)).astype(np.float32),
        "decoder_input_ids": ids(rng, 40, (2, 7)),
        "decoder_attention_mask": right_padding((2, 7)),
        "labels": labels(rng, 40, (2, 7)),
    }


VIT = nested("vit", hidden_size=16)
FROM_LABELS = {
    "decoder_input_ids": None,
    "decoder_attention_mask": None,
    "labels": np.array([[3, 0, 5], [4, 6, -100]]),
}
VIT_GPT2 = dict(encoder=VIT, decoder=nested("gpt2", **CROSS), **IDS)

CASES = [
    Case("vit_gpt2", VIT_GPT2, inputs=inputs),
    Case("labels", VIT_GPT2, inputs=inputs, extra=FROM_LABELS),
    Case(
        "clip_bert",
        dict(
            encoder=nested("clip_vision_model"),
            decoder=nested("bert", hidden_size=16, tie_word_embeddings=False, **CROSS),
            **IDS,
        ),
        inputs=inputs,
    ),
    Case(
        "vit_bart",
        dict(encoder=VIT, decoder=nested("bart", is_encoder_decoder=False, scale_embedding=True, **CROSS), **IDS),
        inputs=inputs,
    ),
]

PUBLISHED = {
    "nlpconnect/vit-gpt2-image-captioning": (
        dict(encoder={"model_type": "vit"}, decoder={"model_type": "gpt2", **CROSS}, **IDS),
        HEADS,
    ),
}

REFUSED = [
    ({}, "encoder"),
    ({**VIT_GPT2, "decoder": {"model_type": "gpt2"}}, "add_cross_attention"),
    ({**VIT_GPT2, "encoder": {"model_type": "resnet"}}, "hidden_size"),
    ({**VIT_GPT2, "tie_encoder_decoder": True}, "tie_encoder_decoder"),
]
