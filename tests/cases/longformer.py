"""Longformer."""

import numpy as np
from support.case import Case, default_inputs

HEADS = (
    "LongformerModel",
    "LongformerForMaskedLM",
    "LongformerForSequenceClassification",
    "LongformerForMultipleChoice",
    "LongformerForQuestionAnswering",
    "LongformerForTokenClassification",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=40,
    attention_window=4,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
GLOBAL = np.zeros((2, 24), np.int32)
GLOBAL[0, [0, 7]] = 1
GLOBAL[1, [3, 15]] = 1
PADDED = np.ones((2, 24), np.int32)
PADDED[1, 20:] = 0
TWO = {"options": {"global_tokens": 2}}


def inputs(head, config, rng):
    """Questions and choices are texts of two parts, with three separators each, as the reference asks for.

    Texts with global tokens fill whole windows: the reference's weights of global tokens keep what it pads.
    """
    made = default_inputs(head, config, rng)
    if head.endswith(("ForSequenceClassification", "ForQuestionAnswering", "ForMultipleChoice")):
        made = {n: x[..., :8] if x.shape[-1] == 9 else np.minimum(x, 7) for n, x in made.items()}
    if head.endswith(("ForQuestionAnswering", "ForMultipleChoice")):
        made["input_ids"][..., [3, 4, -1]] = config.get("sep_token_id", 2)
    return made


def case(name, config, *heads, **more):
    return Case(name, {**TINY, **config}, tuple(f"Longformer{h}" for h in heads) or None, **{"inputs": inputs, **more})


def long(rng):
    return rng.integers(3, 67, (2, 24), dtype=np.int32)


def spread(mask=None, **more):
    return {"input_ids": long, "attention_mask": mask, "global_attention_mask": GLOBAL, **more}


CASES = [
    case("windows", {}, "Model", "ForMaskedLM", "ForTokenClassification"),
    case(
        "first", {**LABELS, "attention_window": [4, 8, 4]}, "ForSequenceClassification", options={"global_tokens": 1}
    ),
    case("question", {}, "ForQuestionAnswering", options={"global_tokens": 3}),
    case("choices", {}, "ForMultipleChoice", extra={"attention_mask": None}, options={"global_tokens": 3}),
    case("global", {"attention_window": [4, 12, 8]}, "Model", extra=spread(PADDED), **TWO),
    case(
        "global_words",
        {"hidden_act": "gelu_new", "tie_word_embeddings": False},
        "ForMaskedLM",
        extra=spread(labels=None),
        **TWO,
    ),
    case(
        "embeds",
        {},
        "Model",
        extra=spread(input_ids=None, inputs_embeds=lambda rng: rng.standard_normal((2, 24, 32)).astype(np.float32)),
        **TWO,
    ),
    case("positions", {}, "Model", extra={"position_ids": np.arange(9)[None, ::-1].repeat(2, 0).astype(np.int32)}),
    case(
        "many",
        {**LABELS, "problem_type": "multi_label_classification"},
        "ForSequenceClassification",
        options={"global_tokens": 1},
    ),
]

BASE = dict(vocab_size=50265, max_position_embeddings=4098, type_vocab_size=1, layer_norm_eps=1e-5)
LARGE = {**BASE, **dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)}
PUBLISHED = {
    "longformer-base-4096": (BASE, ("LongformerModel", "LongformerForMaskedLM", "LongformerForMultipleChoice")),
    "longformer-large-4096": (LARGE, ("LongformerForQuestionAnswering",)),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"pad_token_id": None}, "pad_token_id"),
    ({"attention_window": 7}, "attention_window"),
    ({"attention_window": (8, 8)}, "attention_window"),
    ({"is_decoder": True}, "is_decoder"),
]
