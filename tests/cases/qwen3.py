"""Qwen3."""

import numpy as np
from support.case import Case

HEADS = (
    "Qwen3Model",
    "Qwen3ForCausalLM",
    "Qwen3ForSequenceClassification",
    "Qwen3ForTokenClassification",
    "Qwen3ForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=10,
    max_position_embeddings=24,
    pad_token_id=0,
)
CASES = [
    Case("plain", TINY, HEADS),
    Case("biased", {**TINY, "attention_bias": True, "tie_word_embeddings": True}, ("Qwen3ForCausalLM",)),
    Case(
        "windowed",
        {**TINY, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
        ("Qwen3Model",),
    ),
    Case(
        "far",
        {**TINY, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 6}},
        ("Qwen3Model",),
        extra={"position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34]], np.int32)},
    ),
]
PUBLISHED = {
    "Qwen3-8B": (
        dict(
            intermediate_size=12288,
            num_hidden_layers=36,
            num_key_value_heads=8,
            max_position_embeddings=40960,
            rope_theta=1e6,
            sliding_window=None,
            max_window_layers=36,
        ),
        ("Qwen3ForCausalLM", "Qwen3Model"),
    ),
    "Qwen3-0.6B": (
        dict(
            hidden_size=1024,
            intermediate_size=3072,
            num_hidden_layers=28,
            num_attention_heads=16,
            num_key_value_heads=8,
            max_position_embeddings=40960,
            rope_theta=1e6,
            sliding_window=None,
            tie_word_embeddings=True,
        ),
        ("Qwen3ForCausalLM",),
    ),
}
REFUSED = [
    ({"num_hidden_layers": 1, "layer_types": ["linear_attention"]}, "layer_types must be of"),
    ({"num_hidden_layers": 1, "layer_types": ["sliding_attention"]}, "without use_sliding_window"),
    ({"head_dim": 7}, "even number"),
]
