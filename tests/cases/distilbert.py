"""DistilBERT."""

import numpy as np
from support.case import Case

HEADS = (
    "DistilBertModel",
    "DistilBertForMaskedLM",
    "DistilBertForSequenceClassification",
    "DistilBertForMultipleChoice",
    "DistilBertForTokenClassification",
    "DistilBertForQuestionAnswering",
)
TINY = dict(vocab_size=67, dim=32, n_layers=3, n_heads=4, hidden_dim=48, max_position_embeddings=24)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

CASES = [
    Case("encoder", TINY),
    Case("untied", {**TINY, "tie_word_embeddings": False, "activation": "relu"}, ("DistilBertForMaskedLM",)),
    Case(
        "classes",
        {**TINY, **LABELS},
        ("DistilBertForSequenceClassification", "DistilBertForTokenClassification"),
    ),
    Case(
        "regression",
        {**TINY, **LABELS, "problem_type": "regression"},
        ("DistilBertForSequenceClassification",),
    ),
    Case(
        "embeds",
        {**TINY, "sinusoidal_pos_embds": True},
        ("DistilBertModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
]

PUBLISHED = {
    "distilbert-base-uncased": ({}, ("DistilBertModel", "DistilBertForMaskedLM", "DistilBertForMultipleChoice")),
    "distilbert-base-multilingual-cased": ({"vocab_size": 119547}, ("DistilBertForMaskedLM",)),
}

REFUSED = [
    ({"activation": "gelu_wide"}, "activation"),
    ({"dim": 30, "n_heads": 4}, "multiple of n_heads"),
]
