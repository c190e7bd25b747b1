# ruff: noqa: N999
"""Pairs of text models."""

import numpy as np
from support.case import Case, default_inputs
from support.nested import nested

HEADS = ("EncoderDecoderModel",)
CROSS = dict(is_decoder=True, add_cross_attention=True)
IDS = dict(pad_token_id=0, decoder_start_token_id=2)
BERT = nested("bert", hidden_size=16)
ROBERTA = nested("roberta", hidden_size=16)


def inputs(head, c, rng):
    return default_inputs("ForConditionalGeneration", {"vocab_size": 40, "is_encoder_decoder": True}, rng)


FROM_LABELS = {
    "decoder_input_ids": None,
    "decoder_attention_mask": None,
    "labels": np.array([[3, 0, 5], [4, 6, -100]]),
}
BERT2BERT = dict(encoder=BERT, decoder={**BERT, **CROSS, "num_hidden_layers": 3}, **IDS)

CASES = [
    Case("bert2bert", BERT2BERT, inputs=inputs),
    Case("labels", BERT2BERT, inputs=inputs, extra=FROM_LABELS),
    Case(
        "roberta2gpt2",
        dict(encoder=ROBERTA, decoder=nested("gpt2", **CROSS), **IDS),
        inputs=inputs,
        extra={"attention_mask": None},
    ),
    Case("shared", dict(encoder=BERT, decoder={**BERT, **CROSS}, tie_encoder_decoder=True, **IDS), inputs=inputs),
    Case(
        "roberta_shared",
        dict(encoder=ROBERTA, decoder={**ROBERTA, **CROSS}, tie_encoder_decoder=True, **IDS),
        inputs=inputs,
    ),
    Case(
        "embeds",
        BERT2BERT,
        inputs=inputs,
        extra={
            "input_ids": None,
            "decoder_input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 16)).astype(np.float32),
            "decoder_inputs_embeds": lambda rng: rng.standard_normal((2, 7, 16)).astype(np.float32),
        },
    ),
]

LARGE = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
PUBLISHED = {
    "bert2bert_cnn_daily_mail": (
        dict(encoder={"model_type": "bert"}, decoder={"model_type": "bert", **CROSS}, **IDS),
        HEADS,
    ),
    "roberta-shared": (
        dict(
            encoder={"model_type": "roberta"},
            decoder={"model_type": "roberta", **CROSS},
            tie_encoder_decoder=True,
            **IDS,
        ),
        HEADS,
    ),
    "bert2gpt2": (
        dict(encoder={"model_type": "bert", **LARGE}, decoder={"model_type": "gpt2", **CROSS}, **IDS),
        HEADS,
    ),
}

REFUSED = [
    ({}, "encoder"),
    ({"encoder": BERT, "decoder": BERT}, "add_cross_attention"),
    ({"encoder": BERT, "decoder": {"model_type": "llama"}}, "attend to an encoder"),
    ({"encoder": BERT, "decoder": {"model_type": "vit"}}, "writes text"),
    ({**BERT2BERT, "tie_encoder_decoder": True}, "tie_encoder_decoder"),
]
