"""LayoutLMv3."""

import numpy as np
from support.case import Case, ids, right_padding, text_labels

from cases.bert import LABELS

HEADS = (
    "LayoutLMv3Model",
    "LayoutLMv3ForSequenceClassification",
    "LayoutLMv3ForTokenClassification",
    "LayoutLMv3ForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=20,
    type_vocab_size=2,
    max_2d_position_embeddings=1024,
    coordinate_size=5,
    shape_size=6,
    rel_pos_bins=8,
    max_rel_pos=6,
    rel_2d_pos_bins=12,
    max_rel_2d_pos=300,
    input_size=20,
    patch_size=6,
    num_channels=3,
    pad_token_id=1,
)
TEN = {"id2label": {str(i): f"L{i}" for i in range(11)}, "label2id": {f"L{i}": i for i in range(11)}}


def inputs(head, c, rng):
    """Words, their boxes and the picture of the page."""
    size, (corner, extent) = c.get("input_size", 224), rng.integers(0, 500, (2, 2, 9, 2))
    mask = right_padding()
    return {
        "input_ids": np.where(mask == 1, ids(rng, c["vocab_size"]), 1).astype(np.int32),
        "bbox": np.concatenate([corner, corner + extent], -1).astype(np.int32),
        "attention_mask": mask,
        "token_type_ids": rng.integers(0, 2, (2, 9), dtype=np.int32),
        "pixel_values": rng.standard_normal((2, c.get("num_channels", 3), size, size)).astype(np.float32),
        **text_labels(head, c, rng),
    }


EMBEDS = {
    "input_ids": None,
    "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
    "position_ids": np.arange(9)[None].repeat(2, 0)[:, ::-1].astype(np.int32),
}
NO_WORDS = {"input_ids": None, "bbox": None, "attention_mask": None, "token_type_ids": None}

CASES = [
    Case("page", TINY, inputs=inputs),
    Case("words", {**TINY, "hidden_act": "relu"}, inputs=inputs, extra={"pixel_values": None, "token_type_ids": None}),
    Case("picture", {**TINY, "text_embed": False}, HEADS[:2], inputs, NO_WORDS),
    Case("text_alone", {**TINY, "visual_embed": False}, HEADS[:1], inputs, {"pixel_values": None, "bbox": None}),
    Case("classes", {**TINY, **LABELS}, HEADS[1:3], inputs),
    Case("ten", {**TINY, **TEN}, HEADS[2:3], inputs),
    Case("one_way", {**TINY, "has_spatial_attention_bias": False}, HEADS[:1], inputs),
    Case("no_bias", {**TINY, "has_relative_attention_bias": False}, HEADS[:1], inputs),
    Case("embeds", {**TINY, "num_channels": 1}, HEADS[:1], inputs, EMBEDS),
]
PUBLISHED = {
    "microsoft/layoutlmv3-base": (dict(vocab_size=50265, max_position_embeddings=514), HEADS[:1] + HEADS[3:]),
    "microsoft/layoutlmv3-large": (
        dict(
            vocab_size=50265,
            max_position_embeddings=514,
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=16,
            intermediate_size=4096,
            coordinate_size=171,
            shape_size=170,
        ),
        HEADS[1:3],
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"coordinate_size": 100}, "coordinate_size"),
    ({"text_embed": False, "visual_embed": False}, "visual_embed"),
    ({"patch_size": 0}, "patch_size"),
    ({"pad_token_id": -1}, "pad_token_id"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
]
