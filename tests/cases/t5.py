"""T5, T5 v1.1, UL2."""

import numpy as np
from support.case import Case, default_inputs, ids, right_padding

HEADS = (
    "T5Model",
    "T5ForConditionalGeneration",
    "T5EncoderModel",
    "T5ForSequenceClassification",
    "T5ForTokenClassification",
    "T5ForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    d_model=32,
    d_kv=12,  # heads * d_kv != d_model, as in T5-11B and mT5
    d_ff=48,
    num_layers=3,
    num_heads=4,
    relative_attention_num_buckets=8,  # few and near, so that short inputs reach the far ones
    relative_attention_max_distance=12,
    is_encoder_decoder=True,
    decoder_start_token_id=0,
    pad_token_id=0,
    eos_token_id=1,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
V1_1 = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
FAR = 150


def inputs(head, c, rng):
    """The default ones; a sequence to classify ends with the one end-of-sequence token that it is classified by."""
    x = default_inputs(head, c, rng)
    if head.endswith("ForSequenceClassification"):
        x["input_ids"][np.arange(2), x["attention_mask"].sum(1) - 1] = c.get("eos_token_id", 1)
    return x


def floats(length):
    return lambda rng: rng.standard_normal((2, length, 32)).astype(np.float32)


def cases(prefix=""):
    """The cases of T5, or of a twin whose heads have a prefix."""

    def case(name, config, *heads, **more):
        heads = tuple(f"{prefix}{h}" for h in heads) or None
        return Case(name, {**TINY, **config}, heads, inputs, **more)

    generation = "T5ForConditionalGeneration"
    return [
        case("relu", {"tie_word_embeddings": True, "feed_forward_proj": "relu"}),
        case("v1_1", V1_1, "T5Model", generation, "T5EncoderModel"),
        case("ul2", {**V1_1, "feed_forward_proj": "gated-silu"}, generation),
        case("exact_gelu", {"feed_forward_proj": "gelu"}, generation),
        case("saved", {"feed_forward_proj": "relu", "dense_act_fn": "silu", "is_gated_act": True}, "T5EncoderModel"),
        case("uneven", {"num_layers": 2, "num_decoder_layers": 4}, "T5Model", generation, "T5ForQuestionAnswering"),
        case("one_layer", {"num_layers": 1, "num_decoder_layers": 1}, "T5Model", "T5ForTokenClassification"),
        case("epsilon", {"layer_norm_epsilon": 0.1}, "T5Model"),
        case("classes", LABELS, "T5ForSequenceClassification", "T5ForTokenClassification"),
        case(
            "many",
            {**LABELS, "problem_type": "multi_label_classification"},
            "T5ForSequenceClassification",
        ),
        case(
            "embeds",
            {},
            "T5Model",
            extra={
                "input_ids": None,
                "inputs_embeds": floats(9),
                "decoder_input_ids": None,
                "decoder_inputs_embeds": floats(7),
            },
        ),
        case("encoder_embeds", {}, "T5EncoderModel", extra={"input_ids": None, "inputs_embeds": floats(9)}),
        case("labels", {}, generation, extra={"decoder_input_ids": None, "decoder_attention_mask": None}),
        case("start", {"decoder_start_token_id": 5}, "T5ForSequenceClassification", "T5ForQuestionAnswering"),
        case(
            "own_decoder_input",
            {},
            "T5ForSequenceClassification",
            "T5ForQuestionAnswering",
            extra={
                "decoder_input_ids": lambda rng: ids(rng, 67),
                "decoder_attention_mask": right_padding(short=2),
            },
        ),
        case("no_masks", {}, "T5Model", extra={"attention_mask": None, "decoder_attention_mask": None}),
        case(
            "far",
            {"relative_attention_num_buckets": 32, "relative_attention_max_distance": 128},
            "T5Model",
            extra={
                "input_ids": lambda rng: ids(rng, 67, (2, FAR)),
                "attention_mask": right_padding((2, FAR)),
                "decoder_input_ids": lambda rng: ids(rng, 67, (2, FAR - 1)),
                "decoder_attention_mask": right_padding((2, FAR - 1)),
            },
        ),
    ]


CASES = cases()

UL2 = dict(
    d_model=4096,
    d_kv=256,
    d_ff=16384,
    num_layers=32,
    num_heads=16,
    feed_forward_proj="gated-silu",
    tie_word_embeddings=False,
)
PUBLISHED = {
    "t5-small": ({}, ("T5Model", "T5ForConditionalGeneration", "T5EncoderModel")),
    "t5-base": (dict(d_model=768, d_ff=3072, num_layers=12, num_heads=12), ("T5ForConditionalGeneration",)),
    "t5-v1_1-base": (
        {**V1_1, **dict(d_model=768, d_ff=2048, num_layers=12, num_heads=12, decoder_start_token_id=0)},
        ("T5ForConditionalGeneration", "T5ForSequenceClassification"),
    ),
    "t5-11b": (
        dict(d_model=1024, d_kv=128, d_ff=65536, num_layers=24, num_heads=128),
        ("T5ForConditionalGeneration",),
    ),
    "flan-ul2": (UL2, ("T5ForConditionalGeneration",)),
    "byt5-small": (
        {
            **V1_1,
            **dict(vocab_size=384, d_model=1472, d_ff=3584, num_layers=12, num_decoder_layers=4, num_heads=6),
        },
        ("T5ForConditionalGeneration",),
    ),
}

REFUSED = [
    ({"feed_forward_proj": "gelu-gated"}, "feed_forward_proj"),
    ({"feed_forward_proj": "gated-gelu-new"}, "feed_forward_proj"),
    ({"feed_forward_proj": "gated-wide"}, "feed_forward_proj"),
    ({"dense_act_fn": "wide"}, "dense_act_fn"),
    ({"num_layers": 0}, "num_layers"),
    ({"num_decoder_layers": 0}, "num_decoder_layers"),
    ({"relative_attention_num_buckets": 2}, "relative_attention_num_buckets"),
    ({"relative_attention_num_buckets": 32, "relative_attention_max_distance": 16}, "relative_attention_max_distance"),
    ({"is_decoder": True}, "is_decoder"),
    ({"tie_encoder_decoder": True}, "tie_encoder_decoder"),
]
