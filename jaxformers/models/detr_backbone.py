"""What DETR and its kin see of an image: a backbone's feature maps, which pixels are real, and where each place is."""

from __future__ import annotations

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp

from jaxformers import models, nn, spec
from jaxformers.errors import InputError
from jaxformers.model import arguments
from jaxformers.models import timm_resnet
from jaxformers.nn import Embedding, embed
from jaxformers.nn.dense import nearest

ROWS = 50  # learned positions: as many rows and columns at most
TEMPERATURE = 10000


def check(c):
    """For a config's `check`: yields what is wrong with the fields that choose a backbone."""
    if not c.use_timm_backbone:
        if c.backbone is not None:
            yield f"backbone must be None without use_timm_backbone (a backbone_config tells it), got {c.backbone!r}"
        elif c.backbone_config is None:
            yield "backbone_config must be a config with a model_type where use_timm_backbone is False, got None"
        elif not any(name.endswith("Backbone") for name in models.module(c.backbone_config.model_type).HEADS):
            yield f"backbone_config must be of a model type with a backbone, got {c.backbone_config.model_type!r}"
        return
    if c.backbone_config is not None:
        yield "backbone_config must be None where use_timm_backbone is True"
    if c.backbone not in timm_resnet.DEPTHS:
        yield f"backbone must be one of {', '.join(timm_resnet.DEPTHS)} with use_timm_backbone, got {c.backbone!r}"
        return
    options = dict(c.backbone_kwargs or {})
    stride = options.pop("output_stride", 16 if c.dilation else 32)
    if stride not in (16, 32) or (stride == 16 and timm_resnet.expansion(c.backbone) == 1):
        yield f"output_stride must be 32, or 16 (dilation) for resnet50 and deeper, got {stride} for {c.backbone}"
    levels = options.pop("out_indices", (1, 2, 3, 4))
    if not levels or not set(levels) <= set(range(5)) or tuple(levels) != tuple(sorted(set(levels))):
        yield f"out_indices must be some of 0 to 4 in order, got {levels}"
    if options.pop("in_chans", c.num_channels) != c.num_channels:
        yield f"in_chans must be num_channels = {c.num_channels}, got {c.backbone_kwargs['in_chans']}"
    if options:
        yield f"backbone_kwargs must be of out_indices, in_chans and output_stride, got {', '.join(options)}"


def _timm(c) -> tuple[tuple[int, ...], bool]:
    """(which of the stem and the stages are returned, is the last one dilated?)"""
    options = c.backbone_kwargs or {}
    dilated = options.get("output_stride", 16 if c.dilation else 32) == 16
    return tuple(options.get("out_indices", (1, 2, 3, 4))), dilated


def _head(config):
    return models.find_head(config, next(n for n in models.module(config.model_type).HEADS if n.endswith("Backbone")))[
        1
    ]


@functools.cache
def channels(c) -> tuple[int, ...]:
    """Of every map, coarsest last. A backbone of another architecture is asked by tracing it."""
    if c.use_timm_backbone:
        return tuple(timm_resnet.channels(c.backbone)[i] for i in _timm(c)[0])
    config, head = c.backbone_config, _head(c.backbone_config)
    size = nn.pair(getattr(config, "image_size", 64))
    pixels = jax.ShapeDtypeStruct((1, config.num_channels, *size), jnp.float32)
    out = jax.eval_shape(lambda p, x: head.apply(p, config, x), spec.abstract(head.declare(config)), pixels)
    return tuple(x.shape[1] for x in out.feature_maps)


def Backbone(c):
    """Declares the backbone. Batch normalisation is frozen, as are a ResNet's first layers.

    As in the reference those are timm's stem and first stage, and all of a ResNet of the model type "resnet".
    """
    if c.use_timm_backbone:
        p = timm_resnet.Model(c.backbone, c.num_channels)
        return {name: _frozen(x, name in ("conv1", "bn1", "layer1")) for name, x in p.items()}
    return _frozen(_head(c.backbone_config).declare(c.backbone_config), c.backbone_config.model_type == "resnet")


def _frozen(p, everything: bool):
    """`p` with its batch normalisations, or all of it, kept from the optimiser."""
    if isinstance(p, spec.Param):
        return dataclasses.replace(p, trainable=p.trainable and not everything)
    if isinstance(p, dict):
        return type(p)({k: _frozen(x, everything or "running_mean" in p) for k, x in p.items()})
    return type(p)(_frozen(x, everything) for x in p)


def backbone(p, c, pixel_values, key=None):
    """Feature maps [B, H, W, C] of images [B, C, H, W], coarsest last."""
    nn.images(c.model_type, pixel_values, c.num_channels)
    if c.use_timm_backbone:
        levels, dilated = _timm(c)
        x = nn.channels_last(pixel_values).astype(p["conv1"]["weight"].dtype)
        maps = timm_resnet.feature_maps(p, x, dilated)
        return [maps[i] for i in levels]
    head = _head(c.backbone_config)
    options = {"key": key} if "key" in arguments(head.apply) else {}
    return [nn.channels_last(x) for x in head.apply(p, c.backbone_config, pixel_values, **options).feature_maps]


def seen(pixel_values, pixel_mask, size: tuple[int, int]):
    """bool [B, height, width]: which places of a map are of real pixels; pixel_mask [B, H, W] is 0 at padding."""
    if pixel_mask is None:
        return jnp.ones((pixel_values.shape[0], *size), bool)
    return nearest(pixel_mask[..., None], size)[..., 0].astype(bool)


# ------------------------------------------------------------------------------------------------------ positions


def Positions(c):
    """Declares nothing for "sine" positions; the two tables of "learned" ones."""
    if c.position_embedding_type == "sine":
        return {}
    tables = {n: Embedding(ROWS, c.d_model // 2, "- embed", _from_0_to_1) for n in ("row", "column")}
    return {"position_embedding": {f"{n}_embeddings": table for n, table in tables.items()}}


def _from_0_to_1(key, shape, dtype):
    return jax.random.uniform(key, shape, jnp.float32).astype(dtype)


def positions(p, c, mask):
    """Where each place of a map is, [B or 1, height, width, D]; mask bool [B, height, width]."""
    if "position_embedding" not in p:
        return sines(mask, c.d_model // 2)
    height, width = mask.shape[1:]
    if max(height, width) > ROWS:
        problem = f"feature maps must be at most {ROWS} high and wide, got {height} by {width}"
        raise InputError(c.model_type, [problem], "use smaller images, or a config with sine positions")
    tables = p["position_embedding"]
    rows, columns = (embed(tables[f"{n}_embeddings"], jnp.arange(k)) for n, k in (("row", height), ("column", width)))
    shape = (height, width, c.d_model // 2)
    both = jnp.broadcast_to(columns[None], shape), jnp.broadcast_to(rows[:, None], shape)
    return jnp.concatenate(both, -1)[None]


def sines(mask, width: int):
    """float32 [B, height, width, 2 * width]: waves of the row, then of the column, both as fractions of the image."""

    def waves(axis: int):
        at = jnp.cumsum(mask, axis, dtype=jnp.float32)
        at = at / (jax.lax.slice_in_dim(at, -1, None, axis=axis) + 1e-6) * (2 * math.pi)
        angles = at[..., None] / TEMPERATURE ** (2 * (jnp.arange(width) // 2).astype(jnp.float32) / width)
        pairs = jnp.stack([jnp.sin(angles[..., 0::2]), jnp.cos(angles[..., 1::2])], -1)
        return pairs.reshape(angles.shape)

    return jnp.concatenate([waves(1), waves(2)], -1)
