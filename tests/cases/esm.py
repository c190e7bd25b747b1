"""ESM."""

import numpy as np
from support.case import Case, ids

HEADS = ("EsmModel", "EsmForMaskedLM", "EsmForSequenceClassification", "EsmForTokenClassification")
TINY = dict(
    vocab_size=33,
    mask_token_id=32,
    pad_token_id=1,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=24,
)
ROTARY = {**TINY, "position_embedding_type": "rotary", "token_dropout": True}


def masked(rng):
    x = ids(rng, 32)
    x[0, 3], x[1, :2] = 32, 32
    return x


CASES = [
    Case("rotary", ROTARY, extra={"input_ids": masked}),
    Case("absolute", {**TINY, "emb_layer_norm_before": True, "layer_norm_eps": 1e-5}, HEADS[:2]),
    Case("untied", {**ROTARY, "tie_word_embeddings": False}, HEADS[1:2]),
    Case("relative_key", {**TINY, "position_embedding_type": "relative_key"}, HEADS[:1]),
    Case("relative_key_query", {**TINY, "position_embedding_type": "relative_key_query"}, HEADS[:1]),
    Case("places", TINY, HEADS[:1], extra={"position_ids": np.arange(9)[None, ::-1].astype(np.int32)}),
    Case(
        "embeds",
        TINY,
        HEADS[:1],
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
]
ESM2 = dict(
    vocab_size=33,
    mask_token_id=32,
    pad_token_id=1,
    max_position_embeddings=1026,
    layer_norm_eps=1e-5,
    position_embedding_type="rotary",
    token_dropout=True,
    emb_layer_norm_before=False,
)
PUBLISHED = {
    "facebook/esm2_t6_8M_UR50D": (
        {**ESM2, **dict(hidden_size=320, num_hidden_layers=6, num_attention_heads=20, intermediate_size=1280)},
        ("EsmForMaskedLM", "EsmModel"),
    ),
    "facebook/esm2_t33_650M_UR50D": (
        {**ESM2, **dict(hidden_size=1280, num_hidden_layers=33, num_attention_heads=20, intermediate_size=5120)},
        ("EsmForMaskedLM", "EsmForTokenClassification"),
    ),
    "facebook/esm1b_t33_650M_UR50S": (
        {
            **ESM2,
            **dict(hidden_size=1280, num_hidden_layers=33, num_attention_heads=20, intermediate_size=5120),
            "position_embedding_type": "absolute",
            "emb_layer_norm_before": True,
        },
        ("EsmForMaskedLM",),
    ),
}
REFUSED = [
    ({}, "vocab_size must be given"),
    ({"vocab_size": 33}, "pad_token_id must be given"),
    ({**TINY, "position_embedding_type": "waves"}, "position_embedding_type"),
    ({**TINY, "is_folding_model": True}, "is_folding_model"),
    ({**TINY, "mask_token_id": None, "token_dropout": True}, "mask_token_id"),
]
