"""OPT."""

import numpy as np
from support.case import Case

HEADS = ("OPTModel", "OPTForCausalLM", "OPTForSequenceClassification", "OPTForQuestionAnswering")
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    ffn_dim=48,
    max_position_embeddings=24,
    num_attention_heads=4,
    pad_token_id=0,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
NARROW = {**TINY, "word_embed_proj_dim": 20, "do_layer_norm_before": False}

CASES = [
    Case("decoder", TINY, HEADS),
    Case("narrow", NARROW, ("OPTForCausalLM", "OPTForSequenceClassification", "OPTForQuestionAnswering")),
    Case("labels", {**TINY, **LABELS}, ("OPTForSequenceClassification",)),
    Case(
        "unbiased",
        {**TINY, "enable_bias": False, "activation_function": "gelu", "_remove_final_layer_norm": True},
        ("OPTModel",),
    ),
    Case("untied", {**TINY, "tie_word_embeddings": False}, ("OPTForCausalLM",)),
    Case(
        "left_padding",
        TINY,
        ("OPTModel",),
        extra={"attention_mask": np.array([[1] * 9, [1, 1, 0, 0, 1, 1, 1, 0, 1]], np.int32)},
    ),
    Case("no_mask", TINY, ("OPTModel",), extra={"attention_mask": None}),
    Case(
        "embeds",
        NARROW,
        ("OPTModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 20)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

PUBLISHED = {
    "opt-125m": ({}, ("OPTForCausalLM", "OPTModel")),
    "opt-350m": (
        dict(
            hidden_size=1024,
            num_hidden_layers=24,
            ffn_dim=4096,
            num_attention_heads=16,
            word_embed_proj_dim=512,
            do_layer_norm_before=False,
        ),
        ("OPTForCausalLM", "OPTForSequenceClassification"),
    ),
    "opt-6.7b": (
        dict(hidden_size=4096, num_hidden_layers=32, ffn_dim=16384, num_attention_heads=32),
        ("OPTForCausalLM",),
    ),
}

REFUSED = [
    ({"activation_function": "rela"}, "activation_function"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "multiple of num_attention_heads"),
    ({"layer_norm_elementwise_affine": False}, "layer_norm_elementwise_affine"),
]
