"""Pegasus."""

from support.case import Case

from cases.bart import ALONE, CROSS, EMBEDS, NO_DECODER_INPUT
from cases.bart import TINY as BART

HEADS = ("PegasusModel", "PegasusForConditionalGeneration", "PegasusForCausalLM")
TINY = {**BART, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1, "decoder_start_token_id": 0}

CASES = [
    Case("pre_norm", TINY, ("PegasusModel", "PegasusForConditionalGeneration")),
    Case("decoder", {**TINY, **ALONE}, ("PegasusForCausalLM",)),
    Case("cross", {**TINY, **ALONE, "scale_embedding": True}, ("PegasusForCausalLM",), extra=CROSS),
    Case(
        "scaled",
        {**TINY, "scale_embedding": True, "activation_function": "relu", "tie_word_embeddings": False},
        ("PegasusForConditionalGeneration",),
    ),
    Case("embeds", {**TINY, "scale_embedding": True}, ("PegasusModel",), extra=EMBEDS),
    Case("labels", TINY, ("PegasusForConditionalGeneration",), extra=NO_DECODER_INPUT),
]

LARGE = dict(
    vocab_size=96103,
    max_position_embeddings=512,
    encoder_layers=16,
    decoder_layers=16,
    activation_function="relu",
    scale_embedding=True,
)
PUBLISHED = {
    "pegasus-xsum": (LARGE, ("PegasusModel", "PegasusForConditionalGeneration")),
    "pegasus-xsum-decoder": ({**LARGE, **ALONE}, ("PegasusForCausalLM",)),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"encoder_attention_heads": 3}, "encoder_attention_heads"),
]
