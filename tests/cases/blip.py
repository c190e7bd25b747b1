"""BLIP."""

import numpy as np
from support.case import Case, ids, labels, right_padding

from cases import blip_text_model, blip_vision_model

HEADS = (
    "BlipModel",
    "BlipForConditionalGeneration",
    "BlipForQuestionAnswering",
    "BlipForImageTextRetrieval",
    *blip_text_model.HEADS,
    *blip_vision_model.HEADS,
)
TINY = dict(
    text_config={**blip_text_model.TINY, "encoder_hidden_size": 768},  # which the vision config's width replaces
    vision_config={**blip_vision_model.TINY, "hidden_size": 16},
    projection_dim=12,
    image_text_hidden_size=10,
)


def inputs(head, c, rng):
    """What the parts of a head read."""
    if "Text" in head and "Retrieval" not in head:
        return blip_text_model.inputs(head, c["text_config"], rng)
    x = blip_vision_model.inputs(head, c["vision_config"], rng)
    if head == "BlipVisionModel":
        return x
    x |= blip_text_model.inputs(head, c["text_config"], rng)
    vocab = c["text_config"]["vocab_size"]
    if head.endswith("ForConditionalGeneration"):
        x["labels"] = labels(rng, vocab)
    if head.endswith("ForQuestionAnswering"):
        del x["attention_mask"]  # which the reference drops on its way to the answer, see tests/test_blip.py
        x |= {"decoder_input_ids": ids(rng, vocab, (2, 7)), "decoder_attention_mask": right_padding((2, 7))}
        x["labels"] = labels(rng, vocab, (2, 7))
    return x


CASES = [
    Case("both", TINY, inputs=inputs, options={"return_loss": True}),
    Case(
        "widths",
        {**TINY, "vision_config": blip_vision_model.TINY},
        ("BlipModel", "BlipForConditionalGeneration", "BlipForImageTextRetrieval"),
        inputs,
    ),
    Case("cosines", TINY, ("BlipForImageTextRetrieval",), inputs, options={"use_itm_head": False}),
    Case(
        "answers",
        {**TINY, "text_config": {**TINY["text_config"], "label_smoothing": 0.1}},
        ("BlipForQuestionAnswering",),
        inputs,
        extra={
            "decoder_input_ids": None,
            "decoder_attention_mask": None,
            "labels": np.array([[65, 4, 66], [65, 9, 8]], np.int32),
        },
    ),
    Case(
        "larger",
        TINY,
        HEADS[:4],
        inputs,
        extra={"pixel_values": lambda rng: rng.standard_normal((2, 3, 33, 26)).astype(np.float32)},
        options={"interpolate_pos_encoding": True},
    ),
]

BASE = dict(
    text_config={"vocab_size": 30524, "num_attention_heads": 12}, vision_config={"image_size": 384, "patch_size": 16}
)
PUBLISHED = {"Salesforce/blip-base": (BASE, tuple(h for h in HEADS if h != "BlipTextLMHeadModel"))}

REFUSED = [
    ({"text_config": {"hidden_act": "gelu_wide"}}, "hidden_act"),
    ({"text_config": {"position_embedding_type": "relative_key"}}, "position_embedding_type"),
    ({"vision_config": {"patch_size": 400}}, "patch_size"),
]
