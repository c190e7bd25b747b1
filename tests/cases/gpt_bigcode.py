"""GPTBigCode."""

import numpy as np
from support.case import Case, ids

HEADS = (
    "GPTBigCodeModel",
    "GPTBigCodeForCausalLM",
    "GPTBigCodeForSequenceClassification",
    "GPTBigCodeForTokenClassification",
)
TINY = dict(
    vocab_size=67, n_positions=24, n_embd=32, n_layer=3, n_head=4, bos_token_id=1, eos_token_id=1, pad_token_id=0
)
CASES = [
    Case("multi_query", TINY),
    Case("heads", {**TINY, "multi_query": False, "n_inner": 40}, HEADS[:2]),
    Case("untied", {**TINY, "tie_word_embeddings": False, "activation_function": "relu"}, HEADS[1:2]),
    Case("unscaled", {**TINY, "scale_attn_weights": False}, HEADS[:1], extra={"token_type_ids": lambda r: ids(r, 67)}),
    Case(
        "embeds",
        TINY,
        HEADS[:1],
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]
PUBLISHED = {
    "bigcode/starcoder": (
        dict(vocab_size=49152, n_positions=8192, n_embd=6144, n_layer=40, n_head=48, n_inner=24576),
        ("GPTBigCodeForCausalLM",),
    ),
    "bigcode/gpt_bigcode-santacoder": (
        dict(vocab_size=49280, n_positions=2048, n_embd=2048, n_layer=24, n_head=16, n_inner=8192),
        ("GPTBigCodeForCausalLM", "GPTBigCodeModel"),
    ),
}
REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"add_cross_attention": True}, "add_cross_attention"),
    ({"n_embd": 30, "n_head": 4}, "n_head"),
]
