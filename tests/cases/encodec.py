"""EnCodec."""

import numpy as np
from support.case import Case

HEADS = ("EncodecModel",)
TINY = dict(
    target_bandwidths=[0.8, 1.6],
    sampling_rate=1200,
    hidden_size=8,
    num_filters=4,
    upsampling_ratios=[4, 3],
    codebook_size=16,
)
# As the model for 48 kHz: two channels, chunks that overlap, and no weight is normed.
CHUNKED = dict(
    audio_channels=2,
    normalize=True,
    chunk_length_s=0.1,
    overlap=0.25,
    norm_type="time_group_norm",
    use_causal_conv=False,
)
SAMPLES = 325


def inputs(head, c, rng):
    """Two sounds, the second of them shorter."""
    samples = SAMPLES if c.get("sampling_rate") == TINY["sampling_rate"] else 2 * c.get("sampling_rate", 24000)
    mask = np.ones((2, samples), np.int32)
    mask[1, samples - samples // 3 :] = 0
    sound = rng.standard_normal((2, c.get("audio_channels", 1), samples)).astype(np.float32)
    return {"input_values": sound, "padding_mask": mask}


def of_codes(chunks: int, books: int):
    """Codes of chunks of ten, and the scales of the chunks."""

    def make(head, c, rng):
        codes = rng.integers(0, c["codebook_size"], (chunks, 2, books, 10), dtype=np.int32)
        scales = rng.uniform(0.5, 2, (chunks, 2, 1)).astype(np.float32)
        return {"input_values": inputs(head, c, rng)["input_values"], "audio_codes": codes, "audio_scales": scales}

    return make


def short(samples: int):
    def make(head, c, rng):
        return {"input_values": inputs(head, c, rng)["input_values"][..., :samples]}

    return make


def three_axes(head, c, rng):
    made = inputs(head, c, rng)
    return made | {"padding_mask": np.broadcast_to(made["padding_mask"][:, None], made["input_values"].shape).copy()}


CASES = [
    Case("causal", TINY, inputs=inputs),
    Case("chunked", {**TINY, **CHUNKED}, inputs=inputs),
    Case("chunks_of_both", {**TINY, **CHUNKED}, inputs=three_axes, options={"bandwidth": 1.6}),
    Case("one_chunk", {**TINY, **CHUNKED}, inputs=short(70)),
    Case("plain_chunks", {**TINY, "chunk_length_s": 0.1, "overlap": 0.0}, inputs=inputs),
    Case("every_codebook", TINY, inputs=inputs, options={"bandwidth": 1.6}),
    Case("unmasked", {**TINY, "normalize": True}, inputs=inputs, extra={"padding_mask": None}),
    Case("shorter_than_its_padding", TINY, inputs=short(5)),
    Case("trimmed", {**TINY, "trim_right_ratio": 0.4, "pad_mode": "constant"}, inputs=inputs),
    Case("grouped", {**TINY, "norm_type": "time_group_norm", "pad_mode": "replicate"}, inputs=inputs),
    Case("around", {**TINY, "use_causal_conv": False, "pad_mode": "circular", "num_lstm_layers": 1}, inputs=inputs),
    Case(
        "deep",
        {
            **TINY,
            "num_residual_layers": 3,
            "residual_kernel_size": 5,
            "dilation_growth_rate": 3,
            "compress": 4,
            "use_conv_shortcut": False,
            "use_causal_conv": False,
            "kernel_size": 5,
            "last_kernel_size": 3,
            "num_lstm_layers": 3,
            "upsampling_ratios": [2, 3, 2],
        },
        inputs=inputs,
    ),
    Case("from_codes", TINY, inputs=of_codes(1, 3), options={"last_frame_pad_length": 4}),
    Case("from_chunks", {**TINY, **CHUNKED}, inputs=of_codes(4, 4), options={"last_frame_pad_length": 3}),
    Case("crowded", {**TINY, **CHUNKED, "overlap": 0.7}, inputs=of_codes(5, 2)),  # several chunks at one time
]
PUBLISHED = {
    "facebook/encodec_24khz": ({}, HEADS),
    "facebook/encodec_48khz": (
        dict(
            target_bandwidths=[3.0, 6.0, 12.0, 24.0],
            sampling_rate=48000,
            audio_channels=2,
            normalize=True,
            chunk_length_s=1.0,
            overlap=0.01,
            norm_type="time_group_norm",
            use_causal_conv=False,
        ),
        HEADS,
    ),
    "facebook/encodec_32khz": (
        dict(
            target_bandwidths=[2.2],
            sampling_rate=32000,
            num_filters=64,
            upsampling_ratios=[8, 5, 4, 4],
            use_causal_conv=False,
            use_conv_shortcut=False,
            codebook_size=2048,
        ),
        HEADS,
    ),
}
REFUSED = [
    ({"norm_type": "layer_norm"}, "norm_type"),
    ({"pad_mode": "zero"}, "pad_mode"),
    ({"audio_channels": 3}, "audio_channels"),
    ({"codebook_dim": 64}, "codebook_dim"),
    ({"codebook_size": 1000}, "power of 2"),
    ({"target_bandwidths": [0.1]}, "target_bandwidths"),
    ({"num_lstm_layers": 0}, "num_lstm_layers"),
    ({"trim_right_ratio": 0.5, "use_causal_conv": False}, "trim_right_ratio"),
    ({"chunk_length_s": 1.0}, "overlap"),
    ({"chunk_length_s": 1.0, "overlap": 1.0}, "overlap"),
    ({"chunk_length_s": 0.0, "overlap": 0.5}, "chunk_length_s"),
]
