"""ViLT's patches: of images of unequal size in one batch, with positions stretched over the real part of each."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.nn import dropout


def patch_mask(pixel_mask, grid):
    """bool [B, rows, columns]: which patches of a grid are real, of the mask [B, H, W] of their pixels."""
    rows, columns = (
        np.floor(np.arange(n) * (m / n)).astype(int) for n, m in zip(grid, pixel_mask.shape[1:], strict=True)
    )
    return pixel_mask[:, rows][:, :, columns].astype(bool)


def stretch(old: int, new: int, length):
    """float32 [B, new, old]: the first `length` int [B] of `new` samples mix `old` ones, ends on ends; then zeros."""
    at = jnp.arange(new)[None]
    source = at * ((old - 1) / jnp.maximum(length - 1, 1))[:, None]
    weights = jnp.maximum(1 - jnp.abs(source[..., None] - jnp.arange(old)), 0)
    return jnp.where((at < length[:, None])[..., None], weights, 0)


def positions(p, c, mask):
    """Position embeddings [B, rows, columns, D]: the table stretched over the real patches of each image."""
    table = p["position_embeddings"][0, 1:].reshape(c.grid, c.grid, -1)
    rows = stretch(c.grid, mask.shape[1], mask[:, :, 0].sum(1))
    columns = stretch(c.grid, mask.shape[2], mask[:, 0].sum(1))
    how = {"precision": jax.lax.Precision.HIGHEST}
    return jnp.einsum("bih,bjw,hwd->bijd", rows, columns, table.astype(jnp.float32), **how).astype(table.dtype)


def patches(p, c, pixel_values, pixel_mask, key):
    """A class token and the patches of images [B, C, H, W], and which of them are real: [B, 1 + L, D] and bool.

    Real patches come first. They are all there unless the config's `max_image_length` is positive: then the first so
    many or, with a `key`, as many at random.
    """
    nn.images("vilt", pixel_values, c.num_channels)
    k_choice, k_drop = nn.split(key, 2)
    x = nn.patchify(p["patch_embeddings"]["projection"], pixel_values)
    grid, batch = x.shape[1:3], x.shape[0]
    pixel_mask = jnp.ones((batch, *grid), bool) if pixel_mask is None else pixel_mask
    mask = patch_mask(pixel_mask, grid)
    x, mask = (x + positions(p, c, mask)).reshape(batch, -1, x.shape[-1]), mask.reshape(batch, -1)

    most = c.max_image_length or -1
    length = x.shape[1] if most < 0 else min(most, x.shape[1])
    order = ~mask
    if length < x.shape[1] and k_choice is not None:
        order = order + jax.random.uniform(k_choice, mask.shape)
    chosen = jnp.argsort(order, axis=1, stable=True)[:, :length]
    x = jnp.take_along_axis(x, chosen[..., None], 1)
    mask = jnp.take_along_axis(mask, chosen, 1)
    first = jnp.broadcast_to(p["cls_token"] + p["position_embeddings"][:, :1], (batch, 1, x.shape[-1]))
    x = dropout(jnp.concatenate([first, x], 1), c.hidden_dropout_prob, k_drop)
    return x, jnp.concatenate([jnp.ones((batch, 1), bool), mask], 1)
