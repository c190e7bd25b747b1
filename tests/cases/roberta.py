"""RoBERTa."""

import numpy as np
from support.case import Case

HEADS = (
    "RobertaModel",
    "RobertaForCausalLM",
    "RobertaForMaskedLM",
    "RobertaForSequenceClassification",
    "RobertaForMultipleChoice",
    "RobertaForTokenClassification",
    "RobertaForQuestionAnswering",
)
TINY = dict(
    vocab_size=67,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=24,
    type_vocab_size=2,
    pad_token_id=1,
)
LABELS = {"id2label": {str(i): f"L{i}" for i in range(3)}, "label2id": {f"L{i}": i for i in range(3)}}
# Padding before and inside the text, known by its id alone and by the mask.
PADDED = np.array([[1, 1, 5, 9, 1, 33, 8, 12, 2], [4, 20, 21, 22, 23, 24, 1, 1, 1]], np.int32)


def cases(prefix=""):
    """The cases of RoBERTa, or of a twin whose heads have a prefix."""

    def case(name, config, *heads, **more):
        return Case(name, {**TINY, **config}, tuple(f"{prefix}Roberta{h}" for h in heads) or None, **more)

    return [
        case("encoder", {}),
        case("untied", {"tie_word_embeddings": False, "hidden_act": "gelu_new"}, "ForMaskedLM"),
        case("classes", LABELS, "ForSequenceClassification", "ForTokenClassification"),
        case("many", {**LABELS, "problem_type": "multi_label_classification"}, "ForSequenceClassification"),
        case("decoder", {"is_decoder": True, "pad_token_id": 3}, "ForCausalLM"),
        case(
            "cross",
            {"is_decoder": True, "add_cross_attention": True},
            "ForCausalLM",
            extra={
                "encoder_hidden_states": lambda rng: rng.standard_normal((2, 5, 32)).astype(np.float32),
                "encoder_attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32),
            },
        ),
        case("padded", {}, "Model", extra={"input_ids": PADDED, "attention_mask": (PADDED != 1).astype(np.int32)}),
        case("relative_key_query", {"position_embedding_type": "relative_key_query"}, "Model"),
        case(
            "embeds",
            {"pad_token_id": 4},
            "Model",
            extra={
                "input_ids": None,
                "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
            },
        ),
        case("positions", {}, "Model", extra={"position_ids": np.arange(9)[None, ::-1].astype(np.int32)}),
    ]


CASES = cases()

BASE = dict(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)
LARGE = {**BASE, **dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)}
PUBLISHED = {
    "roberta-base": (BASE, ("RobertaModel", "RobertaForMaskedLM", "RobertaForMultipleChoice")),
    "roberta-large": (LARGE, ("RobertaForSequenceClassification",)),
    "phobert-base": ({**BASE, "vocab_size": 64001, "max_position_embeddings": 258}, ("RobertaForMaskedLM",)),
}

REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"pad_token_id": None}, "pad_token_id"),
    ({"add_cross_attention": True}, "is_decoder"),
]
