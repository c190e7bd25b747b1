"""LLaVA."""

import numpy as np
from support.case import B, Case, ids, labels, right_padding
from support.nested import nested

HEADS = ("LlavaModel", "LlavaForConditionalGeneration")
VISION = nested("clip_vision_model", image_size=12, num_hidden_layers=3)
TINY = dict(vision_config=VISION, text_config=nested("llama"), image_token_index=66, pad_token_id=0)


def inputs(head, c, rng):
    """An image before the text of each row."""
    vision = {"num_channels": 3, **c["vision_config"]}
    count = (vision["image_size"] // vision["patch_size"]) ** 2
    count += c.get("vision_feature_select_strategy", "default") == "full"
    image = c.get("image_token_index", 32000)
    mask = np.concatenate([np.ones((B, count), np.int32), right_padding()], 1)
    text = np.where(mask[:, count:] == 1, ids(rng, 60), 0)
    side = vision["image_size"]
    x = {
        "input_ids": np.concatenate([np.full((B, count), image), text], 1).astype(np.int32),
        "attention_mask": mask,
        "pixel_values": rng.standard_normal((B, vision["num_channels"], side, side)).astype(np.float32),
    }
    return x if head == "LlavaModel" else {**x, "labels": labels(rng, 60, mask.shape)}


def two_images(head, c, rng):
    """Two images in the first row, one in the second, with text before and between."""
    x = inputs(head, c, rng)
    text = ids(rng, 60, (B, 15))
    text[0, 1:5] = text[0, 8:12] = text[1, 6:10] = 66
    x |= {"input_ids": text, "attention_mask": right_padding((B, 15))}
    x["pixel_values"] = rng.standard_normal((3, *x["pixel_values"].shape[1:])).astype(np.float32)
    return {**x, "labels": labels(rng, 60, (B, 15))} if "labels" in x else x


def embeds(head, c, rng):
    """Text and images as embeddings already."""
    x = inputs(head, c, rng)
    del x["input_ids"], x["pixel_values"]
    return {**x, "inputs_embeds": rng.standard_normal((*x["attention_mask"].shape, 32)).astype(np.float32)}


CASES = [
    Case("clip_llama", TINY, inputs=inputs),
    Case("two_images", TINY, ("LlavaForConditionalGeneration",), two_images),
    Case(
        "full",
        {
            **TINY,
            "vision_feature_select_strategy": "full",
            "vision_feature_layer": [-1, 1],
            "projector_hidden_act": "relu",
            "multimodal_projector_bias": False,
        },
        inputs=inputs,
    ),
    Case(
        "mistral",
        {**TINY, "text_config": nested("mistral", tie_word_embeddings=True, sliding_window=None)},
        ("LlavaForConditionalGeneration",),
        inputs,
    ),
    Case("vit", {**TINY, "vision_config": nested("vit", image_size=12)}, ("LlavaModel",), inputs),
    Case("embeds", TINY, ("LlavaModel",), embeds),
    Case("text", TINY, ("LlavaForConditionalGeneration",), inputs, extra={"pixel_values": None}),
    Case(
        "chosen",
        TINY,
        ("LlavaModel",),
        inputs,
        options={"vision_feature_layer": 1},
    ),
]

PUBLISHED = {
    "llava-1.5-7b-hf": (
        dict(
            text_config={"model_type": "llama", "vocab_size": 32064, "max_position_embeddings": 4096},
            vision_config={
                "model_type": "clip_vision_model",
                "hidden_size": 1024,
                "intermediate_size": 4096,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "image_size": 336,
                "patch_size": 14,
            },
        ),
        HEADS,
    ),
}

REFUSED = [
    ({"projector_hidden_act": "gelu_wide"}, "projector_hidden_act"),
    ({"vision_feature_select_strategy": "all"}, "vision_feature_select_strategy"),
    ({"vision_feature_layer": 25}, "vision_feature_layer"),
    ({"text_config": {"model_type": "gpt2"}}, "embed_tokens"),
]
