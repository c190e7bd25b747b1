"""Whisper."""

import numpy as np
from support.case import Case, ids, labels, right_padding

HEADS = (
    "WhisperModel",
    "WhisperForConditionalGeneration",
    "WhisperForCausalLM",
    "WhisperForAudioClassification",
)
TINY = dict(
    vocab_size=67,
    num_mel_bins=6,
    d_model=16,
    encoder_layers=2,
    decoder_layers=2,
    encoder_attention_heads=4,
    decoder_attention_heads=2,
    encoder_ffn_dim=24,
    decoder_ffn_dim=20,
    max_source_positions=10,
    max_target_positions=24,
    classifier_proj_size=12,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=1,
    begin_suppress_tokens=None,
)


def inputs(head, c, rng):
    """A spectrogram and what is said, or for a decoder alone text with states to attend to."""
    vocab, frames = c.get("vocab_size", 51865), c.get("max_source_positions", 1500)
    if head.endswith("ForCausalLM"):
        memory = rng.standard_normal((2, frames, c.get("d_model", 384))).astype(np.float32)
        text = {"input_ids": ids(rng, vocab), "attention_mask": right_padding()}
        return {**text, "labels": labels(rng, vocab), "encoder_outputs": memory}
    sound = rng.standard_normal((2, c.get("num_mel_bins", 80), 2 * frames)).astype(np.float32)
    if head.endswith("ForAudioClassification"):
        return {"input_features": sound, "labels": rng.integers(0, 2, 2, dtype=np.int32)}
    text = {"decoder_input_ids": ids(rng, vocab, (2, 7)), "decoder_attention_mask": right_padding((2, 7), 2)}
    wanted = {"labels": labels(rng, vocab, (2, 7))} if head.endswith("ForConditionalGeneration") else {}
    return {"input_features": sound, **text, **wanted}


UNCACHED = {"use_cache": False}  # the reference's decoder alone can not keep what it attends to
FROM_LABELS = {"decoder_input_ids": None, "decoder_attention_mask": None}
CASES = [
    Case("tiny", TINY, inputs=inputs, options=UNCACHED),
    Case("labels", TINY, HEADS[1:2], inputs=inputs, extra=FROM_LABELS),
    Case("alone", TINY, HEADS[2:3], inputs=inputs, extra={"encoder_outputs": None}),
    Case(
        "untied",
        {**TINY, "tie_word_embeddings": False, "activation_function": "relu"},
        HEADS[1:3],
        inputs=inputs,
        options=UNCACHED,
    ),
    Case("mixed", {**TINY, "use_weighted_layer_sum": True}, HEADS[3:], inputs=inputs),
    Case(
        "embeds",
        TINY,
        HEADS[:1],
        inputs=inputs,
        extra={
            "decoder_input_ids": None,
            "decoder_inputs_embeds": lambda rng: rng.standard_normal((2, 7, 16)).astype(np.float32),
            "decoder_position_ids": np.arange(7)[None, ::-1].astype(np.int32),
        },
    ),
]
PUBLISHED = {
    "openai/whisper-tiny": ({}, ("WhisperForConditionalGeneration", "WhisperModel")),
    "openai/whisper-large-v3": (
        dict(
            vocab_size=51866,
            num_mel_bins=128,
            d_model=1280,
            encoder_layers=32,
            decoder_layers=32,
            encoder_attention_heads=20,
            decoder_attention_heads=20,
            encoder_ffn_dim=5120,
            decoder_ffn_dim=5120,
        ),
        ("WhisperForConditionalGeneration",),
    ),
}
REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"d_model": 30, "encoder_attention_heads": 4}, "encoder_attention_heads"),
    ({"scale_embedding": True}, "scale_embedding"),
]
