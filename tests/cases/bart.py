"""BART."""

import numpy as np
from support.case import Case, default_inputs, ids, right_padding

HEADS = (
    "BartModel",
    "BartForConditionalGeneration",
    "BartForSequenceClassification",
    "BartForQuestionAnswering",
    "BartForCausalLM",
)
TINY = dict(
    vocab_size=67,
    max_position_embeddings=24,
    d_model=32,
    encoder_layers=3,
    encoder_ffn_dim=48,
    encoder_attention_heads=4,
    decoder_layers=2,
    decoder_ffn_dim=40,
    decoder_attention_heads=2,
    pad_token_id=1,
    bos_token_id=0,
    eos_token_id=2,
    decoder_start_token_id=2,
    forced_eos_token_id=None,
    is_encoder_decoder=True,
)
ALONE = {"is_encoder_decoder": False, "is_decoder": True}
LABELS = {"id2label": {str(i): f"L{i}" for i in range(4)}, "label2id": {f"L{i}": i for i in range(4)}}
NO_DECODER_INPUT = {"decoder_input_ids": None, "decoder_attention_mask": None}
DECODER_INPUT = {"decoder_input_ids": lambda rng: ids(rng, 67), "decoder_attention_mask": right_padding(short=2)}


def floats(length):
    return lambda rng: rng.standard_normal((2, length, 32)).astype(np.float32)


CROSS = {
    "encoder_hidden_states": floats(5),
    "encoder_attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32),
}
EMBEDS = {
    "input_ids": None,
    "inputs_embeds": floats(9),
    "decoder_input_ids": None,
    "decoder_inputs_embeds": floats(7),
}


def ended(head, c, rng):
    """A sequence to classify ends with the one end-of-sequence token that it is classified by."""
    x = default_inputs(head, c, rng)
    x["input_ids"][np.arange(2), x["attention_mask"].sum(1) - 1] = c["eos_token_id"]
    return x


CASES = [
    Case("post_norm", TINY, ("BartModel", "BartForConditionalGeneration")),
    Case("classes", {**TINY, **LABELS}, ("BartForSequenceClassification",), ended),
    Case("answers", TINY, ("BartForQuestionAnswering",)),
    Case("decoder", {**TINY, **ALONE}, ("BartForCausalLM",)),
    Case("cross", {**TINY, **ALONE, "scale_embedding": True}, ("BartForCausalLM",), extra=CROSS),
    Case(
        "scaled",
        {**TINY, "scale_embedding": True, "activation_function": "relu", "tie_word_embeddings": False},
        ("BartForConditionalGeneration",),
    ),
    Case("embeds", {**TINY, "scale_embedding": True}, ("BartModel",), extra=EMBEDS),
    Case("repeats_input", {**TINY, "decoder_start_token_id": 5}, ("BartModel",), extra=NO_DECODER_INPUT),
    Case("labels", TINY, ("BartForConditionalGeneration",), extra=NO_DECODER_INPUT),
    Case(
        "many",
        {**TINY, "problem_type": "multi_label_classification", **LABELS},
        ("BartForSequenceClassification",),
        ended,
        extra=DECODER_INPUT,
    ),
    Case("three_classes", TINY, ("BartForSequenceClassification",), ended, extra={"labels": None}),
]

BASE = dict(
    d_model=768,
    encoder_layers=6,
    encoder_ffn_dim=3072,
    encoder_attention_heads=12,
    decoder_layers=6,
    decoder_ffn_dim=3072,
    decoder_attention_heads=12,
)
PUBLISHED = {
    "bart-large": ({}, ("BartModel", "BartForSequenceClassification")),
    "bart-large-decoder": (ALONE, ("BartForCausalLM",)),
    "bart-base": (BASE, ("BartForConditionalGeneration", "BartForQuestionAnswering")),
    "distilbart-cnn-12-6": (dict(vocab_size=50264, decoder_layers=6), ("BartForConditionalGeneration",)),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"encoder_attention_heads": 3}, "encoder_attention_heads"),
    ({"decoder_attention_heads": 3}, "decoder_attention_heads"),
    ({"tie_encoder_decoder": True}, "tie_encoder_decoder"),
]
