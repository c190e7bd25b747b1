"""What Perceiver answers: queries that read the latents by one layer of cross-attention, and what is made of them."""

from __future__ import annotations

import jax.numpy as jnp

from jaxformers.errors import InputError
from jaxformers.models import perceiver_inputs as inputs
from jaxformers.models.perceiver_encoder import Layer, layer
from jaxformers.models.perceiver_inputs import spread
from jaxformers.nn import Linear, linear
from jaxformers.nn.fourier import fourier, fourier_size, point_positions
from jaxformers.spec import Param, zeros

WORD_HEADS, WORD_KEYS = 8, 8 * 32  # attention heads and query channels of masked words
FLOW_SCALE = 100.0
PADDING = 2  # channels that every modality's queries are at least padded by


def Places(n: int, width: int):
    """A learned query for each of n outputs."""
    return {"output_position_encodings": {"position_embeddings": Param((n, width), "- embed")}}


def Reader(c, width: int, **how):
    """The layer by which queries of `width` channels read the latents."""
    return {"decoding_cross_attention": Layer(c, width, c.d_latents, **how)}


def read(p, c, queries, z, key=None, weights=False, heads: int = 1, residual=False):
    """queries [B, Q, C] that have read z [B, num_latents, d_latents], through the last layer where there is one."""
    how = {"heads": heads, "residual": residual, "key": key, "weights": weights}
    y, probs = layer(p["decoding_cross_attention"], c, queries, z, **how)
    return linear(p["final_layer"], y) if "final_layer" in p else y, probs


def learned_queries(p, rows: int):
    table = p["output_position_encodings"]["position_embeddings"]
    return jnp.broadcast_to(table, (rows, *table.shape))


# ------------------------------------------------------------------------------------------------------ words


def Words(c):
    how = {"qk": WORD_KEYS, "v": c.d_model, "heads": WORD_HEADS}
    return {**Places(c.max_position_embeddings, c.d_model), **Reader(c, c.d_model, **how)}


def words(p, c, z, key, weights):
    """States [B, max_position_embeddings, d_model], however long the text was."""
    return read(p, c, learned_queries(p, z.shape[0]), z, key, weights, WORD_HEADS)


def WordBias(c):
    return {"bias": Param((c.vocab_size,), "vocab", zeros)}


# ------------------------------------------------------------------------------------------------------ classes


def Classes(c):
    d = c.d_latents
    return {"decoder": {**Places(1, d), **Reader(c, d), "final_layer": Linear(d, c.num_labels, "embed -")}}


def classes(p, c, z, key, weights):
    """Scores [B, num_labels]."""
    own = p["decoder"]
    y, probs = read(own, c, learned_queries(own, z.shape[0]), z, key, weights, residual=True)
    return y[:, 0], probs


# ------------------------------------------------------------------------------------------------------ optical flow


def Flow(c):
    return {"decoder": {**Reader(c, inputs.FLOW), "final_layer": Linear(inputs.FLOW, 2, "embed -")}}


def flow(p, c, x, z, key, weights):
    """Motion [B, H, W, 2] of every pixel, asked for by the inputs x [B, H * W, C] themselves."""
    y, probs = read(p["decoder"], c, x, z, key, weights)
    return (y / FLOW_SCALE).reshape(x.shape[0], *c.train_size, 2), probs


# ------------------------------------------------------------------------------------------------------ videos


def query_channels(c) -> dict[str, int]:
    """Channels of each modality's queries, in the order in which they are asked."""
    return {
        "audio": fourier_size(inputs.AUDIO_BANDS, 1),
        "image": fourier_size(inputs.VIDEO_BANDS, 3),
        "label": c._label_trainable_num_channels,
    }


def query_width(c) -> int:
    return max(query_channels(c).values()) + PADDING


def Video(c):
    width, out = query_width(c), c.output_num_channels
    return {
        "modalities": {"label": {"decoder": Places(1, c._label_trainable_num_channels)}},
        "decoder": {**Reader(c, width), "final_layer": Linear(width, out, "embed -")},
        "padding": {name: Param((1, width - n), "- embed") for name, n in query_channels(c).items()},
    }


def VideoEnds(c):
    sizes = {"audio": c.samples_per_patch, "image": inputs.COLOURS, "label": c.num_labels}
    ends = {name: {"classifier": Linear(c.output_num_channels, n, "embed -")} for name, n in sizes.items()}
    return {"modalities": ends}


def video(p, ends, c, points, z, key, weights):
    """Sound [B, samples], pixels [B, n, 3] and classes [B, num_labels].

    `points` are the places that are asked for: int [m] of the "audio", in patches, and int [n] of the "image", counted
    through frames, rows and columns of `output_shape`.
    """
    missing = [name for name in ("audio", "image") if points is None or points.get(name) is None]
    if missing:
        problem = f"subsampled_output_points must hold places of audio and image, got no {', '.join(missing)}"
        raise InputError("perceiver", [problem])
    patches = (inputs.audio_samples(c) // c.samples_per_patch,)
    sound, pixels = point_positions(points["audio"], patches), point_positions(points["image"], c.output_shape[1:])
    queries = {
        "audio": fourier(sound, inputs.AUDIO_BANDS, (inputs.audio_samples(c),)),
        "image": fourier(pixels, inputs.VIDEO_BANDS, inputs.video_resolution(c)),
        "label": p["modalities"]["label"]["decoder"]["output_position_encodings"]["position_embeddings"],
    }
    padded = [
        jnp.concatenate([x.astype(z.dtype), spread(p["padding"][name][0], x.shape[:1])], -1)
        for name, x in queries.items()
    ]
    asked = jnp.concatenate(padded)
    y, probs = read(p["decoder"], c, jnp.broadcast_to(asked, (z.shape[0], *asked.shape)), z, key, weights)
    m, rows = len(sound), z.shape[0]
    parts = {"audio": y[:, :m], "image": y[:, m:-1], "label": y[:, -1:]}
    scores = {name: linear(ends["modalities"][name]["classifier"], x) for name, x in parts.items()}
    flat = {"audio": scores["audio"].reshape(rows, -1), "image": scores["image"], "label": scores["label"][:, 0]}
    return flat, probs
