"""Swin's encoder: stages of attention inside windows that shift, with patches merged between them.

Paper: https://arxiv.org/abs/2103.14030. Configs have Swin's fields and methods (`models.vision.swin`).
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.nn import Conv2d, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.nn.drop_path import drop_path, drop_path_rates
from jaxformers.nn.image_windows import join_windows, split_windows, window_bias, window_mask
from jaxformers.spec import Layers, Param, zeros

EPS = 1e-5  # of the norms outside the blocks


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c, d: int, heads: int):
    f = int(c.mlp_ratio * d)
    table = Param(((2 * c.window_size - 1) ** 2, heads), "- heads", zeros)
    own = {n: Linear(d, d, "embed heads", bias=c.qkv_bias) for n in ("query", "key", "value")}
    return {
        "layernorm_before": LayerNorm(d),
        "attention": {
            "self": {**own, "relative_position_bias_table": table},
            "output": {"dense": Linear(d, d, "heads embed")},
        },
        "layernorm_after": LayerNorm(d),
        "intermediate": {"dense": Linear(d, f)},
        "output": {"dense": Linear(f, d, "mlp embed")},
    }


def Stage(c, i: int):
    d = c.width(i)
    p: dict = {"blocks": Layers(Layer(c, d, c.num_heads[i]) for _ in range(c.depths[i]))}
    if i < len(c.depths) - 1:
        p["downsample"] = {"reduction": Linear(4 * d, 2 * d, "- embed", bias=False), "norm": LayerNorm(4 * d)}
    return p


def Encoder(c, mask_token: bool = False):
    d = c.embed_dim
    return {
        "embeddings": {
            **({"mask_token": Param((1, 1, d), "- - embed", zeros)} if mask_token else {}),
            "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
            "norm": LayerNorm(d),
        },
        "encoder": {"layers": [Stage(c, i) for i in range(len(c.depths))]},
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, heads: int, mask, key, weights: bool):
    """Attention inside windows x [B * windows, size^2, D]. Returns (y, weights)."""
    own, (k_probs, k_out) = p["self"], nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(own[n], x), heads) for n in ("query", "key", "value"))
    bias = window_bias(own["relative_position_bias_table"], c.window_size)
    rate = c.attention_probs_dropout_prob
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, rate=rate, key=k_probs, weights=weights)
    return dropout(linear(p["output"]["dense"], nn.merge_heads(h)), rate, k_out), probs


def layer(p, c, x, *, heads: int, shifted, masks, rate, key, weights):
    """A block over x [B, H, W, D]; where `shifted` (bool, may be traced) the windows are half a window further on.

    `masks` [windows, 1, size^2, size^2] is what windows of the rolled image may attend to, None if no block shifts.
    """
    size, (height, width) = c.window_size, x.shape[1:3]
    k_attention, k_out, *k_drop = nn.split(key, 4)
    h = layer_norm(p["layernorm_before"], x, c.layer_norm_eps)
    h = jnp.pad(h, ((0, 0), (0, -height % size), (0, -width % size), (0, 0)))
    full, mask = h.shape[1:3], None
    if masks is not None:
        h = jnp.where(shifted, jnp.roll(h, (-(size // 2), -(size // 2)), (1, 2)), h)
        mask = jnp.tile(masks | ~jnp.asarray(shifted), (x.shape[0], 1, 1, 1))
    h, probs = attention(p["attention"], c, split_windows(h, size), heads, mask, k_attention, weights)
    h = join_windows(h, size, *full)
    if masks is not None:
        h = jnp.where(shifted, jnp.roll(h, (size // 2, size // 2), (1, 2)), h)
    x = x + drop_path(h[:, :height, :width], rate, k_drop[0])
    h = linear(p["intermediate"]["dense"], layer_norm(p["layernorm_after"], x, c.layer_norm_eps))
    h = linear(p["output"]["dense"], nn.activation(c.hidden_act, h))
    return x + dropout(h, c.hidden_dropout_prob, k_out), {"attention": probs}


def merge(p, x):
    """Every two by two patches of x [B, H, W, D] become one, [B, ceil(H / 2), ceil(W / 2), 2 D]."""
    x = jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)))
    x = jnp.concatenate([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
    return linear(p["reduction"], layer_norm(p["norm"], x, EPS))


def stage(p, c, i: int, x, rates, keys, weights: bool, pad_to_window: bool):
    """The blocks of stage `i` over x [B, H, W, D]. Returns x and the last block's attention weights."""
    size, (height, width) = c.window_size, x.shape[1:3]
    one = min(height, width) <= size and not pad_to_window  # a single row of windows has nowhere to shift to
    if one and min(height, width) < size:
        problem = f"stage {i + 1} must be at least window_size = {size} patches high and wide, got {height} by {width}"
        raise InputError("swin", [problem], "use larger images or the backbone, which pads to whole windows")
    masks = None
    if not one and size > 1:
        masks = window_mask(height + -height % size, width + -width % size, size, size // 2)

    def step(p, x, shifted, rate, key):
        how = {"rate": rate, "key": key, "weights": weights}
        return layer(p, c, x, heads=c.num_heads[i], shifted=shifted, masks=masks, **how)

    shifted = np.arange(c.depths[i]) % 2 == 1
    x, ys = nn.fold(step, p["blocks"], x, shifted=shifted, rate=rates, key=keys)
    probs = nn.collect(ys, "attention")
    return x, probs and probs[-1]


def embeddings(p, c, pixel_values, bool_masked_pos, key):
    """Patches [B, H / P, W / P, D]; images are padded at the right and the bottom to whole ones."""
    nn.images("swin", pixel_values, c.num_channels)
    pads = [(0, -n % size) for n, size in zip(pixel_values.shape[2:], nn.pair(c.patch_size), strict=True)]
    x = nn.patchify(p["patch_embeddings"]["projection"], jnp.pad(pixel_values, ((0, 0), (0, 0), *pads)))
    x = layer_norm(p["norm"], x, EPS)
    if bool_masked_pos is not None:
        count = x.shape[1] * x.shape[2]
        if bool_masked_pos.shape != (x.shape[0], count):
            want, got = [x.shape[0], count], list(bool_masked_pos.shape)
            raise InputError("swin", [f"bool_masked_pos must be [batch, patches] {want}, got {got}"])
        hidden = bool_masked_pos.reshape(x.shape[:3]).astype(bool)
        x = jnp.where(hidden[..., None], p["mask_token"], x)
    return dropout(x, c.hidden_dropout_prob, key)


def encode(p, c, pixel_values, bool_masked_pos=None, weights=False, key=None, as_backbone=False):
    """All stages. Returns (maps, attentions): the patches and every stage's output, [B, H, W, D].

    A stage's output is merged already for the next stage, except as a backbone.
    """
    k_embed, k_layers = nn.split(key, 2)
    x = embeddings(p["embeddings"], c, pixel_values, bool_masked_pos, k_embed)
    total, at = sum(c.depths), 0
    rates, keys = drop_path_rates(c.drop_path_rate, total), nn.split_layers(k_layers, total)
    maps, attentions = [x], []
    for i, own in enumerate(p["encoder"]["layers"]):
        some = slice(at, at + c.depths[i])
        at = some.stop
        x, probs = stage(own, c, i, x, rates[some], None if keys is None else keys[some], weights, as_backbone)
        before = x
        if "downsample" in own:
            x = merge(own["downsample"], x)
        maps.append(before if as_backbone else x)
        attentions.append(probs)
    return maps, tuple(attentions) if weights else None


def flat(x):
    """[B, H, W, D] -> [B, H * W, D]."""
    return x.reshape(x.shape[0], -1, x.shape[-1])
