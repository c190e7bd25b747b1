"""What Perceiver reads: texts, images, pairs of frames and videos with sound, each as one array [B, S, C].

A pre-processor is a declaration, a function of the same name and, where a head needs it, its number of channels C.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.nn import BatchNorm, Conv2d, Embedding, Linear, embed, linear
from jaxformers.nn.fourier import fourier, fourier_size, grid_positions
from jaxformers.nn.resize import bicubic
from jaxformers.spec import Param

COLOURS = 3
WIDTH = 256  # of the features and of the positions of `learned`
BANDS, RESOLUTION = 64, (224, 224)  # of images
CONV_WIDTH, CONV_RESOLUTION = 64, (56, 56)
FLOW_SURROUNDINGS, FLOW_FRAMES, FLOW_WIDTH = 27, 2, 64  # of a pixel of optical flow: 3 x 3 neighbours of 3 colours
AUDIO_BANDS, VIDEO_BANDS, VIDEO_BLOCK = 192, 32, 4  # of videos with sound; blocks of VIDEO_BLOCK^2 pixels
PADDING = 4  # channels that every modality is at least padded by
PIXELS = COLOURS + fourier_size(BANDS, 2)
CONV = CONV_WIDTH + fourier_size(BANDS, 2)
FLOW = FLOW_WIDTH + fourier_size(BANDS, 2)


def with_positions(x, bands: int, resolution):
    """x [B, *grid, C] -> [B, prod(grid), C + features]: every entry followed by the Fourier features of its place."""
    places = fourier(grid_positions(x.shape[1:-1]), bands, resolution).astype(x.dtype)
    flat = x.reshape(x.shape[0], -1, x.shape[-1])
    return jnp.concatenate([flat, jnp.broadcast_to(places, (x.shape[0], *places.shape))], -1)


def blocks(x, frames: int, side: int):
    """Video [B, T, C, H, W] -> [B, T / frames, H / side, W / side, frames * side^2 * C], the channels innermost."""
    b, t, c, h, w = x.shape
    x = x.reshape(b, t // frames, frames, c, h // side, side, w // side, side)
    return x.transpose(0, 1, 4, 6, 2, 5, 7, 3).reshape(b, t // frames, h // side, w // side, -1)


def check(name: str, x, shape) -> None:
    """Refuses x whose axes behind the batch are not `shape`, in which None stands for any size."""
    if x.ndim != len(shape) + 1 or any(n not in (None, m) for n, m in zip(shape, x.shape[1:], strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError("perceiver", [f"{name} must have shape [batch, {wanted}], got {list(x.shape)}"])


# ------------------------------------------------------------------------------------------------------ text


def Text(c):
    return {
        "embeddings": Embedding(c.vocab_size, c.d_model),
        "position_embeddings": Embedding(c.max_position_embeddings, c.d_model, "- embed"),
    }


def text(p, ids):
    """Ids int [B, S] -> [B, S, d_model]."""
    places = p["position_embeddings"]["weight"]
    if ids.ndim != 2 or ids.shape[1] > len(places):
        problem = f"input_ids must have shape [batch, up to {len(places)}], got {list(ids.shape)}"
        raise InputError("perceiver", [problem], "shorten the text")
    return embed(p["embeddings"], ids) + places[: ids.shape[1]]


# ------------------------------------------------------------------------------------------------------ images


def Learned(c):
    return {
        "convnet_1x1": Conv2d(COLOURS, WIDTH, 1),
        "position_embeddings": {"position_embeddings": Param((c.image_size**2, WIDTH), "- embed")},
        "positions_projection": Linear(WIDTH, WIDTH, "embed -"),
    }


def learned(p, c, images, interpolate: bool):
    """Images [B, 3, H, W] -> [B, H * W, 2 * WIDTH]: each pixel by a linear layer, then its learned position."""
    side, size = c.image_size, tuple(images.shape[2:])
    table = p["position_embeddings"]["position_embeddings"]
    if interpolate and size != (side, side):
        table = bicubic(table.reshape(side, side, -1), size).reshape(-1, WIDTH)
    x = nn.conv2d(p["convnet_1x1"], nn.channels_last(images))
    x = x.reshape(x.shape[0], -1, WIDTH)
    places = linear(p["positions_projection"], table)
    return jnp.concatenate([x, jnp.broadcast_to(places, (x.shape[0], *places.shape))], -1)


def pixels(images):
    """Images [B, 3, H, W] -> [B, H * W, PIXELS]."""
    return with_positions(nn.channels_last(images), BANDS, RESOLUTION)


def Conv():
    return {"convnet": {"conv": Conv2d(COLOURS, CONV_WIDTH, 7, bias=False), "batchnorm": BatchNorm(CONV_WIDTH)}}


def conv(p, images, train: bool):
    """Images [B, 3, H, W] -> [B, about H / 4 * W / 4, CONV], and the new statistics (None unless `train`)."""
    x = nn.conv2d(p["convnet"]["conv"], nn.channels_last(images), 2, 3)
    x, state = nn.batch_norm(p["convnet"]["batchnorm"], x, train)
    x = nn.max_pool(jax.nn.relu(x), 3, 2)
    return with_positions(x, BANDS, CONV_RESOLUTION), {"convnet": {"batchnorm": state}} if train else None


def Flow():
    return {"conv_after_patches": Linear(FLOW_FRAMES * FLOW_SURROUNDINGS, FLOW_WIDTH, "- channels")}


def flow(p, c, pairs):
    """Pairs of frames [B, 2, 27, H, W], each pixel with its neighbours -> [B, H * W, FLOW]."""
    check("inputs", pairs, (FLOW_FRAMES, FLOW_SURROUNDINGS, *c.train_size))
    x = linear(p["conv_after_patches"], blocks(pairs, FLOW_FRAMES, 1)[:, 0])
    return with_positions(x, BANDS, c.train_size)


# ------------------------------------------------------------------------------------------------------ videos


def audio_samples(c) -> int:
    return c.num_frames * c.audio_samples_per_frame


def video_resolution(c) -> tuple[int, int, int]:
    return c.num_frames, c.image_size, c.image_size


def video_channels(c) -> dict[str, int]:
    """Channels of each modality, in the order in which they are read."""
    return {
        "audio": c.samples_per_patch + fourier_size(AUDIO_BANDS, 1),
        "image": COLOURS * VIDEO_BLOCK**2 + fourier_size(VIDEO_BANDS, 3),
        "label": c.num_labels,
    }


def video_width(c) -> int:
    return max(video_channels(c).values()) + PADDING


def Video(c):
    channels, width = video_channels(c), video_width(c)
    return {
        "padding": {name: Param((1, width - n), "- embed") for name, n in channels.items()},
        "mask": {name: Param((1, width), "- embed") for name in channels},
    }


def video(p, c, inputs):
    """A video [B, T, 3, H, W] as "image", its "audio" [B, samples (, 1)] and "label" [B, num_labels] -> [B, S, C].

    The label is what is asked for: a learned token stands in its place, always. The tokens that would hide frames and
    sound stand in files, with a chance of zero.
    """
    missing = sorted(video_channels(c).keys() - inputs.keys())
    if missing:
        raise InputError("perceiver", [f"inputs must hold audio, image and label, got no {', '.join(missing)}"])
    check("inputs' image", inputs["image"], (None, COLOURS, None, None))
    check("inputs' label", inputs["label"], (c.num_labels,))
    dtype, audio, sizes = p["mask"]["label"].dtype, inputs["audio"], inputs["image"].shape
    if audio[0].size % c.samples_per_patch:
        problem = f"inputs' audio must hold a multiple of {c.samples_per_patch} samples, got {audio[0].size}"
        raise InputError("perceiver", [problem])
    if sizes[-2] % VIDEO_BLOCK or sizes[-1] % VIDEO_BLOCK:
        problem = f"inputs' image must be multiples of {VIDEO_BLOCK} high and wide, got {sizes[-2]} by {sizes[-1]}"
        raise InputError("perceiver", [problem])
    sound = audio.astype(dtype).reshape(len(audio), -1, c.samples_per_patch)
    frames = blocks(inputs["image"].astype(dtype), 1, VIDEO_BLOCK)
    parts = {
        "audio": with_positions(sound, AUDIO_BANDS, (audio_samples(c),)),
        "image": with_positions(frames, VIDEO_BANDS, video_resolution(c)),
    }
    rows = frames.shape[0]
    padded = [jnp.concatenate([x, spread(p["padding"][name], x.shape[:2])], -1) for name, x in parts.items()]
    return jnp.concatenate([*padded, spread(p["mask"]["label"], (rows, 1))], 1)


def spread(row, shape):
    """row [1, C] -> [*shape, C]."""
    return jnp.broadcast_to(row, (*shape, row.shape[-1]))
