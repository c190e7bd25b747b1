"""GPT-2."""

import numpy as np
from support.case import Case, ids

HEADS = (
    "GPT2Model",
    "GPT2LMHeadModel",
    "GPT2DoubleHeadsModel",
    "GPT2ForSequenceClassification",
    "GPT2ForTokenClassification",
    "GPT2ForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    n_positions=24,
    n_embd=32,
    n_layer=3,
    n_head=4,
    bos_token_id=1,
    eos_token_id=1,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
MEMORY = {
    "encoder_hidden_states": lambda rng: rng.standard_normal((2, 5, 32)).astype(np.float32),
    "encoder_attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32),
}
ALONE = {  # double heads on sequences that are not grouped into choices
    "input_ids": lambda rng: ids(rng, 67),
    "attention_mask": None,
    "mc_token_ids": None,
    "labels": None,
    "mc_labels": None,
}

CASES = [
    Case("decoder", TINY, tuple(h for h in HEADS if h != "GPT2ForSequenceClassification")),
    Case(
        "padded",
        {**TINY, **LABELS, "pad_token_id": 0},
        ("GPT2ForSequenceClassification", "GPT2ForTokenClassification"),
    ),
    Case(
        "many",
        {**TINY, **LABELS, "pad_token_id": 0, "problem_type": "multi_label_classification"},
        ("GPT2ForSequenceClassification",),
    ),
    Case("types", TINY, ("GPT2Model",), extra={"token_type_ids": lambda rng: ids(rng, 67)}),
    Case("untied", {**TINY, "tie_word_embeddings": False}, ("GPT2LMHeadModel", "GPT2DoubleHeadsModel")),
    Case("relu", {**TINY, "activation_function": "relu", "n_inner": 48}, ("GPT2LMHeadModel",)),
    Case("unscaled", {**TINY, "scale_attn_weights": False}, ("GPT2Model",)),
    Case(
        "inverse_layer_idx",
        {**TINY, "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
        ("GPT2LMHeadModel",),
    ),
    Case("cross", {**TINY, "add_cross_attention": True}, ("GPT2Model", "GPT2LMHeadModel"), extra=MEMORY),
    Case(
        "cross_inverse_layer_idx",
        {**TINY, "add_cross_attention": True, "scale_attn_by_inverse_layer_idx": True},
        ("GPT2Model",),
        extra=MEMORY,
    ),
    Case("last_words", TINY, ("GPT2LMHeadModel",), extra={"labels": None}, options={"logits_to_keep": 2}),
    Case(
        "summary",
        {**TINY, "summary_proj_to_labels": False, "summary_activation": "tanh"},
        ("GPT2DoubleHeadsModel",),
        extra={"mc_token_ids": None, "mc_labels": None},
    ),
    Case("bare_summary", {**TINY, "summary_use_proj": False}, ("GPT2DoubleHeadsModel",), extra={"mc_labels": None}),
    *(
        Case(f"summary_{kind}", {**TINY, "summary_type": kind}, ("GPT2DoubleHeadsModel",), extra=ALONE)
        for kind in ("last", "first", "mean")
    ),
    Case(
        "embeds",
        TINY,
        ("GPT2Model",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

PUBLISHED = {
    "gpt2": ({}, ("GPT2LMHeadModel", "GPT2Model", "GPT2DoubleHeadsModel")),
    "gpt2-medium": (dict(n_embd=1024, n_layer=24, n_head=16), ("GPT2LMHeadModel",)),
    "gpt2-xl": (dict(n_embd=1600, n_layer=48, n_head=25), ("GPT2LMHeadModel",)),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"summary_type": "attn"}, "summary_type"),
    ({"n_embd": 30, "n_head": 4}, "n_head"),
]
