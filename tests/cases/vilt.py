"""ViLT."""

import numpy as np
from support.case import Case, ids, labels, right_padding

HEADS = (
    "ViltModel",
    "ViltForMaskedLM",
    "ViltForQuestionAnswering",
    "ViltForImageAndTextRetrieval",
    "ViltForImagesAndTextClassification",
    "ViltForTokenClassification",
)
SINGLE = tuple(h for h in HEADS if h != "ViltForImagesAndTextClassification")
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
TINY = dict(
    vocab_size=67,
    modality_type_vocab_size=3,
    max_position_embeddings=12,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    image_size=20,
    patch_size=6,
    num_channels=3,
    num_images=2,
    **LABELS,
)


def inputs(head, c, rng):
    size, classes = c["image_size"], len(c["id2label"])
    shape = (2, c["num_images"]) if head == "ViltForImagesAndTextClassification" else (2,)
    x = {
        "input_ids": ids(rng, c["vocab_size"]),
        "attention_mask": right_padding(),
        "token_type_ids": rng.integers(0, 2, (2, 9), dtype=np.int32),
        "pixel_values": rng.standard_normal((*shape, c["num_channels"], size, size)).astype(np.float32),
    }
    targets = {
        "ViltForMaskedLM": lambda: labels(rng, c["vocab_size"]),
        "ViltForQuestionAnswering": lambda: rng.random((2, classes)).astype(np.float32),
        "ViltForImagesAndTextClassification": lambda: rng.integers(0, classes, 2, dtype=np.int32),
        "ViltForTokenClassification": lambda: labels(rng, classes),
    }
    return {**x, "labels": targets[head]()} if head in targets else x


def masked(head, c, rng):
    """Images of 26 by 33, the second of which is smaller and padded below and on the right."""
    x, inner = inputs(head, c, rng), (c["num_images"],) if head == "ViltForImagesAndTextClassification" else ()
    x["pixel_values"] = rng.standard_normal((2, *inner, c["num_channels"], 26, 33)).astype(np.float32)
    x["pixel_mask"] = np.ones((2, *inner, 26, 33), np.int32)
    x["pixel_mask"][1, ..., 19:, :] = x["pixel_mask"][1, ..., 12:] = 0
    x["pixel_values"] *= x["pixel_mask"][..., None, :, :] if not inner else x["pixel_mask"][:, :, None]
    return x


def embeds(head, c, rng):
    """Words and patches as embeddings already."""
    x = inputs(head, c, rng)
    del x["input_ids"], x["pixel_values"]
    x["inputs_embeds"] = rng.standard_normal((2, 9, 16)).astype(np.float32)
    inner = (c["num_images"],) if head == "ViltForImagesAndTextClassification" else ()
    x["image_embeds"] = rng.standard_normal((2, *inner, 6, 16)).astype(np.float32)
    x["pixel_mask"] = np.broadcast_to(right_padding((2, 6)).reshape(2, *(1 for _ in inner), 2, 3), (2, *inner, 2, 3))
    return x


CASES = [
    Case("whole", TINY, inputs=inputs),
    Case("masked", {**TINY, "hidden_act": "relu", "qkv_bias": False, "num_channels": 1}, inputs=masked),
    Case("fewer", {**TINY, "max_image_length": 6}, ("ViltModel", "ViltForQuestionAnswering"), masked),
    Case("tied", {**TINY, "tie_word_embeddings": True}, ("ViltForMaskedLM",), inputs),
    Case("embeds", TINY, inputs=embeds),
    Case("second", TINY, ("ViltModel",), inputs, options={"image_token_type_idx": 2}),
]

PUBLISHED = {
    "dandelin/vilt-b32-finetuned-vqa": (
        dict(vocab_size=30522, image_size=384, num_channels=3, num_labels=3129, num_images=-1),
        ("ViltForQuestionAnswering",),
    ),
    "dandelin/vilt-b32-mlm": (
        dict(vocab_size=30522, image_size=384, num_channels=3, num_images=-1, num_labels=2),
        ("ViltModel", "ViltForMaskedLM", "ViltForImageAndTextRetrieval"),
    ),
    "dandelin/vilt-b32-finetuned-nlvr2": (
        dict(vocab_size=30522, image_size=384, num_channels=3, num_images=2, modality_type_vocab_size=3, num_labels=2),
        ("ViltForImagesAndTextClassification", "ViltForTokenClassification"),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 5}, "num_attention_heads"),
    ({"patch_size": 400}, "patch_size"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
]
