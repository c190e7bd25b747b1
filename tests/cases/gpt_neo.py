"""GPT-Neo."""

import numpy as np
from support.case import Case, ids

HEADS = (
    "GPTNeoModel",
    "GPTNeoForCausalLM",
    "GPTNeoForSequenceClassification",
    "GPTNeoForTokenClassification",
    "GPTNeoForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    max_position_embeddings=24,
    hidden_size=32,
    num_layers=3,
    attention_types=[[["global", "local"], 1], [["local"], 1]],
    num_heads=4,
    window_size=4,
    bos_token_id=1,
    eos_token_id=1,
    pad_token_id=0,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

CASES = [
    Case("decoder", TINY, HEADS),
    Case("labels", {**TINY, **LABELS}, ("GPTNeoForSequenceClassification", "GPTNeoForTokenClassification")),
    Case(
        "untied",
        {**TINY, "tie_word_embeddings": False, "intermediate_size": 48, "activation_function": "relu"},
        ("GPTNeoForCausalLM",),
    ),
    Case(
        "local",
        {**TINY, "attention_types": [[["local"], 3]], "window_size": 1, "layer_norm_epsilon": 1e-3},
        ("GPTNeoModel",),
        extra={"token_type_ids": lambda rng: ids(rng, 67), "attention_mask": None},  # no token without one to see
    ),
    Case(
        "embeds",
        {**TINY, "attention_types": [[["global"], 3]]},
        ("GPTNeoModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

PUBLISHED = {
    "gpt-neo-1.3B": ({}, ("GPTNeoForCausalLM", "GPTNeoModel")),
    "gpt-neo-125m": (
        dict(hidden_size=768, num_layers=12, num_heads=12, attention_types=[[["global", "local"], 6]]),
        ("GPTNeoForCausalLM",),
    ),
    "gpt-neo-2.7B": (
        dict(hidden_size=2560, num_layers=32, num_heads=20, attention_types=[[["global", "local"], 16]]),
        ("GPTNeoForCausalLM",),
    ),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"num_heads": 3}, "multiple of num_heads"),
    ({"window_size": 0}, "window_size must be"),
    ({"num_layers": 2}, "attention_types must name"),
    ({"attention_types": [[["global", "near"], 12]]}, "attention_types must name"),
]
