"""Marian: OPUS-MT."""

from support.case import Case, labels

from cases.bart import ALONE, CROSS, EMBEDS, NO_DECODER_INPUT
from cases.bart import TINY as BART

HEADS = ("MarianModel", "MarianMTModel", "MarianForCausalLM")
TINY = {**BART, "pad_token_id": 66, "bos_token_id": None, "eos_token_id": 0, "decoder_start_token_id": 66}
TARGET = {"labels": lambda rng: labels(rng, 67, (2, 7))}
OWN = {"share_encoder_decoder_embeddings": False}

CASES = [
    Case("waves", TINY, ("MarianModel", "MarianMTModel")),
    Case("decoder", {**TINY, **ALONE}, ("MarianForCausalLM",)),
    Case("cross", {**TINY, **ALONE, "scale_embedding": True}, ("MarianForCausalLM",), extra=CROSS),
    Case("scaled", {**TINY, "scale_embedding": True, "activation_function": "swish"}, ("MarianMTModel",)),
    Case("own_tables", {**TINY, **OWN}, ("MarianModel", "MarianMTModel")),
    Case("untied", {**TINY, **OWN, "decoder_vocab_size": 67, "tie_word_embeddings": False}, ("MarianMTModel",)),
    Case("embeds", {**TINY, "scale_embedding": True}, ("MarianModel",), extra=EMBEDS),
    Case("labels", TINY, ("MarianMTModel",), extra={**NO_DECODER_INPUT, **TARGET}),
]

BASE = dict(
    d_model=512,
    max_position_embeddings=512,
    encoder_layers=6,
    encoder_ffn_dim=2048,
    encoder_attention_heads=8,
    decoder_layers=6,
    decoder_ffn_dim=2048,
    decoder_attention_heads=8,
    activation_function="swish",
    scale_embedding=True,
)
PUBLISHED = {
    "opus-mt-en-de": (BASE, ("MarianModel", "MarianMTModel")),
    "opus-mt-en-de-decoder": ({**BASE, **ALONE}, ("MarianForCausalLM",)),
    "own-tables": ({**BASE, **OWN}, ("MarianMTModel",)),
}

REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"decoder_attention_heads": 3}, "decoder_attention_heads"),
    ({"vocab_size": 60, "decoder_vocab_size": 61}, "decoder_vocab_size"),
]
