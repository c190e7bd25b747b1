"""BERT."""

import numpy as np
from support.case import Case

HEADS = (
    "BertModel",
    "BertForPreTraining",
    "BertForMaskedLM",
    "BertLMHeadModel",
    "BertForNextSentencePrediction",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertForMultipleChoice",
    "BertForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=24,
    type_vocab_size=2,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

CASES = [
    Case("encoder", TINY),
    Case("untied", {**TINY, "tie_word_embeddings": False, "hidden_act": "gelu_new"}, ("BertForMaskedLM",)),
    Case("classes", {**TINY, **LABELS}, ("BertForSequenceClassification", "BertForTokenClassification")),
    Case("many", {**TINY, **LABELS, "problem_type": "multi_label_classification"}, ("BertForSequenceClassification",)),
    Case("regression", {**TINY, "id2label": {"0": "L0"}, "label2id": {"L0": 0}}, ("BertForSequenceClassification",)),
    Case("decoder", {**TINY, "is_decoder": True}, ("BertLMHeadModel",)),
    Case(
        "cross",
        {**TINY, "is_decoder": True, "add_cross_attention": True},
        ("BertModel", "BertLMHeadModel"),
        extra={
            "encoder_hidden_states": lambda rng: rng.standard_normal((2, 5, 32)).astype(np.float32),
            "encoder_attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32),
        },
    ),
    Case("relative_key", {**TINY, "position_embedding_type": "relative_key"}, ("BertModel",)),
    Case("relative_key_query", {**TINY, "position_embedding_type": "relative_key_query"}, ("BertModel",)),
    Case(
        "embeds",
        TINY,
        ("BertModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

PUBLISHED = {
    "bert-base-uncased": ({}, ("BertModel", "BertForMaskedLM", "BertForPreTraining")),
    "bert-large-cased": (
        dict(vocab_size=28996, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
        ("BertForSequenceClassification",),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"position_embedding_type": "rotary"}, "position_embedding_type"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"add_cross_attention": True}, "is_decoder"),
]
