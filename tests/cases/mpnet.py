"""MPNet."""

import numpy as np
from support.case import Case, ids, right_padding

from cases.roberta import PADDED

HEADS = (
    "MPNetModel",
    "MPNetForMaskedLM",
    "MPNetForSequenceClassification",
    "MPNetForMultipleChoice",
    "MPNetForTokenClassification",
    "MPNetForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=24,
    pad_token_id=1,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
FAR = 150  # beyond the last bucket of distances

CASES = [
    Case("encoder", TINY),
    Case("untied", {**TINY, "tie_word_embeddings": False, "hidden_act": "gelu_new"}, ("MPNetForMaskedLM",)),
    Case("classes", {**TINY, **LABELS}, ("MPNetForSequenceClassification", "MPNetForTokenClassification")),
    Case(
        "padded",
        {**TINY, "pad_token_id": 3},  # positions still count from 1
        ("MPNetModel",),
        extra={"input_ids": PADDED, "attention_mask": (PADDED != 1).astype(np.int32)},
    ),
    Case("many_buckets", {**TINY, "relative_attention_num_buckets": 40}, ("MPNetModel",)),
    Case(
        "far",
        {**TINY, "max_position_embeddings": 160},
        ("MPNetModel",),
        extra={"input_ids": lambda rng: ids(rng, 67, (2, FAR)), "attention_mask": right_padding((2, FAR))},
    ),
    Case(
        "embeds",
        TINY,
        ("MPNetModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
    Case("positions", TINY, ("MPNetModel",), extra={"position_ids": np.arange(9)[None, ::-1].astype(np.int32)}),
]

BASE = dict(max_position_embeddings=514, layer_norm_eps=1e-5)
PUBLISHED = {
    "mpnet-base": (BASE, ("MPNetModel", "MPNetForMaskedLM", "MPNetForMultipleChoice")),
    "all-mpnet-base-v2": ({**BASE, "vocab_size": 30527}, ("MPNetModel", "MPNetForSequenceClassification")),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 5}, "num_attention_heads"),
    ({"relative_attention_num_buckets": 16}, "relative_attention_num_buckets"),
]
