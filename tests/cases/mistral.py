"""Mistral."""

from support.case import Case

HEADS = (
    "MistralModel",
    "MistralForCausalLM",
    "MistralForSequenceClassification",
    "MistralForTokenClassification",
    "MistralForQuestionAnswering",
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
    pad_token_id=0,
)
CASES = [
    Case("window", TINY, HEADS),
    Case("no_window", {**TINY, "sliding_window": None}, ("MistralForCausalLM",)),
    Case("sees_itself_alone", {**TINY, "sliding_window": 1}, ("MistralModel",)),
    Case("wide_window", {**TINY, "sliding_window": 9, "head_dim": 10, "rope_theta": 100.0}, ("MistralModel",)),
    Case("tied", {**TINY, "tie_word_embeddings": True, "hidden_act": "gelu"}, ("MistralForCausalLM",)),
    Case("linear", {**TINY, "rope_scaling": {"rope_type": "linear", "factor": 2.5}}, ("MistralModel",)),
]
PUBLISHED = {
    "mistral-7b": (
        {"max_position_embeddings": 32768},
        ("MistralForCausalLM", "MistralModel"),
    ),
    "mistral-7b-v0.3": (
        {"vocab_size": 32768, "max_position_embeddings": 32768, "rope_theta": 1e6, "sliding_window": None},
        ("MistralForCausalLM",),
    ),
}
REFUSED = [
    ({"sliding_window": 0}, "sliding_window must be at least 1"),
    ({"num_attention_heads": 3}, "multiple of num_key_value_heads"),
    ({"hidden_act": "sin"}, "hidden_act must be one of"),
]
