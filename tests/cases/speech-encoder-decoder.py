# ruff: noqa: N999
"""Pairs of a speech encoder and a text decoder."""

import numpy as np
from support.case import Case, ids, labels, load_cases, right_padding
from support.nested import nested

HEADS = ("SpeechEncoderDecoderModel",)
CROSS = dict(is_decoder=True, add_cross_attention=True)
IDS = dict(pad_token_id=0, decoder_start_token_id=2)


def inputs(head, c, rng):
    x = load_cases("wav2vec2").inputs("Wav2Vec2Model", c["encoder"], rng)
    return {
        "inputs": x["input_values"],
        "attention_mask": x["attention_mask"],
        "decoder_input_ids": ids(rng, 40, (2, 7)),
        "decoder_attention_mask": right_padding((2, 7)),
        "labels": labels(rng, 40, (2, 7)),
    }


SPEECH = nested("wav2vec2", feat_extract_norm="layer")
FROM_LABELS = {
    "decoder_input_ids": None,
    "decoder_attention_mask": None,
    "labels": np.array([[3, 0, 5], [4, 6, -100]]),
}
GPT2 = nested("gpt2", **CROSS)
WAV_GPT2 = dict(encoder=SPEECH, decoder=GPT2, **IDS)

CASES = [
    Case("wav2vec2_gpt2", WAV_GPT2, inputs=inputs),
    Case("labels", WAV_GPT2, inputs=inputs, extra={**FROM_LABELS, "attention_mask": None}),
    Case(
        "hubert_bert",
        dict(encoder=nested("hubert"), decoder=nested("bert", hidden_size=16, **CROSS), **IDS),
        inputs=inputs,
    ),
    Case(
        "adapter",
        dict(
            encoder={**SPEECH, "add_adapter": True, "num_adapter_layers": 2, "output_hidden_size": 32},
            decoder=nested("bart", is_encoder_decoder=False, **CROSS),
            **IDS,
        ),
        inputs=inputs,
    ),
]

XLS_R = dict(
    model_type="wav2vec2",
    hidden_size=1024,
    intermediate_size=4096,
    num_hidden_layers=24,
    num_attention_heads=16,
    do_stable_layer_norm=True,
    feat_extract_norm="layer",
    conv_bias=True,
)
PUBLISHED = {
    "facebook/wav2vec2-xls-r-300m-en-to-15": (
        dict(
            encoder={**XLS_R, "add_adapter": True},
            decoder=dict(model_type="mbart", vocab_size=250054, is_encoder_decoder=False, **CROSS),
            **IDS,
        ),
        HEADS,
    ),
}

REFUSED = [
    ({}, "encoder"),
    ({**WAV_GPT2, "decoder": {"model_type": "gpt2"}}, "add_cross_attention"),
    ({**WAV_GPT2, "tie_encoder_decoder": True}, "tie_encoder_decoder"),
    ({**WAV_GPT2, "encoder": {**SPEECH, "output_hidden_size": 20, "add_adapter": True}}, "output_hidden_size"),
]
