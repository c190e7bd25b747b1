"""ELECTRA."""

import numpy as np
from support.case import B, Case, S, default_inputs

OTHERS = (
    "ElectraModel",
    "ElectraForMaskedLM",
    "ElectraForCausalLM",
    "ElectraForSequenceClassification",
    "ElectraForMultipleChoice",
    "ElectraForTokenClassification",
    "ElectraForQuestionAnswering",
)
DISCRIMINATOR = ("ElectraForPreTraining",)
HEADS = (*OTHERS, *DISCRIMINATOR)
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


def replaced(head, c, rng):
    """The default inputs with labels that say of every token whether it was replaced."""
    x = default_inputs(head, c, rng)
    del x["next_sentence_label"]
    return {**x, "labels": rng.integers(0, 2, (B, S), dtype=np.int32)}


CASES = [
    Case("encoder", TINY, OTHERS),
    Case("replaced", {**TINY, "hidden_act": "relu"}, DISCRIMINATOR, replaced),
    Case("replaced_unpadded", TINY, DISCRIMINATOR, replaced, extra={"attention_mask": None}),
    Case(
        "same_width",
        {**TINY, "embedding_size": 32, "tie_word_embeddings": False, "hidden_act": "gelu_new"},
        ("ElectraForMaskedLM",),
    ),
    Case("classes", {**TINY, **LABELS}, ("ElectraForSequenceClassification", "ElectraForTokenClassification")),
    Case(
        "mean",
        {**TINY, "summary_type": "mean", "summary_use_proj": False, "summary_activation": None},
        ("ElectraForMultipleChoice",),
    ),
    Case("last", {**TINY, "summary_type": "last", "summary_activation": "tanh"}, ("ElectraForMultipleChoice",)),
    Case(
        "cross",
        {**TINY, "is_decoder": True, "add_cross_attention": True},
        ("ElectraForCausalLM",),
        extra={
            "encoder_hidden_states": lambda rng: rng.standard_normal((2, 5, 32)).astype(np.float32),
            "encoder_attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32),
        },
    ),
    Case("decoder", {**TINY, "is_decoder": True}, ("ElectraForCausalLM",)),
    Case("relative_key", {**TINY, "position_embedding_type": "relative_key"}, ("ElectraModel",)),
    Case(
        "embeds",
        TINY,
        ("ElectraModel",),
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 20)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
]

BASE = dict(embedding_size=768, hidden_size=768, num_attention_heads=12, intermediate_size=3072)
PUBLISHED = {
    "electra-small-discriminator": ({}, ("ElectraModel", "ElectraForSequenceClassification")),
    "electra-small-generator": ({}, ("ElectraForMaskedLM",)),
    "electra-base-discriminator": (BASE, ("ElectraForMultipleChoice", "ElectraForQuestionAnswering")),
    "electra-large-generator": (
        dict(embedding_size=1024, hidden_size=256, num_hidden_layers=24, num_attention_heads=4),
        ("ElectraForMaskedLM",),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"summary_type": "attn"}, "summary_type"),
    ({"hidden_size": 30}, "num_attention_heads"),
]
