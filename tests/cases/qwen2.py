"""Qwen2."""

import numpy as np
from support.case import Case

HEADS = (
    "Qwen2Model",
    "Qwen2ForCausalLM",
    "Qwen2ForSequenceClassification",
    "Qwen2ForTokenClassification",
    "Qwen2ForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=24,
    sliding_window=4,
    use_sliding_window=True,
    max_window_layers=2,
    pad_token_id=0,
)
CASES = [
    Case("upper_layers_windowed", TINY, HEADS),
    Case("no_window", {**TINY, "use_sliding_window": False, "tie_word_embeddings": True}, ("Qwen2ForCausalLM",)),
    Case("all_windowed", {**TINY, "max_window_layers": 0, "num_key_value_heads": 4}, ("Qwen2Model",)),
    Case(
        "types_given",
        {**TINY, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]},
        ("Qwen2Model",),
        extra={"position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34]], np.int32)},
    ),
    Case("stretched", {**TINY, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, ("Qwen2Model",)),
]
PUBLISHED = {
    "Qwen2-7B": (
        dict(
            vocab_size=152064,
            hidden_size=3584,
            intermediate_size=18944,
            num_hidden_layers=28,
            num_attention_heads=28,
            num_key_value_heads=4,
            max_position_embeddings=131072,
            rope_theta=1e6,
            sliding_window=131072,
        ),
        ("Qwen2ForCausalLM", "Qwen2Model"),
    ),
    "Qwen2.5-0.5B": (
        dict(
            hidden_size=896,
            intermediate_size=4864,
            num_hidden_layers=24,
            num_attention_heads=14,
            num_key_value_heads=2,
            rope_theta=1e6,
            sliding_window=32768,
            max_window_layers=24,
            tie_word_embeddings=True,
        ),
        ("Qwen2ForCausalLM",),
    ),
}
REFUSED = [
    ({"num_hidden_layers": 2, "layer_types": ["full_attention"]}, "layer_types must name one type"),
    ({"num_hidden_layers": 1, "layer_types": ["chunked_attention"]}, "layer_types must be of"),
    ({"num_hidden_layers": 1, "layer_types": ["sliding_attention"]}, "without use_sliding_window"),
    ({"use_sliding_window": True, "sliding_window": 0}, "sliding_window must be at least 1"),
    ({"num_attention_heads": 30}, "multiple of num_key_value_heads"),
]
