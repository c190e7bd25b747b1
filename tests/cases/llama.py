"""Llama."""

import numpy as np
from support.case import Case

HEADS = (
    "LlamaModel",
    "LlamaForCausalLM",
    "LlamaForSequenceClassification",
    "LlamaForTokenClassification",
    "LlamaForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    max_position_embeddings=24,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
SHORT = {**TINY, "max_position_embeddings": 6}  # exceeded by the inputs
WIDE = {**TINY, "max_position_embeddings": 64, "head_dim": 16, "rope_theta": 50.0}
FAR = {"position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34], [9, 10, 11, 12, 13, 14, 15, 16, 17]], np.int32)}


def stretched(name, config, extra=None, **scaling):
    return Case(name, {**config, "rope_scaling": scaling}, ("LlamaModel",), extra=FAR if extra is None else extra)


CASES = [
    Case("decoder", TINY, tuple(h for h in HEADS if h != "LlamaForSequenceClassification")),
    Case(
        "padded",
        {**TINY, **LABELS, "pad_token_id": 0},
        ("LlamaForSequenceClassification", "LlamaForTokenClassification"),
    ),
    Case(
        "regression",
        {**TINY, "pad_token_id": 0, "id2label": {"0": "L0"}, "label2id": {"L0": 0}},
        ("LlamaForSequenceClassification",),
    ),
    Case("grouped", {**TINY, "num_key_value_heads": 2, "head_dim": 10}, ("LlamaModel", "LlamaForCausalLM")),
    Case("one_key_head", {**TINY, "num_key_value_heads": 1}, ("LlamaModel",)),
    Case("biased", {**TINY, "attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"}, ("LlamaModel",)),
    Case("tied", {**TINY, "tie_word_embeddings": True, "rms_norm_eps": 1e-5}, ("LlamaForCausalLM",)),
    Case("last_words", TINY, ("LlamaForCausalLM",), extra={"labels": None}, options={"logits_to_keep": 2}),
    Case("far", {**TINY, "rope_theta": 500.0}, ("LlamaModel",), extra=FAR),
    stretched("default", TINY, rope_type="default"),
    stretched("linear", TINY, type="linear", factor=2.5),
    stretched("dynamic", SHORT, rope_type="dynamic", factor=2.0),
    stretched("dynamic_within", TINY, {}, rope_type="dynamic", factor=2.0),
    stretched("yarn", WIDE, rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
    stretched(
        "yarn_with_all_its_keys",
        WIDE,
        rope_type="yarn",
        factor=4.0,
        original_max_position_embeddings=16,
        beta_fast=1.5,
        beta_slow=0.5,
        mscale=0.7,
        mscale_all_dim=1.3,
        truncate=False,
    ),
    stretched("yarn_attention", SHORT, rope_type="yarn", factor=4.0, attention_factor=0.8),
    stretched(
        "longrope_long",
        SHORT,
        rope_type="longrope",
        factor=4.0,
        short_factor=[1.0, 1.1, 1.3, 1.6],
        long_factor=[1.2, 2.0, 3.0, 5.0],
    ),
    stretched(
        "longrope_short",
        TINY,
        {},
        rope_type="longrope",
        factor=4.0,
        attention_factor=1.2,
        short_factor=[1.0, 1.1, 1.3, 1.6],
        long_factor=[1.2, 2.0, 3.0, 5.0],
    ),
    stretched(
        "llama3",
        WIDE,
        rope_type="llama3",
        factor=8.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=32,
    ),
    Case(
        "embeds",
        TINY,
        ("LlamaModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

LLAMA_3 = dict(
    vocab_size=128256,
    hidden_size=4096,
    intermediate_size=14336,
    num_key_value_heads=8,
    max_position_embeddings=8192,
    rope_theta=500000.0,
    rms_norm_eps=1e-5,
)
PUBLISHED = {
    "llama-7b": ({}, ("LlamaForCausalLM", "LlamaModel")),
    "Llama-2-70b": (
        dict(
            hidden_size=8192,
            intermediate_size=28672,
            num_hidden_layers=80,
            num_attention_heads=64,
            num_key_value_heads=8,
            max_position_embeddings=4096,
        ),
        ("LlamaForCausalLM",),
    ),
    "Meta-Llama-3-8B": (LLAMA_3, ("LlamaForCausalLM", "LlamaForQuestionAnswering")),
    "Llama-3.2-1B": (
        {
            **LLAMA_3,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 16,
            "head_dim": 64,
            "max_position_embeddings": 131072,
            "rope_scaling": {
                "rope_type": "llama3",
                "factor": 32.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192,
            },
            "tie_word_embeddings": True,
        },
        ("LlamaForCausalLM",),
    ),
    "CodeLlama-7b": (
        dict(vocab_size=32016, max_position_embeddings=16384, rope_theta=1e6, rms_norm_eps=1e-5),
        ("LlamaForCausalLM",),
    ),
}

REFUSED = [
    ({"hidden_act": "silo"}, "hidden_act"),
    ({"num_attention_heads": 4, "num_key_value_heads": 3}, "num_key_value_heads"),
    ({"head_dim": 7}, "even number"),
    ({"rope_scaling": {"rope_type": "spiral", "factor": 2.0}}, "rope_type"),
    ({"rope_scaling": {"type": "linear"}}, "factor"),
    ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "low_freq_factor"),
    ({"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}}, "factor"),
    (
        {"rope_scaling": {"rope_type": "longrope", "factor": 2.0, "short_factor": [1.0], "long_factor": [1.0]}},
        "short_factor must hold 64",
    ),
]
