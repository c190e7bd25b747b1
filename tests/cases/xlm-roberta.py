# ruff: noqa: N999
"""XLM-RoBERTa: some of RoBERTa's cases, on its own heads."""

from cases import roberta

HEADS = tuple(f"XLM{head}" for head in roberta.HEADS)
CASES = [c for c in roberta.cases("XLM") if c.name in ("encoder", "decoder", "padded", "untied")]

PUBLISHED = {
    "xlm-roberta-base": (
        {**roberta.BASE, "vocab_size": 250002},
        ("XLMRobertaModel", "XLMRobertaForMaskedLM"),
    ),
    "xlm-roberta-large": ({**roberta.LARGE, "vocab_size": 250002}, ("XLMRobertaForSequenceClassification",)),
    "bge-m3": (
        {**roberta.LARGE, "vocab_size": 250002, "max_position_embeddings": 8194},
        ("XLMRobertaModel",),
    ),
}

REFUSED = [({"position_embedding_type": "rotary"}, "position_embedding_type")]
