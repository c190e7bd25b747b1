"""GPT-NeoX."""

import numpy as np
from support.case import Case

HEADS = (
    "GPTNeoXModel",
    "GPTNeoXForCausalLM",
    "GPTNeoXForSequenceClassification",
    "GPTNeoXForTokenClassification",
    "GPTNeoXForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    rotary_pct=0.5,
    max_position_embeddings=24,
    pad_token_id=0,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

CASES = [
    Case("decoder", TINY, HEADS),
    Case(
        "serial",
        {**TINY, **LABELS, "use_parallel_residual": False, "hidden_act": "gelu_new", "rotary_pct": 1.0},
        ("GPTNeoXForSequenceClassification", "GPTNeoXForTokenClassification"),
    ),
    Case(
        "tied",
        {**TINY, "tie_word_embeddings": True, "attention_bias": False, "layer_norm_eps": 1e-3},
        ("GPTNeoXForCausalLM",),
    ),
    Case("last_words", TINY, ("GPTNeoXForCausalLM",), extra={"labels": None}, options={"logits_to_keep": 2}),
    Case(
        "far",
        {**TINY, "rotary_emb_base": 500.0, "rope_scaling": {"type": "linear", "factor": 2.5}},
        ("GPTNeoXModel",),
        extra={
            "position_ids": np.array([[0, 1, 2, 3, 5, 8, 13, 21, 34], [9, 10, 11, 12, 13, 14, 15, 16, 17]], np.int32)
        },
    ),
    Case(
        "embeds",
        TINY,
        ("GPTNeoXModel",),
        extra={"input_ids": None, "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32)},
    ),
]

PUBLISHED = {
    "gpt-neox-20b": ({}, ("GPTNeoXForCausalLM", "GPTNeoXModel")),
    "pythia-70m": (
        dict(
            vocab_size=50304,
            hidden_size=512,
            num_hidden_layers=6,
            num_attention_heads=8,
            intermediate_size=2048,
            eos_token_id=0,
        ),
        ("GPTNeoXForCausalLM", "GPTNeoXForQuestionAnswering"),
    ),
    "RedPajama-INCITE-Base-3B-v1": (
        dict(
            hidden_size=2560,
            num_hidden_layers=32,
            num_attention_heads=32,
            intermediate_size=10240,
            rotary_pct=1.0,
            use_parallel_residual=False,
            eos_token_id=0,
        ),
        ("GPTNeoXForCausalLM",),
    ),
}

REFUSED = [
    ({"hidden_act": "gelo"}, "hidden_act"),
    ({"num_attention_heads": 5}, "multiple of num_attention_heads"),
    ({"rotary_pct": 1.5}, "rotary_pct must choose pairs"),
    ({"hidden_size": 20, "num_attention_heads": 4, "rotary_pct": 1.0}, "rotary_pct must choose pairs"),
    (
        {
            "hidden_size": 40,
            "num_attention_heads": 4,
            "rotary_pct": 0.5,
            "rope_scaling": {"type": "linear", "factor": 2},
        },
        "even number",
    ),
    ({"rope_scaling": {"type": "linear"}}, "factor"),
]
