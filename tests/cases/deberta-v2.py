# ruff: noqa: N999
"""DeBERTa-v2."""

import numpy as np
from support.case import Case

HEADS = (
    "DebertaV2Model",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForMultipleChoice",
)
PLAIN = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=24,
)
TINY = {
    **PLAIN,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "position_buckets": 4,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
}
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
CLASSIFIER = ("DebertaV2ForSequenceClassification",)
CASES = [
    Case("shared", TINY),
    Case("plain", {**PLAIN, "type_vocab_size": 2, "hidden_act": "relu"}, HEADS[:2]),
    Case(
        "own",
        {**TINY, "share_att_key": False, "position_buckets": -1, "max_relative_positions": 5, "norm_rel_ebd": "none"},
        HEADS[:1],
    ),
    Case("one_way", {**TINY, "pos_att_type": "c2p", "share_att_key": False, "type_vocab_size": 3}, HEADS[:1]),
    Case("convolved", {**TINY, "conv_kernel_size": 3, "conv_act": "gelu", "conv_groups": 2}, HEADS[:2]),
    Case("narrow", {**TINY, "embedding_size": 16, "position_biased_input": True}, HEADS[:2]),
    Case("untied", {**TINY, "tie_word_embeddings": False}, HEADS[1:2]),
    Case("new_words", {**TINY, "legacy": False, "tie_word_embeddings": False}, HEADS[1:2]),
    Case("classes", {**TINY, **LABELS, "pooler_hidden_act": "tanh"}, CLASSIFIER),
    Case("some", {**TINY, **LABELS}, CLASSIFIER, extra={"labels": np.array([-1, 2], np.int32)}),
    Case("shares", {**TINY, **LABELS}, CLASSIFIER, extra={"labels": lambda r: r.random((2, 3)).astype(np.float32)}),
    Case("many", {**TINY, **LABELS, "problem_type": "multi_label_classification"}, CLASSIFIER),
    Case(
        "regression",
        {**TINY, "id2label": {"0": "L0"}, "label2id": {"L0": 0}},
        CLASSIFIER,
        extra={"labels": lambda r: r.standard_normal(2).astype(np.float32)},
    ),
    Case(
        "embeds",
        {**TINY, "position_biased_input": True},
        HEADS[:1],
        extra={
            "input_ids": None,
            "attention_mask": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]
V3 = {
    "relative_attention": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "max_relative_positions": -1,
}
PUBLISHED = {
    "microsoft/deberta-v3-base": (
        dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072, **V3),
        ("DebertaV2ForMaskedLM", "DebertaV2Model"),
    ),
    "microsoft/deberta-v2-xlarge": (
        dict(vocab_size=128100, conv_kernel_size=3, conv_act="gelu", **V3),
        ("DebertaV2ForSequenceClassification",),
    ),
    "microsoft/mdeberta-v3-base": (
        dict(
            vocab_size=251000,
            hidden_size=768,
            num_hidden_layers=12,
            num_attention_heads=12,
            intermediate_size=3072,
            **V3,
        ),
        ("DebertaV2Model",),
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 7}, "num_attention_heads"),
    ({"attention_head_size": 32}, "attention_head_size"),
    ({"pooler_hidden_size": 7}, "pooler_hidden_size"),
]
