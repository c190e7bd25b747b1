"""BLIP's text tower alone."""

import numpy as np
from support.case import Case, ids, labels, right_padding

HEADS = ("BlipTextModel", "BlipTextLMHeadModel")
TINY = dict(
    vocab_size=67,
    hidden_size=16,
    encoder_hidden_size=24,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=24,
    bos_token_id=65,
    eos_token_id=2,
    sep_token_id=66,
    pad_token_id=0,
)
# Without a mask: the reference drops it on the way. See tests/test_blip.py.
MEMORY = {"encoder_hidden_states": lambda rng: rng.standard_normal((2, 5, 24)).astype(np.float32)}


def inputs(head, c, rng):
    mask = right_padding()
    x = {"input_ids": np.where(mask == 1, ids(rng, c["vocab_size"]), 0).astype(np.int32), "attention_mask": mask}
    return {**x, "labels": labels(rng, c["vocab_size"])} if head.endswith("LMHeadModel") else x


CASES = [
    Case("text", TINY, inputs=inputs),
    Case("cross", {**TINY, "hidden_act": "relu"}, inputs=inputs, extra=MEMORY),
    Case("causal", TINY, ("BlipTextModel",), inputs, options={"is_decoder": True}),
    Case("both_ways", TINY, ("BlipTextLMHeadModel",), inputs, options={"is_decoder": False}),
    Case("smoothed", {**TINY, "label_smoothing": 0.1}, ("BlipTextLMHeadModel",), inputs),
    Case(
        "by_row",
        {**TINY, "label_smoothing": 0.1, "tie_word_embeddings": False},
        ("BlipTextLMHeadModel",),
        inputs,
        options={"reduction": "none"},
    ),
    Case("encoder", {**TINY, "is_decoder": False}, ("BlipTextModel",), inputs),
    Case(
        "embeds",
        TINY,
        inputs=inputs,
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 16)).astype(np.float32),
            "position_ids": np.arange(9)[None, ::-1].astype(np.int32),
        },
    ),
    Case(
        "encoder_embeds",
        TINY,
        ("BlipTextModel",),
        inputs,
        extra={"input_ids": None, "encoder_embeds": lambda rng: rng.standard_normal((2, 9, 16)).astype(np.float32)},
    ),
]

# Not the other head: the reference ties its words when it loads it, not when it makes it.
PUBLISHED = {"blip-base": (dict(vocab_size=30524, num_attention_heads=12), ("BlipTextModel",))}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"num_attention_heads": 5}, "num_attention_heads"),
]
