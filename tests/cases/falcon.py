"""Falcon."""

import numpy as np
from support.case import Case

HEADS = (
    "FalconModel",
    "FalconForCausalLM",
    "FalconForSequenceClassification",
    "FalconForTokenClassification",
    "FalconForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    max_position_embeddings=24,
    bos_token_id=1,
    eos_token_id=1,
    pad_token_id=0,
)
NEW = {**TINY, "new_decoder_architecture": True, "num_kv_heads": 2}
RW = {**TINY, "alibi": True, "multi_query": False, "parallel_attn": False, "bias": True}
CASES = [
    Case("multi_query", TINY),
    Case("grouped", NEW, HEADS[:2]),
    Case("one_norm", {**NEW, "num_ln_in_parallel_attn": 1, "bias": True, "ffn_hidden_size": 40}, HEADS[:1]),
    # The reference's eager attention adds ALiBi twice, its default once.
    Case("alibi", RW, HEADS[:2], attention="sdpa"),
    Case("alibi_of_six", {**RW, "num_attention_heads": 6, "hidden_size": 36}, HEADS[:1], attention="sdpa"),
    Case("untied", {**NEW, "tie_word_embeddings": False, "activation": "relu"}, HEADS[1:2]),
    Case(
        "embeds",
        {**TINY, "rope_theta": 500.0},
        HEADS[:1],
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34]], np.int32),
        },
    ),
]
PUBLISHED = {
    "tiiuae/falcon-7b": ({}, ("FalconForCausalLM", "FalconModel")),
    "tiiuae/falcon-40b": (
        dict(
            hidden_size=8192,
            num_hidden_layers=60,
            num_attention_heads=128,
            num_kv_heads=8,
            new_decoder_architecture=True,
        ),
        ("FalconForCausalLM",),
    ),
    "tiiuae/falcon-rw-1b": (
        dict(
            vocab_size=50304,
            hidden_size=2048,
            num_hidden_layers=24,
            num_attention_heads=32,
            alibi=True,
            bias=True,
            multi_query=False,
            parallel_attn=False,
        ),
        ("FalconForCausalLM",),
    ),
}
REFUSED = [
    ({"activation": "gelu_wide"}, "activation"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"new_decoder_architecture": True, "parallel_attn": False}, "parallel_attn"),
    ({"num_ln_in_parallel_attn": 2}, "new_decoder_architecture"),
]
