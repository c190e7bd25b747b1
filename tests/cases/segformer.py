"""SegFormer."""

import numpy as np
from support.case import Case, image_inputs

HEADS = (
    "SegformerModel",
    "SegformerForImageClassification",
    "SegformerForSemanticSegmentation",
    "SegformerDecodeHead",
)
MODEL, CLASSIFIER, SEGMENTER, DECODER = HEADS
TINY = dict(
    num_channels=3,
    num_encoder_blocks=3,
    depths=[2, 1, 2],
    sr_ratios=[4, 2, 1],
    hidden_sizes=[8, 12, 16],
    patch_sizes=[7, 3, 3],
    strides=[4, 2, 2],
    num_attention_heads=[1, 2, 4],
    mlp_ratios=[2, 2, 1.5],
    decoder_hidden_size=16,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
ONE = {"id2label": {"0": "L0"}, "label2id": {"L0": 0}}


def pixels(*shape):
    return {"pixel_values": lambda rng: rng.standard_normal(shape).astype(np.float32)}


def inputs(head, c, rng):
    """Images, or a map of every stage; labels of pixels in another size, some of them ignored."""
    if head == DECODER:
        sizes = [(8 >> i, 12 >> i) for i in range(len(c["hidden_sizes"]))]
        shapes = [(2, d, *size) for d, size in zip(c["hidden_sizes"], sizes, strict=True)]
        return {"encoder_hidden_states": tuple(rng.standard_normal(s).astype(np.float32) for s in shapes)}
    x = image_inputs(head, c, rng)
    if head == SEGMENTER:
        classes = len(c["id2label"]) if c.get("id2label") else 2
        x["labels"] = rng.integers(0, max(classes, 2), (2, 20, 27), dtype=np.int32)
        x["labels"][:, 3:7] = c.get("semantic_loss_ignore_index", 255)
    return x


def flat_end(head, c, rng):
    """The reference takes the last map's width, 16, for its number of patches, so that there must be as many."""
    x = inputs(head, c, rng)
    if head == DECODER:
        shapes = (2, 8, 16, 16), (2, 12, 8, 8), (2, 16, 16)
        return {"encoder_hidden_states": tuple(rng.standard_normal(s).astype(np.float32) for s in shapes)}
    return {**x, "pixel_values": rng.standard_normal((2, 3, 64, 64)).astype(np.float32)}


CASES = [
    Case("stages", {**TINY, **LABELS}, inputs=inputs),
    Case("oblong", {**TINY, **LABELS}, (MODEL, SEGMENTER), inputs=inputs, extra=pixels(2, 3, 45, 38)),
    Case(
        "flat_end",
        {**TINY, **LABELS, "reshape_last_stage": False, "hidden_act": "relu", "layer_norm_eps": 0.5},
        inputs=flat_end,
    ),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        (CLASSIFIER,),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("yes_or_no", {**TINY, **ONE, "semantic_loss_ignore_index": 7}, (SEGMENTER,), inputs=inputs),
    Case(
        "train",
        {**TINY, **LABELS, "classifier_dropout_prob": 0.0, "drop_path_rate": 0.0},
        (SEGMENTER, DECODER),
        inputs=inputs,
        options={"train": True},
    ),
]

B5 = dict(
    num_labels=150,
    depths=[3, 6, 40, 3],
    hidden_sizes=[64, 128, 320, 512],
    decoder_hidden_size=768,
)
PUBLISHED = {
    "nvidia/mit-b0": (dict(num_labels=1000), (MODEL, CLASSIFIER)),
    "nvidia/segformer-b5-finetuned-ade-640-640": (B5, (SEGMENTER, DECODER)),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"sr_ratios": [8, 4]}, "sr_ratios"),
    ({"num_attention_heads": [1, 2, 5, 7]}, "num_attention_heads"),
    ({"depths": [2, 0, 2, 2]}, "depths"),
    ({"drop_path_rate": 1.0}, "drop_path_rate"),
]
