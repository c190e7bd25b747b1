"""BEiT."""

import numpy as np
from support.case import Case, image_inputs

from cases.vit import LABELS, pixels

HEADS = (
    "BeitModel",
    "BeitForImageClassification",
    "BeitForMaskedImageModeling",
    "BeitForSemanticSegmentation",
    "BeitBackbone",
)
MODEL, CLASSIFIER, MASKED, SEGMENTER, BACKBONE = HEADS
TINY = dict(
    vocab_size=40,
    hidden_size=16,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=24,
    image_size=24,
    patch_size=6,
    num_channels=3,
    use_mask_token=True,
    use_relative_position_bias=True,
    out_indices=[1, 2, 3],
    output_hidden_states=True,
    output_attentions=True,
)
SEGMENT = dict(
    num_hidden_layers=4,
    hidden_size=8,
    num_attention_heads=2,
    pool_scales=[1, 2, 3],
    auxiliary_channels=6,
    out_indices=[1, 2, 3, 4],
    **LABELS,
)


def inputs(head, c, rng):
    x = image_inputs(head, c, rng)
    if head == MASKED:
        x["labels"] = rng.integers(0, c["vocab_size"], int(x["bool_masked_pos"].sum()), dtype=np.int32)
        x["labels"][0] = -100
    if head == SEGMENTER:
        x["labels"] = rng.integers(0, 3, (2, 20, 27), dtype=np.int32)
        x["labels"][:, 3:7] = c.get("semantic_loss_ignore_index", 255)
    return x


CASES = [
    Case("encoder", TINY, (MODEL, CLASSIFIER, MASKED, BACKBONE), inputs=inputs),
    Case(
        "absolute",
        {
            **TINY,
            "use_relative_position_bias": False,
            "use_absolute_position_embeddings": True,
            "use_mean_pooling": False,
            "layer_scale_init_value": 0,
            "hidden_act": "relu",
        },
        (MODEL, CLASSIFIER, MASKED),
        inputs=inputs,
    ),
    Case(
        "shared",
        {**TINY, "use_relative_position_bias": False, "use_shared_relative_position_bias": True},
        (MODEL, MASKED),
        inputs=inputs,
    ),
    Case(
        "larger",
        {**TINY, "use_absolute_position_embeddings": True, "use_shared_relative_position_bias": True},
        (MODEL, BACKBONE),
        extra={"pixel_values": pixels(2, 3, 45, 31)},
    ),
    Case(
        "oblong",
        {**TINY, "image_size": [18, 24]},
        (MODEL,),
        inputs=lambda head, c, rng: {"pixel_values": pixels(2, 3, 18, 24)(rng)},
    ),
    Case("hidden", TINY, (MODEL,), extra={"bool_masked_pos": lambda rng: rng.integers(0, 2, (2, 16)).astype(bool)}),
    Case(
        "many",
        {**TINY, **LABELS, "problem_type": "multi_label_classification"},
        (CLASSIFIER,),
        extra={"labels": np.array([[0, 1, 1], [1, 0, 0]], np.float32)},
    ),
    Case("flat", {**TINY, "out_indices": [0, 2], "reshape_hidden_states": False}, (BACKBONE,)),
    Case("pixels", {**TINY, **SEGMENT}, (SEGMENTER,), inputs=inputs),
    Case(
        "pixels_twice",
        {
            **TINY,
            **SEGMENT,
            "auxiliary_num_convs": 2,
            "auxiliary_concat_input": True,
            "auxiliary_loss_weight": 0.7,
            "semantic_loss_ignore_index": 7,
        },
        (SEGMENTER,),
        inputs=inputs,
    ),
    Case(
        "no_convs", {**TINY, **SEGMENT, "auxiliary_num_convs": 0, "auxiliary_channels": 8}, (SEGMENTER,), inputs=inputs
    ),
    Case("alone", {**TINY, **SEGMENT, "use_auxiliary_head": False}, (SEGMENTER,), inputs=inputs),
    Case(
        "train",
        {**TINY, **SEGMENT, "drop_path_rate": 0.0},
        (SEGMENTER,),
        inputs=inputs,
        options={"train": True},
    ),
    Case(
        "pyramid",
        {**TINY, **SEGMENT, "out_indices": [0, 1, 2, 4], "add_fpn": True, "batch_norm_eps": 0.3},
        (BACKBONE,),
    ),
]

ADE = dict(image_size=640, use_relative_position_bias=True, num_labels=150, out_indices=[3, 5, 7, 11])
PUBLISHED = {
    "microsoft/beit-base-patch16-224": (dict(use_relative_position_bias=True, num_labels=1000), (MODEL, CLASSIFIER)),
    "microsoft/beit-base-patch16-224-pt22k": (
        dict(use_shared_relative_position_bias=True, use_mask_token=True),
        (MASKED,),
    ),
    "microsoft/beit-base-finetuned-ade-640-640": (ADE, (SEGMENTER,)),
    "microsoft/beit-large-patch16-512": (
        dict(
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=16,
            intermediate_size=4096,
            image_size=512,
            layer_scale_init_value=1e-5,
            use_relative_position_bias=True,
        ),
        (BACKBONE,),
    ),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
    ({"out_features": ["stage13"]}, "out_features"),
    ({"drop_path_rate": 1.0}, "drop_path_rate"),
    ({"auxiliary_num_convs": -1}, "auxiliary_num_convs"),
    ({"auxiliary_num_convs": 0}, "auxiliary_channels"),
    ({"add_fpn": True, "out_indices": [1, 2, 3]}, "out_indices"),
    ({"add_fpn": True, "reshape_hidden_states": False}, "reshape_hidden_states"),
]
