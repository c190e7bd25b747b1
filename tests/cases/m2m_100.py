"""M2M100, NLLB."""

import numpy as np
from support.case import Case, ids

from cases.bart import EMBEDS, NO_DECODER_INPUT
from cases.bart import TINY as BART

HEADS = ("M2M100Model", "M2M100ForConditionalGeneration")
TINY = {k: v for k, v in BART.items() if k != "forced_eos_token_id"} | {"scale_embedding": True}


def padded(length):
    """Ids with padding before and within the last row's words, which positions leave out."""

    def make(rng):
        x = ids(rng, 67, (2, length))
        x[-1, [0, 1, 4]] = 1
        return x

    return make


def real(length):
    mask = np.ones((2, length), np.int32)
    mask[-1, [0, 1, 4]] = 0
    return mask


PADDED = {
    "input_ids": padded(9),
    "attention_mask": real(9),
    "decoder_input_ids": padded(7),
    "decoder_attention_mask": real(7),
}

CASES = [
    Case("counted", TINY),
    Case("padded", TINY, ("M2M100Model",), extra=PADDED),
    Case(
        "unscaled",
        {**TINY, "scale_embedding": False, "activation_function": "gelu", "tie_word_embeddings": False},
        ("M2M100ForConditionalGeneration",),
    ),
    Case("longer_than_the_table", {**TINY, "max_position_embeddings": 4}, ("M2M100Model",)),
    Case("embeds", TINY, ("M2M100Model",), extra=EMBEDS),
    Case("labels", TINY, ("M2M100ForConditionalGeneration",), extra=NO_DECODER_INPUT),
]

PUBLISHED = {
    "m2m100_418M": ({}, HEADS),
    "nllb-200-distilled-600M": (dict(vocab_size=256206), ("M2M100ForConditionalGeneration",)),
    "m2m100_1.2B": (
        dict(encoder_layers=24, encoder_ffn_dim=8192, decoder_layers=24, decoder_ffn_dim=8192),
        ("M2M100ForConditionalGeneration",),
    ),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"encoder_attention_heads": 3}, "encoder_attention_heads"),
    ({"pad_token_id": None}, "pad_token_id"),
    ({"d_model": 2, "encoder_attention_heads": 1, "decoder_attention_heads": 1}, "d_model"),
]
