"""BLOOM."""

import numpy as np
from support.case import Case

HEADS = (
    "BloomModel",
    "BloomForCausalLM",
    "BloomForSequenceClassification",
    "BloomForTokenClassification",
    "BloomForQuestionAnswering",
)
TINY = dict(vocab_size=67, hidden_size=32, n_layer=3, n_head=4, pad_token_id=0)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

CASES = [
    Case("decoder", TINY, HEADS),
    Case(
        "six_heads",
        {**TINY, **LABELS, "hidden_size": 48, "n_head": 6, "layer_norm_epsilon": 1e-3},
        ("BloomForSequenceClassification", "BloomForTokenClassification"),
    ),
    Case(
        "normed_residual",
        {**TINY, "apply_residual_connection_post_layernorm": True, "tie_word_embeddings": False},
        ("BloomForCausalLM",),
    ),
    Case("slices", {**TINY, "slow_but_exact": True, "pretraining_tp": 2}, ("BloomModel",)),
    Case(
        "holes",
        {**TINY, "n_head": 1, "slow_but_exact": True},
        ("BloomModel",),
        extra={"attention_mask": np.array([[1] * 9, [1, 1, 0, 0, 1, 1, 1, 0, 1]], np.int32)},
    ),
    Case(
        "embeds",
        TINY,
        ("BloomModel",),
        extra={
            "input_ids": None,
            "attention_mask": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
]

PUBLISHED = {
    "bloom-560m": (
        dict(n_embed=1024, n_layer=24, num_attention_heads=16, pad_token_id=3),
        ("BloomForCausalLM", "BloomModel", "BloomForTokenClassification"),
    ),
    "bloom-7b1": (dict(n_embed=4096, n_layer=30, num_attention_heads=32, pad_token_id=3), ("BloomForCausalLM",)),
    "bloom": (
        dict(n_embed=14336, n_layer=70, num_attention_heads=112, pretraining_tp=4, pad_token_id=3),
        ("BloomForCausalLM",),
    ),
}

REFUSED = [
    ({"n_head": 5}, "multiple of n_head"),
    ({"pretraining_tp": 3, "slow_but_exact": True}, "multiple of pretraining_tp"),
]
