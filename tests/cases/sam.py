"""SAM."""

import numpy as np
from support.case import Case

from cases import sam_vision_model

HEADS = ("SamModel", "SamVisionModel")
PROMPTS = dict(hidden_size=16, image_size=40, patch_size=8, mask_input_channels=8)
DECODER = dict(hidden_size=16, mlp_dim=24, num_attention_heads=2, iou_head_hidden_dim=12)
TINY = dict(vision_config=sam_vision_model.TINY, prompt_encoder_config=PROMPTS, mask_decoder_config=DECODER)


def inputs(head, c, rng):
    """Images with two prompts each, of three points that may be no points."""
    v = c["vision_config"]
    x = sam_vision_model.inputs(head, v, rng)
    if head == "SamVisionModel":
        return x
    x["input_points"] = rng.uniform(0, v["image_size"], (2, 2, 3, 2)).astype(np.float32)
    x["input_labels"] = np.array([[[1, 0, 1], [1, 1, -1]], [[0, 1, -10], [1, -10, -10]]], np.int32)
    return x


def normal(*shape):
    return lambda rng: rng.standard_normal(shape).astype(np.float32)


def boxes(rng):
    low, high = rng.uniform(0, 20, (2, 2, 2)), rng.uniform(20, 40, (2, 2, 2))
    return np.concatenate([low, high], -1).astype(np.float32)


def case(name, extra, config=TINY, **how):
    return Case(name, config, ("SamModel",), inputs, extra, **how)


NO_POINTS = {"input_points": None, "input_labels": None}
CASES = [
    Case("points", TINY, inputs=inputs),
    case("all_inside", {"input_labels": None}, options={"multimask_output": False}),
    case("boxes", {**NO_POINTS, "input_boxes": boxes}),
    case("both", {"input_boxes": boxes}),
    case("masks", {**NO_POINTS, "input_masks": normal(2, 1, 20, 20)}),
    case("everything", {"input_boxes": boxes, "input_masks": normal(2, 1, 20, 20)}),
    case("nothing", NO_POINTS),
    case("embeddings", {"pixel_values": None, "image_embeddings": normal(2, 16, 5, 5)}),
    case(
        "personal",  # five tokens of its own, three points and one that is none
        {"attention_similarity": normal(4, 1, 1, 25), "target_embedding": normal(2, 1, 1, 16)},
    ),
    case(
        "other",
        {"input_masks": normal(2, 1, 20, 20)},
        {
            "vision_config": {**sam_vision_model.TINY, "hidden_act": "relu"},
            "prompt_encoder_config": {**PROMPTS, "hidden_act": "relu", "layer_norm_eps": 0.1},
            "mask_decoder_config": dict(
                DECODER,
                hidden_act="gelu",
                layer_norm_eps=0.1,
                num_hidden_layers=3,
                attention_downsample_rate=4,
                num_multimask_outputs=2,
                iou_head_depth=4,
            ),
        },
    ),
]

PUBLISHED = {
    "facebook/sam-vit-huge": (dict(vision_config=sam_vision_model.HUGE), HEADS),
    "facebook/sam-vit-base": (dict(vision_config=dict(num_channels=3)), ("SamModel",)),
}

REFUSED = [
    ({"vision_config": {"hidden_act": "gelu_wide"}}, "hidden_act"),
    ({"prompt_encoder_config": {"hidden_act": "gelu_wide"}}, "hidden_act"),
    ({"prompt_encoder_config": {"num_point_embeddings": 2}}, "num_point_embeddings"),
    ({"mask_decoder_config": {"num_attention_heads": 7}}, "num_attention_heads"),
    ({"mask_decoder_config": {"hidden_size": 128}}, "hidden_size"),
    ({"vision_config": {"image_size": 512}}, "patches"),
]
