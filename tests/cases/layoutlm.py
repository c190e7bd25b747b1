"""LayoutLM."""

import numpy as np
from support.case import Case, default_inputs

from cases.bert import LABELS
from cases.bert import TINY as BERT

HEADS = (
    "LayoutLMModel",
    "LayoutLMForMaskedLM",
    "LayoutLMForSequenceClassification",
    "LayoutLMForTokenClassification",
    "LayoutLMForQuestionAnswering",
)
TINY = {**BERT, "max_2d_position_embeddings": 60}


def inputs(head, c, rng):
    """Words of a page and their boxes."""
    x = default_inputs(head, c, rng)
    corner, size = rng.integers(0, 30, (2, 9, 2)), rng.integers(0, 25, (2, 9, 2))
    return {**x, "bbox": np.concatenate([corner, corner + size], -1).astype(np.int32)}


CASES = [
    Case("page", TINY, inputs=inputs),
    Case("untied", {**TINY, "tie_word_embeddings": False, "hidden_act": "relu"}, HEADS[1:2], inputs=inputs),
    Case("classes", {**TINY, **LABELS}, HEADS[2:4], inputs=inputs),
    Case("many", {**TINY, **LABELS, "problem_type": "multi_label_classification"}, HEADS[2:3], inputs=inputs),
    Case("no_boxes", TINY, HEADS[:1]),
    Case(
        "embeds",
        TINY,
        HEADS[:1],
        inputs=inputs,
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]
PUBLISHED = {
    "microsoft/layoutlm-base-uncased": ({}, ("LayoutLMForMaskedLM", "LayoutLMModel")),
    "microsoft/layoutlm-large-uncased": (
        dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
        ("LayoutLMForTokenClassification",),
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
]
