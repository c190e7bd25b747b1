"""GPT-J."""

import numpy as np
from support.case import Case, ids

HEADS = ("GPTJModel", "GPTJForCausalLM", "GPTJForSequenceClassification", "GPTJForQuestionAnswering")
TINY = dict(
    vocab_size=67,
    n_positions=24,
    n_embd=32,
    n_layer=3,
    n_head=4,
    rotary_dim=4,
    bos_token_id=1,
    eos_token_id=1,
    pad_token_id=0,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

CASES = [
    Case("decoder", TINY, HEADS),
    Case("labels", {**TINY, **LABELS, "rotary_dim": 8}, ("GPTJForSequenceClassification",)),
    Case(
        "tied",
        {**TINY, "tie_word_embeddings": True, "n_inner": 48, "activation_function": "relu"},
        ("GPTJForCausalLM",),
    ),
    Case(
        "one_head",
        {**TINY, "n_head": 1, "rotary_dim": None, "layer_norm_epsilon": 1e-3},
        ("GPTJModel",),
        extra={"token_type_ids": lambda rng: ids(rng, 67)},
    ),
    Case(
        "embeds",
        TINY,
        ("GPTJModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

PUBLISHED = {
    "gpt-j-6b": ({}, ("GPTJForCausalLM", "GPTJModel", "GPTJForQuestionAnswering")),
    "tiny-random-gptj": (
        dict(vocab_size=1000, n_embd=32, n_layer=5, n_head=4, rotary_dim=4, n_positions=512),
        ("GPTJForCausalLM",),
    ),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"n_head": 3}, "multiple of n_head"),
    ({"rotary_dim": 300}, "rotary_dim must be at most"),
    ({"rotary_dim": None}, "rotary_dim must be at most"),
    ({"rotary_dim": 63}, "even number"),
]
