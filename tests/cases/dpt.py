"""DPT."""

import numpy as np
from support.case import Case, image_inputs

from cases.vit import LABELS, pixels

HEADS = ("DPTModel", "DPTForDepthEstimation", "DPTForSemanticSegmentation")
MODEL, DEPTH, SEGMENTER = HEADS
TINY = dict(
    hidden_size=16,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=24,
    image_size=24,
    patch_size=6,
    num_channels=3,
    backbone_out_indices=[0, 1, 2, 3],
    neck_hidden_sizes=[6, 8, 10, 12],
    fusion_hidden_size=8,
)
DINO = dict(
    model_type="dinov2",
    hidden_size=12,
    num_hidden_layers=4,
    num_attention_heads=2,
    mlp_ratio=2,
    image_size=24,
    patch_size=6,
    num_channels=3,
    out_features=["stage1", "stage2", "stage3", "stage4"],
    reshape_hidden_states=False,
)
BEIT = dict(
    model_type="beit",
    hidden_size=12,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=20,
    image_size=24,
    patch_size=6,
    num_channels=3,
    use_relative_position_bias=True,
    out_features=["stem", "stage1", "stage2", "stage3"],
    reshape_hidden_states=False,
)


def inputs(head, c, rng):
    x = image_inputs(head, c, rng)
    if head == SEGMENTER and c.get("use_auxiliary_head", True):  # without, the reference fails to add up its loss
        x["labels"] = rng.integers(0, len(c.get("id2label", "ab")), (2, 20, 27), dtype=np.int32)
        x["labels"][:, 3:7] = c.get("semantic_loss_ignore_index", 255)
    return x


def case(name, changes, heads=HEADS, **how):
    return Case(name, {**TINY, **changes}, heads, **{"inputs": inputs, **how})


CASES = [
    case("project", LABELS),
    case(
        "add",
        {
            "readout_type": "add",
            "use_batch_norm_in_fusion_residual": True,
            "qkv_bias": False,
            "hidden_act": "relu",
            "head_in_index": 1,
            "auxiliary_loss_weight": 0.7,
            "semantic_loss_ignore_index": 7,
        },
    ),
    case(
        "ignore",
        {
            "readout_type": "ignore",
            "use_bias_in_fusion_residual": False,
            "backbone_out_indices": [3, 0],
            "neck_hidden_sizes": [6, 8],
            "reassemble_factors": [1, 0.34],
            "use_auxiliary_head": False,
            "pooler_output_size": 10,
            "pooler_act": "relu",
        },
    ),
    case("biased", {"use_batch_norm_in_fusion_residual": True, "use_bias_in_fusion_residual": True}, (DEPTH,)),
    case("projection", {"add_projection": True, "fusion_hidden_size": 256}, (DEPTH,)),
    case("larger", {}, (MODEL, DEPTH), extra={"pixel_values": pixels(2, 3, 32, 31)}),
    case("longer", {}, (MODEL,), extra={"pixel_values": pixels(2, 3, 45, 31)}),
    case("dinov2", {"backbone_config": DINO}, (DEPTH,)),
    case("dinov2_longer", {"backbone_config": DINO}, (DEPTH,), extra={"pixel_values": pixels(2, 3, 45, 31)}),
    case("beit", {"backbone_config": BEIT}, (DEPTH,)),
    case(
        "train",
        {"use_batch_norm_in_fusion_residual": True, "semantic_classifier_dropout": 0.0},
        (DEPTH, SEGMENTER),
        extra={"labels": None},  # the auxiliary head's dropout has one rate
        options={"train": True},
    ),
]

LARGE = dict(
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    backbone_out_indices=[5, 11, 17, 23],
    neck_hidden_sizes=[256, 512, 1024, 1024],
)
PUBLISHED = {
    "Intel/dpt-large": (LARGE, (MODEL, DEPTH)),
    "Intel/dpt-large-ade": (dict(LARGE, num_labels=150, use_batch_norm_in_fusion_residual=True), (SEGMENTER,)),
    "facebook/dpt-dinov2-base-nyu": (
        dict(
            backbone_config=dict(
                model_type="dinov2",
                image_size=518,
                out_features=["stage3", "stage6", "stage9", "stage12"],
                reshape_hidden_states=False,
            ),
            add_projection=True,
            use_bias_in_fusion_residual=False,
        ),
        (DEPTH,),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"pooler_act": "softplus2"}, "pooler_act"),
    ({"readout_type": "concat"}, "readout_type"),
    ({"is_hybrid": True}, "is_hybrid"),
    ({"backbone": "resnet50"}, "backbone"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"reassemble_factors": [4, 2, 1]}, "reassemble_factors"),
    ({"reassemble_factors": [4, 2.5, 1, 0.5]}, "reassemble_factors"),
    ({"head_in_index": 4}, "head_in_index"),
    ({"add_projection": True, "fusion_hidden_size": 128}, "fusion_hidden_size"),
    ({"backbone_config": {**DINO, "reshape_hidden_states": True}}, "reshape_hidden_states"),
    ({"backbone_config": {**DINO, "out_features": ["stage1"]}}, "4 stages"),
    ({"backbone_config": {"model_type": "bert"}}, "with a backbone"),
]
