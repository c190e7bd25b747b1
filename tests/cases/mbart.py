"""mBART, mBART-50."""

from support.case import Case

from cases.bart import ALONE, CROSS, DECODER_INPUT, EMBEDS, LABELS, NO_DECODER_INPUT, ended
from cases.bart import TINY as BART

HEADS = (
    "MBartModel",
    "MBartForConditionalGeneration",
    "MBartForSequenceClassification",
    "MBartForQuestionAnswering",
    "MBartForCausalLM",
)
TINY = {**BART, "decoder_start_token_id": None}

CASES = [
    Case("pre_norm", TINY, ("MBartModel", "MBartForConditionalGeneration")),
    Case("classes", {**TINY, **LABELS}, ("MBartForSequenceClassification",), ended, extra=DECODER_INPUT),
    Case("answers", TINY, ("MBartForQuestionAnswering",), extra=DECODER_INPUT),
    Case("decoder", {**TINY, **ALONE}, ("MBartForCausalLM",)),
    Case("cross", {**TINY, **ALONE, "scale_embedding": True}, ("MBartForCausalLM",), extra=CROSS),
    Case(
        "scaled",
        {**TINY, "scale_embedding": True, "activation_function": "relu", "tie_word_embeddings": False},
        ("MBartForConditionalGeneration",),
    ),
    Case("embeds", {**TINY, "scale_embedding": True}, ("MBartModel",), extra=EMBEDS),
    Case("repeats_input", TINY, ("MBartModel", "MBartForQuestionAnswering"), extra=NO_DECODER_INPUT),
    Case("labels", TINY, ("MBartForConditionalGeneration",), extra=NO_DECODER_INPUT),
    Case("two_classes", TINY, ("MBartForSequenceClassification",), ended),
]

LARGE = dict(vocab_size=250027, scale_embedding=True)
PUBLISHED = {
    "mbart-large-cc25": (LARGE, ("MBartModel", "MBartForConditionalGeneration", "MBartForSequenceClassification")),
    "mbart-large-50-decoder": (
        {**LARGE, **ALONE, "vocab_size": 250054, "activation_function": "relu"},
        ("MBartForCausalLM",),
    ),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"encoder_attention_heads": 3}, "encoder_attention_heads"),
]
