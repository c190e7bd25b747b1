"""mT5: some of T5's cases, on its own heads and defaults (gated gelu, untied)."""

from support.case import Case

from cases import t5

HEADS = tuple(f"M{head}" for head in t5.HEADS)
TIED = {**t5.TINY, "tie_word_embeddings": True, "feed_forward_proj": "relu"}

CASES = [
    Case("defaults", t5.TINY, None, t5.inputs),
    Case("tied", TIED, ("MT5Model", "MT5ForConditionalGeneration"), t5.inputs),
    *(c for c in t5.cases("M") if c.name in ("uneven", "classes", "embeds", "labels", "start")),
]

PUBLISHED = {
    "mt5-small": ({}, ("MT5Model", "MT5ForConditionalGeneration", "MT5EncoderModel")),
    "mt5-xxl": (
        dict(d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64),
        ("MT5ForConditionalGeneration", "MT5ForTokenClassification"),
    ),
}

REFUSED = [
    ({"feed_forward_proj": "gated_gelu"}, "feed_forward_proj"),
    ({"num_decoder_layers": 0}, "num_decoder_layers"),
    ({"is_decoder": True}, "is_decoder"),
]
