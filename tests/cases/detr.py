"""DETR."""

import numpy as np
from support.case import Case

HEADS = ("DetrModel", "DetrForObjectDetection", "DetrForSegmentation")
MODEL, DETECTOR, SEGMENTER = HEADS
EVERY = ["stage1", "stage2", "stage3", "stage4"]
RESNET = dict(
    model_type="resnet",
    embedding_size=8,
    hidden_sizes=[8, 12, 16, 24],
    depths=[1, 2, 1, 1],
    layer_type="basic",
    out_features=EVERY,
)
TINY = dict(
    use_timm_backbone=False,
    use_pretrained_backbone=False,
    backbone=None,
    backbone_config=RESNET,
    num_channels=3,
    num_queries=5,
    d_model=32,
    encoder_layers=2,
    encoder_ffn_dim=48,
    encoder_attention_heads=8,
    decoder_layers=3,
    decoder_ffn_dim=40,
    decoder_attention_heads=4,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}


def inputs(head, c, rng, size=(64, 90), classes=((0, 2, 1), (1, 1, -1))):
    """Images, the second padded on the right, with labels; padding (-1) has boxes and masks that must not matter."""
    x = {"pixel_values": rng.standard_normal((2, c["num_channels"], *size)).astype(np.float32)}
    x["pixel_mask"] = np.ones((2, *size), np.int32)
    x["pixel_mask"][1, :, 2 * size[1] // 3 :] = 0
    if head == MODEL:
        return x
    classes = np.array(classes, np.int32)
    centres, sizes = rng.uniform(0.2, 0.8, (*classes.shape, 2)), rng.uniform(0.05, 0.4, (*classes.shape, 2))
    x["labels"] = {"class_labels": classes, "boxes": np.concatenate([centres, sizes], -1).astype(np.float32)}
    if head == SEGMENTER:
        x["labels"]["masks"] = rng.integers(0, 2, (*classes.shape, 40, 44)).astype(np.float32)
    return x


def many(head, c, rng):
    """More boxes than queries in the first image, none in the second."""
    return inputs(head, c, rng, classes=((0, 2, 1, 1, 0, 2, -1, 0), (-1,) * 8))


def listed(x):
    """Inputs as the reference takes them: labels are a dict for each image, without padding."""
    if "encoder_outputs" in x:
        return {**x, "encoder_outputs": [x["encoder_outputs"]]}
    if "labels" not in x:
        return x
    real = x["labels"]["class_labels"] >= 0
    return {**x, "labels": [{k: v[i][keep] for k, v in x["labels"].items()} for i, keep in enumerate(real)]}


def case(name, changes, heads=HEADS, inputs=inputs, **how):
    return Case(name, {**TINY, **changes}, heads, inputs, reference=listed, **how)


CASES = [
    case("sine", LABELS),
    case("auxiliary", {**LABELS, "auxiliary_loss": True}),
    case("many", {**LABELS, "eos_coefficient": 0.4, "class_cost": 0.5}, (DETECTOR,), many),
    case(
        "learned",
        {**LABELS, "position_embedding_type": "learned", "activation_function": "gelu", "bbox_loss_coefficient": 1},
        (MODEL, DETECTOR),
    ),
    case(
        "given",
        {"backbone_config": {**RESNET, "out_features": ["stage3"]}},
        (MODEL,),
        extra={"encoder_outputs": lambda rng: rng.standard_normal((2, 4 * 6, 32)).astype(np.float32)},
    ),
    case(
        "convnext",
        {
            **LABELS,
            "backbone_config": dict(
                model_type="convnext",
                num_stages=3,
                hidden_sizes=[8, 12, 16],
                depths=[1, 1, 1],
                out_features=EVERY[:3],
            ),
        },
        (DETECTOR, SEGMENTER),
        extra={"pixel_mask": None},
    ),
    case(
        "swin",
        {
            "backbone_config": dict(
                model_type="swin", embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=3, out_indices=[2]
            )
        },
        (MODEL,),
    ),
]

OURS = dict(use_timm_backbone=False, use_pretrained_backbone=False)
R50 = dict(model_type="resnet", out_features=EVERY)
R101 = dict(model_type="resnet", depths=[3, 4, 23, 3], out_features=["stage4"])
PUBLISHED = {
    "facebook/detr-resnet-50": (
        dict(OURS, backbone=None, backbone_config=R50, num_labels=91),
        HEADS,
    ),
    "facebook/detr-resnet-101": (
        dict(OURS, backbone=None, backbone_config=R101, num_labels=91),
        (DETECTOR,),
    ),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"position_embedding_type": "rotary"}, "position_embedding_type"),
    ({"encoder_attention_heads": 7}, "encoder_attention_heads"),
    ({"d_model": 66, "encoder_attention_heads": 2, "decoder_attention_heads": 2}, "multiple of 4"),
    ({"class_cost": 0, "bbox_cost": 0, "giou_cost": 0}, "must not be 0"),
    ({"backbone": "efficientnet_b0"}, "backbone"),
    ({"backbone": "resnet18", "dilation": True}, "output_stride"),
    ({"backbone_kwargs": {"in_chans": 1}}, "in_chans"),
    ({"backbone_kwargs": {"act_layer": "gelu"}}, "act_layer"),
    ({"backbone_kwargs": {"out_indices": [4, 1]}}, "out_indices"),
    ({"backbone_config": RESNET}, "backbone_config"),
    ({**OURS, "backbone": "resnet101"}, "backbone"),
    ({**OURS, "backbone_config": {"model_type": "bert"}}, "backbone"),
    ({**OURS, "backbone_config": {"model_type": "unheard"}}, "model_type"),
]
