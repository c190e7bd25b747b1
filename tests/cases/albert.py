"""ALBERT."""

import numpy as np
from support.case import Case, default_inputs

OTHERS = (
    "AlbertModel",
    "AlbertForMaskedLM",
    "AlbertForSequenceClassification",
    "AlbertForTokenClassification",
    "AlbertForQuestionAnswering",
    "AlbertForMultipleChoice",
)
PRETRAINING = ("AlbertForPreTraining",)
HEADS = (*OTHERS, *PRETRAINING)
TINY = dict(
    vocab_size=67,
    embedding_size=20,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=24,
    type_vocab_size=2,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
GROUPS = {**TINY, "num_hidden_groups": 2, "inner_group_num": 2}


def in_order(head, c, rng):
    """The default inputs; the second label says whether sentences were swapped."""
    x = default_inputs(head, c, rng)
    x["sentence_order_label"] = x.pop("next_sentence_label")
    return x


CASES = [
    Case("encoder", TINY, OTHERS),
    Case("order", TINY, PRETRAINING, in_order),
    Case("groups", {**GROUPS, "num_hidden_layers": 4}, ("AlbertModel",)),
    Case(
        "uneven_groups",
        {**TINY, "num_hidden_groups": 2, "position_embedding_type": "relative_key_query"},
        ("AlbertModel",),
    ),
    Case("relative_key", {**TINY, "position_embedding_type": "relative_key"}, ("AlbertModel",)),
    Case("untied", {**TINY, "tie_word_embeddings": False, "hidden_act": "gelu"}, ("AlbertForMaskedLM",)),
    Case("classes", {**TINY, **LABELS}, ("AlbertForSequenceClassification", "AlbertForTokenClassification")),
    Case(
        "embeds",
        TINY,
        ("AlbertModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 20)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

PUBLISHED = {
    "albert-base-v2": (
        dict(hidden_size=768, num_attention_heads=12, intermediate_size=3072),
        ("AlbertModel", "AlbertForMaskedLM", "AlbertForMultipleChoice"),
    ),
    "albert-xxlarge-v2": ({"layer_norm_eps": 1e-12}, ("AlbertForSequenceClassification",)),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 3}, "num_attention_heads"),
    ({"num_hidden_groups": 0}, "num_hidden_groups"),
]
