"""MobileNetV2."""

import numpy as np
from support.case import Case, image_inputs

HEADS = ("MobileNetV2Model", "MobileNetV2ForImageClassification", "MobileNetV2ForSemanticSegmentation")
TINY = dict(num_channels=3, image_size=32, depth_multiplier=0.1, expand_ratio=2.0, finegrained_output=False)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
CLASSIFIER, SEGMENTER = HEADS[1:]


def pixels(*shape):
    return {"pixel_values": lambda rng: rng.standard_normal(shape).astype(np.float32)}


def inputs(head, c, rng):
    """Images; for the segmenter labels of another size, some of them ignored."""
    x = image_inputs(head, c, rng)
    if head == SEGMENTER:
        classes = len(c["id2label"]) if c.get("id2label") else 2
        x["labels"] = rng.integers(0, classes, (2, 20, 27), dtype=np.int32)
        x["labels"][:, 3:7] = c.get("semantic_loss_ignore_index", 255)
    return x


# Enough images, and pixels in the last block, for a batch's statistics to mean something: the segmenter normalises the
# mean of an image over the batch.
LARGE = pixels(8, 3, 48, 56)
TRAIN = {**TINY, **LABELS, "output_stride": 8, "classifier_dropout_prob": 0.0}

CASES = [
    Case("blocks", {**TINY, **LABELS}, inputs=inputs, extra=pixels(2, 3, 45, 38)),
    Case(
        "wide",
        {**TINY, "depth_multiplier": 0.35, "depth_divisible_by": 4, "min_depth": 4, "finegrained_output": True},
        ("MobileNetV2Model",),
    ),
    Case(
        "dilated",
        {**TINY, **LABELS, "output_stride": 8, "semantic_loss_ignore_index": 1, "hidden_act": "relu"},
        ("MobileNetV2Model", SEGMENTER),
        inputs=inputs,
        extra=pixels(2, 3, 33, 40),
    ),
    Case(
        "symmetric",
        {**TINY, **LABELS, "tf_padding": False, "output_stride": 16, "first_layer_is_expansion": False},
        ("MobileNetV2Model", CLASSIFIER),
        extra=pixels(2, 3, 45, 38),
    ),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification", "layer_norm_eps": 0.1},
        (CLASSIFIER,),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("train", TRAIN, ("MobileNetV2Model",), extra=LARGE, options={"train": True}),
    Case(
        "train_classes",
        TRAIN,
        (CLASSIFIER,),
        extra={**LARGE, "labels": np.array([0, 1, 2, 2, 1, 0, 0, 1], np.int32)},
        options={"train": True},
    ),
    Case(
        "train_pixels",
        TRAIN,
        (SEGMENTER,),
        extra={**LARGE, "labels": lambda rng: rng.integers(0, 3, (8, 20, 27), dtype=np.int32)},
        options={"train": True},
    ),
]

PUBLISHED = {
    "google/mobilenet_v2_1.0_224": (dict(num_labels=1001), ("MobileNetV2Model", CLASSIFIER)),
    "google/mobilenet_v2_0.35_96": (dict(num_labels=1001, depth_multiplier=0.35, image_size=96), (CLASSIFIER,)),
    "google/mobilenet_v2_1.4_224": (dict(num_labels=1001, depth_multiplier=1.4), (CLASSIFIER,)),
    "google/deeplabv3_mobilenet_v2_1.0_513": (
        dict(num_labels=21, image_size=513, output_stride=8, first_layer_is_expansion=True),
        (SEGMENTER,),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"depth_multiplier": 0.0}, "depth_multiplier"),
]
