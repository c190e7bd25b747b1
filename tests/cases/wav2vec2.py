"""Wav2Vec2."""

import numpy as np
from support.case import Case

HEADS = (
    "Wav2Vec2Model",
    "Wav2Vec2ForCTC",
    "Wav2Vec2ForPreTraining",
    "Wav2Vec2ForMaskedLM",
    "Wav2Vec2ForSequenceClassification",
    "Wav2Vec2ForAudioFrameClassification",
    "Wav2Vec2ForXVector",
)
TINY = dict(
    vocab_size=20,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=24,
    conv_dim=[8, 8, 10],
    conv_stride=[3, 2, 2],
    conv_kernel=[4, 3, 2],
    num_conv_pos_embeddings=6,
    num_conv_pos_embedding_groups=2,
    classifier_proj_size=12,
    num_codevectors_per_group=7,
    codevector_dim=12,
    proj_codevector_dim=10,
    num_negatives=3,
    tdnn_dim=[8, 8, 10],
    tdnn_kernel=[3, 2, 1],
    tdnn_dilation=[1, 2, 1],
    xvector_output_dim=14,
    apply_spec_augment=True,
)
STABLE = {**TINY, "do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
SAMPLES, FRAMES = 200, 16


def inputs(head, c, rng):
    """Two sounds, the second of them shorter, and what a head is to find in them."""
    kernels, strides = (
        c.get(n, d) for n, d in (("conv_kernel", (10, 3, 3, 3, 3, 2, 2)), ("conv_stride", (5,) + (2,) * 6))
    )
    samples = SAMPLES if "conv_kernel" in c and len(kernels) == 3 else 16000
    frames = samples
    for kernel, stride in zip(kernels, strides, strict=True):
        frames = (frames - kernel) // stride + 1
    mask = np.ones((2, samples), np.int32)
    mask[1, samples - samples // 4 :] = 0
    x = {"input_values": rng.standard_normal((2, samples)).astype(np.float32), "attention_mask": mask}
    if head.endswith("ForMaskedLM"):  # does not take one
        x.pop("attention_mask")
    if head.endswith("ForCTC"):
        return {**x, "labels": np.array([[3, 4, 4, 9], [5, 1, -100, -100]], np.int32)}
    if head.endswith(("ForSequenceClassification", "ForXVector")):
        return {**x, "labels": rng.integers(0, 2, 2, dtype=np.int32)}
    if head.endswith("ForAudioFrameClassification"):
        return {**x, "labels": np.eye(2, dtype=np.float32)[rng.integers(0, 2, (2, frames))]}
    if head.endswith("ForPreTraining"):
        hidden = rng.random((2, frames)) < 0.4
        return {
            **x,
            "mask_time_indices": hidden,
            "sampled_negative_indices": rng.integers(
                0, 2 * frames, (2, frames, c.get("num_negatives", 100)), np.int32
            ),
        }
    return x


CASES = [
    # The first cases have a norm that padding can not leak through: a group's is over the whole sound.
    Case("layer", {**TINY, "feat_extract_norm": "layer"}, inputs=inputs),
    Case("group", TINY, inputs=inputs),
    Case("stable", {**STABLE, "adapter_attn_dim": 6, "hidden_act": "relu"}, HEADS[:2], inputs=inputs),
    Case("unmasked", {**TINY, "num_conv_pos_embeddings": 5}, inputs=inputs, extra={"attention_mask": None}),
    Case("mixed", {**STABLE, "use_weighted_layer_sum": True}, HEADS[4:], inputs=inputs),
    Case(
        "adapted",
        {
            **STABLE,
            "add_adapter": True,
            "output_hidden_size": 12,
            "num_adapter_layers": 1,
            "ctc_loss_reduction": "mean",
        },
        HEADS[:2],
        inputs=inputs,
    ),
    Case("adapted_as_wide", {**TINY, "add_adapter": True, "num_adapter_layers": 2}, HEADS[:1], inputs=inputs),
    Case(
        "too_long",
        {**TINY, "ctc_zero_infinity": True},
        HEADS[1:2],
        inputs=inputs,
        extra={"labels": np.array([[3] * 15, [1, 2] + [-100] * 13], np.int32)},
    ),
    Case(
        "hidden",
        TINY,
        HEADS[:1],
        inputs=inputs,
        extra={"mask_time_indices": lambda rng: rng.random((2, FRAMES)) < 0.5},
    ),
]
LARGE = dict(
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    do_stable_layer_norm=True,
    feat_extract_norm="layer",
    conv_bias=True,
)
PUBLISHED = {
    "facebook/wav2vec2-base": ({}, ("Wav2Vec2ForPreTraining", "Wav2Vec2Model")),
    "facebook/wav2vec2-base-960h": ({}, ("Wav2Vec2ForCTC",)),
    "facebook/wav2vec2-large-xlsr-53": (LARGE, ("Wav2Vec2Model",)),
    "facebook/wav2vec2-xls-r-300m": (LARGE, ("Wav2Vec2ForXVector", "Wav2Vec2ForSequenceClassification")),
    "facebook/mms-1b-all": (
        {**LARGE, "hidden_size": 1280, "num_hidden_layers": 48, "intermediate_size": 5120, "adapter_attn_dim": 16},
        ("Wav2Vec2ForCTC",),
    ),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30}, "num_attention_heads"),
    ({"conv_dim": [8, 8]}, "equally long"),
    ({"feat_extract_norm": "batch"}, "feat_extract_norm"),
    ({"codevector_dim": 7}, "codevector_dim"),
]
