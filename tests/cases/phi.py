"""Phi."""

import numpy as np
from support.case import Case

HEADS = ("PhiModel", "PhiForCausalLM", "PhiForSequenceClassification", "PhiForTokenClassification")
TINY = dict(
    vocab_size=67,
    hidden_size=48,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    max_position_embeddings=24,
    partial_rotary_factor=0.34,
    pad_token_id=0,
)
CASES = [
    Case("partly_rotated", TINY, HEADS),
    Case(
        "normed_and_grouped",
        {**TINY, "qk_layernorm": True, "num_key_value_heads": 2, "partial_rotary_factor": 1.0},
        ("PhiModel",),
    ),
    Case("tied", {**TINY, "tie_word_embeddings": True, "hidden_act": "relu"}, ("PhiForCausalLM",)),
    Case(
        "far",
        {
            **TINY,
            "rope_scaling": {"rope_type": "linear", "factor": 2.5},
            "layer_norm_eps": 1e-2,
            "partial_rotary_factor": 0.5,
        },
        ("PhiModel",),
        extra={"position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34]], np.int32)},
    ),
]
PUBLISHED = {
    "phi-1_5": ({}, ("PhiForCausalLM", "PhiModel")),
    "phi-2": (
        dict(
            hidden_size=2560,
            intermediate_size=10240,
            num_hidden_layers=32,
            num_attention_heads=32,
            partial_rotary_factor=0.4,
            resid_pdrop=0.1,
        ),
        ("PhiForCausalLM",),
    ),
}
REFUSED = [
    ({"partial_rotary_factor": 0.0}, "partial_rotary_factor must be more than 0"),
    ({"num_attention_heads": 4, "num_key_value_heads": 3}, "multiple of num_key_value_heads"),
    ({"hidden_act": "sin"}, "hidden_act must be one of"),
]
