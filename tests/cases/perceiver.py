"""Perceiver."""

import numpy as np
from support.case import Case, ids, labels, right_padding

TEXT = ("PerceiverForMaskedLM", "PerceiverForSequenceClassification")
IMAGES = (
    "PerceiverForImageClassificationLearned",
    "PerceiverForImageClassificationFourier",
    "PerceiverForImageClassificationConvProcessing",
)
FLOW, VIDEO = "PerceiverForOpticalFlow", "PerceiverForMultimodalAutoencoding"
HEADS = ("PerceiverModel", *TEXT, *IMAGES, FLOW, VIDEO)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}

TINY = dict(
    num_latents=6,
    d_latents=16,
    d_model=24,
    num_blocks=2,
    num_self_attends_per_block=2,
    num_self_attention_heads=4,
    num_cross_attention_heads=1,
    vocab_size=70,
    max_position_embeddings=12,
    image_size=9,
    train_size=[5, 9],
    num_frames=2,
    audio_samples_per_frame=24,
    samples_per_patch=8,
    output_shape=[1, 2, 8, 12],
    output_num_channels=10,
    _label_trainable_num_channels=20,
)
DEFAULTS = dict(
    d_model=768,
    vocab_size=262,
    max_position_embeddings=2048,
    image_size=56,
    train_size=[368, 496],
    num_frames=16,
    audio_samples_per_frame=1920,
    samples_per_patch=16,
    output_shape=[1, 16, 224, 224],
)


def inputs(head, c, rng):
    """Two of what the head reads; texts fill all places that the masked words are asked at."""
    c = {**DEFAULTS, **c}
    classes = len(c["id2label"]) if c.get("id2label") else 2

    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    if head == "PerceiverModel":
        return {"inputs": normal(2, 9, c["d_model"])}
    if head in TEXT:
        shape = (2, c["max_position_embeddings"])
        wanted = (
            labels(rng, c["vocab_size"], shape) if head == TEXT[0] else rng.integers(0, classes, 2, dtype=np.int32)
        )
        return {
            "input_ids": ids(rng, c["vocab_size"], shape),
            "attention_mask": right_padding(shape),
            "labels": wanted,
        }
    if head in IMAGES:
        side = c["image_size"]
        return {"pixel_values": normal(2, 3, side, side), "labels": rng.integers(0, classes, 2, dtype=np.int32)}
    if head == FLOW:
        return {"inputs": normal(2, 2, 27, *c["train_size"])}
    samples, (frames, height, width) = c["num_frames"] * c["audio_samples_per_frame"], c["output_shape"][1:]
    video = {
        "image": normal(2, frames, 3, height, width),
        "audio": normal(2, samples, 1),
        "label": normal(2, classes),
    }
    points = {
        "image": rng.integers(0, frames * height * width, 7, dtype=np.int32),
        "audio": rng.integers(0, samples // c["samples_per_patch"], 4, dtype=np.int32),
    }
    return {"inputs": video, "subsampled_output_points": points}


def seen(length):
    return {"attention_mask": right_padding((2, length))}


def texts(*shape):
    return {"inputs": lambda rng: ids(rng, 70, shape), "input_ids": None, "attention_mask": None, "labels": None}


def pixels(*shape):
    return {"inputs": lambda rng: rng.standard_normal(shape).astype(np.float32), "pixel_values": None}


CHANNELS = {**TINY, "qk_channels": 8, "v_channels": 16, "num_cross_attention_heads": 2}
OTHER = {
    **TINY,
    **LABELS,
    "cross_attention_shape_for_attention": "q",
    "use_query_residual": False,
    "self_attention_widening_factor": 2,
    "cross_attention_widening_factor": 3,
    "hidden_act": "relu",
    "num_blocks": 1,
}
DROPLESS = {**TINY, "attention_probs_dropout_prob": 0.0}

CASES = [
    Case("base", TINY, inputs=inputs),
    Case("other", OTHER, inputs=inputs),
    Case("channels", CHANNELS, HEADS[:4], inputs=inputs),
    Case("masked", TINY, HEADS[:1], inputs=inputs, extra=seen(9)),
    Case("masked_pixels", TINY, IMAGES[:2], inputs=inputs, extra=seen(81)),
    Case("masked_flow", TINY, (FLOW,), inputs=inputs, extra=seen(45)),
    Case("short", TINY, TEXT, inputs=inputs, extra=texts(2, 5)),
    Case("oblong", TINY, IMAGES[1:], inputs=inputs, extra=pixels(2, 3, 17, 33)),
    Case(
        "targets",
        {**TINY, "id2label": {"0": "L0"}, "label2id": {"L0": 0}},
        (TEXT[1], IMAGES[0]),
        inputs=inputs,
        extra={"labels": lambda rng: rng.standard_normal((2, 1)).astype(np.float32)},
    ),
    Case(
        "several",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        (TEXT[1], *IMAGES[1:]),
        inputs=inputs,
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("interpolated", TINY, IMAGES[:1], inputs=inputs, options={"interpolate_pos_encoding": True}),
    Case("train", DROPLESS, IMAGES[2:], inputs=inputs, extra=pixels(2, 3, 17, 33), options={"train": True}),
]

LANGUAGE = dict(qk_channels=256, v_channels=1280)
VISION = dict(
    num_latents=512,
    d_latents=1024,
    num_blocks=8,
    num_self_attends_per_block=6,
    num_cross_attention_heads=1,
    num_labels=1000,
    image_size=224,
)
PUBLISHED = {
    "deepmind/language-perceiver": (LANGUAGE, (*TEXT, "PerceiverModel")),
    "deepmind/vision-perceiver-learned": ({**VISION, "d_model": 512}, IMAGES[:1]),
    "deepmind/vision-perceiver-fourier": ({**VISION, "d_model": 261}, IMAGES[1:2]),
    "deepmind/vision-perceiver-conv": ({**VISION, "d_model": 322}, IMAGES[2:]),
    "deepmind/optical-flow-perceiver": (
        dict(
            num_latents=2048,
            d_latents=512,
            d_model=322,
            num_self_attends_per_block=24,
            num_self_attention_heads=16,
            num_cross_attention_heads=1,
        ),
        (FLOW,),
    ),
    "deepmind/multimodal-perceiver": (
        dict(
            num_latents=784,
            d_latents=512,
            d_model=704,
            num_self_attends_per_block=8,
            num_cross_attention_heads=1,
            num_labels=700,
        ),
        (VIDEO,),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"cross_attention_shape_for_attention": "v"}, "cross_attention_shape_for_attention"),
    ({"num_self_attention_heads": 7}, "num_self_attention_heads"),
    ({"num_cross_attention_heads": 7}, "num_cross_attention_heads"),
    ({"v_channels": 640}, "d_latents"),
    ({"qk_channels": 256}, "d_latents"),
    ({"num_blocks": 0}, "num_blocks"),
    ({"num_self_attends_per_block": 0}, "num_self_attends_per_block"),
    ({"train_size": [368]}, "train_size"),
    ({"output_shape": [16, 224, 224]}, "output_shape"),
]
