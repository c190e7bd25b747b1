"""GPT-OSS."""

from support.case import Case

HEADS = (
    "GptOssModel",
    "GptOssForCausalLM",
    "GptOssForSequenceClassification",
    "GptOssForTokenClassification",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    num_local_experts=5,
    num_experts_per_tok=2,
    sliding_window=4,
    max_position_embeddings=24,
    rope_scaling={
        "rope_type": "yarn",
        "factor": 4.0,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "truncate": False,
        "original_max_position_embeddings": 8,
    },
    pad_token_id=0,
)
CASES = [
    Case("alternating", TINY),
    Case("routers_shown", {**TINY, "output_router_logits": True}, ("GptOssForCausalLM", "GptOssModel")),
    Case(
        "plain",
        {
            **TINY,
            "rope_scaling": None,
            "attention_bias": False,
            "tie_word_embeddings": True,
            "layer_types": ["full_attention", "full_attention"],
            "num_experts_per_tok": 3,
        },
        ("GptOssForCausalLM",),
    ),
]
PUBLISHED = {
    "openai/gpt-oss-120b": ({}, ("GptOssForCausalLM", "GptOssModel")),
    "openai/gpt-oss-20b": ({"num_hidden_layers": 24, "num_local_experts": 32}, ("GptOssForCausalLM",)),
}
REFUSED = [
    ({"num_experts_per_tok": 200}, "num_experts_per_tok must be from 1"),
    ({"sliding_window": 0}, "sliding_window must be at least 1"),
    ({"quantization_config": {"quant_method": "mxfp4"}}, "quantization_config"),
    ({"layer_types": ["full_attention"]}, "layer_types must name one type"),
]
