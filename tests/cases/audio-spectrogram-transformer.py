# ruff: noqa: N999
"""Audio Spectrogram Transformer."""

import numpy as np
from support.case import Case

from cases.vit import LABELS

HEADS = ("ASTModel", "ASTForAudioClassification")
TINY = dict(
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=40,
    patch_size=4,
    frequency_stride=3,
    time_stride=2,
    max_length=13,
    num_mel_bins=11,
    output_hidden_states=True,  # the reference reads these from the config, not from the call
    output_attentions=True,
)


def inputs(head, c, rng):
    """Two spectrograms and their classes."""
    x = rng.standard_normal((2, c.get("max_length", 1024), c.get("num_mel_bins", 128))).astype(np.float32)
    classes = len(c["id2label"]) if c.get("id2label") else 2
    labels = {"labels": rng.integers(0, classes, 2, dtype=np.int32)} if "For" in head else {}
    return {"input_values": x, **labels}


CASES = [
    Case("overlapping", TINY, inputs=inputs),
    Case("apart", {**TINY, **LABELS, "frequency_stride": 4, "time_stride": 4, "qkv_bias": False}, inputs=inputs),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification", "hidden_act": "relu"},
        HEADS[1:],
        inputs=inputs,
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
]
PUBLISHED = {
    "MIT/ast-finetuned-audioset-10-10-0.4593": ({"num_labels": 527}, ("ASTForAudioClassification", "ASTModel")),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"patch_size": 200}, "patch_size"),
]
