"""Mixtral."""

from support.case import Case

HEADS = (
    "MixtralModel",
    "MixtralForCausalLM",
    "MixtralForSequenceClassification",
    "MixtralForTokenClassification",
    "MixtralForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    num_local_experts=5,
    max_position_embeddings=24,
    pad_token_id=0,
)
CASES = [
    Case("two_of_five", TINY, HEADS),
    Case(
        "routers_shown",
        {**TINY, "output_router_logits": True, "router_aux_loss_coef": 0.5, "tie_word_embeddings": True},
        ("MixtralForCausalLM", "MixtralModel"),
    ),
    Case(
        "routers_without_padding",
        {**TINY, "output_router_logits": True},
        ("MixtralForCausalLM",),
        extra={"attention_mask": None},
    ),
    Case(
        "three_and_a_window",
        {**TINY, "num_experts_per_tok": 3, "sliding_window": 4, "head_dim": 10, "hidden_act": "gelu"},
        ("MixtralForCausalLM",),
    ),
]
PUBLISHED = {
    "Mixtral-8x7B": ({"max_position_embeddings": 32768}, ("MixtralForCausalLM", "MixtralModel")),
    "Mixtral-8x22B": (
        dict(
            hidden_size=6144,
            intermediate_size=16384,
            num_hidden_layers=56,
            num_attention_heads=48,
            max_position_embeddings=65536,
        ),
        ("MixtralForCausalLM",),
    ),
}
REFUSED = [
    ({"num_local_experts": 1, "num_experts_per_tok": 1}, "num_local_experts must be at least 2"),
    ({"num_experts_per_tok": 9}, "num_experts_per_tok must be from 1"),
    ({"sliding_window": 0}, "sliding_window must be at least 1"),
]
