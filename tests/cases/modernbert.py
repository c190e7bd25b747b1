"""ModernBERT."""

import numpy as np
from support.case import Case

HEADS = (
    "ModernBertModel",
    "ModernBertForMaskedLM",
    "ModernBertForSequenceClassification",
    "ModernBertForTokenClassification",
    "ModernBertForQuestionAnswering",
    "ModernBertForMultipleChoice",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=24,
    num_hidden_layers=4,
    num_attention_heads=4,
    max_position_embeddings=24,
    local_attention=4,
    pad_token_id=0,
    bos_token_id=1,
    cls_token_id=1,
    eos_token_id=2,
    sep_token_id=2,
)
BIASED = {**TINY, **{f"{n}_bias": True for n in ("norm", "attention", "mlp", "classifier")}, "decoder_bias": False}
CASES = [
    Case("encoder", TINY),
    Case("biased", {**BIASED, "global_attn_every_n_layers": 2, "local_rope_theta": None}, HEADS[:3]),
    Case(
        "mean",
        {**TINY, "classifier_pooling": "mean", "classifier_activation": "relu"},
        ("ModernBertForSequenceClassification", "ModernBertForMultipleChoice"),
    ),
    Case("untied", {**TINY, "tie_word_embeddings": False, "hidden_activation": "silu"}, HEADS[1:2]),
    Case("sparse", {**TINY, "sparse_prediction": True}, HEADS[1:2], extra={"labels": None}),
    Case(
        "left",
        TINY,
        ("ModernBertForMultipleChoice",),
        extra={"attention_mask": np.array([[[0] * i + [1] * (9 - i) for i in (1, 2, 3)]] * 2, np.int32)},
    ),
    Case(
        "embeds",
        {**TINY, "local_attention": 7},
        HEADS[:1],
        extra={
            "input_ids": None,
            "attention_mask": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 22]], np.int32),
        },
    ),
]
PUBLISHED = {
    "answerdotai/ModernBERT-base": ({}, ("ModernBertForMaskedLM", "ModernBertModel")),
    "answerdotai/ModernBERT-large": (
        dict(hidden_size=1024, intermediate_size=2624, num_hidden_layers=28, num_attention_heads=16),
        ("ModernBertForMaskedLM", "ModernBertForSequenceClassification"),
    ),
}
REFUSED = [
    ({"hidden_activation": "gelu_wide"}, "hidden_activation"),
    ({"classifier_pooling": "max"}, "classifier_pooling"),
    ({"num_attention_heads": 7}, "num_attention_heads"),
    ({"global_attn_every_n_layers": 0}, "global_attn_every_n_layers"),
]
