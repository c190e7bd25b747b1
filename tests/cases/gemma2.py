"""Gemma 2."""

import numpy as np
from support.case import Case

HEADS = (
    "Gemma2Model",
    "Gemma2ForCausalLM",
    "Gemma2ForSequenceClassification",
    "Gemma2ForTokenClassification",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=10,
    query_pre_attn_scalar=6,
    max_position_embeddings=24,
    sliding_window=4,
    attn_logit_softcapping=2.0,
    final_logit_softcapping=3.0,
    pad_token_id=0,
)
CASES = [
    Case("alternating", TINY, HEADS),
    Case(
        "uncapped",
        {**TINY, "attn_logit_softcapping": None, "final_logit_softcapping": None, "tie_word_embeddings": False},
        ("Gemma2ForCausalLM",),
    ),
    Case(
        "types_given",
        {**TINY, "layer_types": ["full_attention", "full_attention", "sliding_attention"], "attention_bias": True},
        ("Gemma2Model",),
        extra={"position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34]], np.int32)},
    ),
    Case(
        "embeds",
        {**TINY, "hidden_activation": "gelu"},
        ("Gemma2Model",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
]
PUBLISHED = {
    "gemma-2-2b": ({}, ("Gemma2ForCausalLM", "Gemma2Model")),
    "gemma-2-27b": (
        dict(
            hidden_size=4608,
            intermediate_size=36864,
            num_hidden_layers=46,
            num_attention_heads=32,
            num_key_value_heads=16,
            head_dim=128,
            query_pre_attn_scalar=144,
        ),
        ("Gemma2ForCausalLM",),
    ),
}
REFUSED = [
    ({"num_hidden_layers": 1, "layer_types": ["chunked_attention"]}, "layer_types must be of"),
    ({"sliding_window": None}, "sliding_window must be a number"),
    ({"attn_logit_softcapping": 0.0}, "attn_logit_softcapping must be positive"),
    ({"hidden_activation": "sin"}, "hidden_activation must be one of"),
]
