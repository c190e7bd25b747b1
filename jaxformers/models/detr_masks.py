"""DETR's masks: where each query looks at the image, refined by convolutions and the backbone's finer maps.

Paper: https://arxiv.org/abs/2005.12872, section 4.4.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.nn import Conv2d, Linear, linear
from jaxformers.nn.dense import nearest
from jaxformers.nn.group_norm import GroupNorm, group_norm
from jaxformers.spec import uniform

GROUPS = 8


def Masks(c, finer: tuple[int, ...]):
    """Declares `mask_head` and `bbox_attention`; `finer` are the channels of the three finest maps, finest first."""
    d, dim = c.d_model, c.d_model + c.encoder_attention_heads
    widths = [dim, dim, d // 2, d // 4, d // 8, d // 16]
    head = {}
    for i in range(1, 6):
        head[f"lay{i}"] = Conv2d(widths[i - 1], widths[i], 3)
        head[f"gn{i}"] = GroupNorm(widths[i])
    head["out_lay"] = Conv2d(widths[5], 1, 3, "channels -")
    for i, channels in enumerate(finer[::-1], 1):
        head[f"adapter{i}"] = Conv2d(channels, widths[i + 1], 1)
    xavier = uniform(c.init_xavier_std * math.sqrt(3 / d))
    return {
        "mask_head": head,
        "bbox_attention": {n: Linear(d, d, "embed heads", init=xavier) for n in ("q_linear", "k_linear")},
    }


def attention_maps(p, c, queries, memory, mask):
    """How much each query [B, Q, D] looks at each place of memory [B, h, w, D], by head: [B, Q, h, w, N].

    The places of all heads together share a softmax; those where mask [B, h, w] is False get nothing.
    """
    q = nn.split_heads(linear(p["q_linear"], queries), c.encoder_attention_heads)
    k = nn.split_heads(linear(p["k_linear"], memory), c.encoder_attention_heads)
    scores = jnp.einsum("bqnd,bhwnd->bqhwn", q * q.shape[-1] ** -0.5, k, preferred_element_type=jnp.float32)
    scores = jnp.where(mask[:, None, :, :, None], scores, jnp.finfo(jnp.float32).min)
    probs = jax.nn.softmax(scores.reshape(*scores.shape[:2], -1), -1)
    return probs.reshape(scores.shape).astype(queries.dtype)


def first_layer(p, image, looks):
    """The convolution `p` of image [B, h, w, D] and looks [B, Q, h, w, N] side by side, for every query: [B * Q, ...].

    The image's part is the same for every query, and convolved once.
    """
    d, (b, q) = image.shape[-1], looks.shape[:2]
    shared = nn.conv2d({"weight": p["weight"][:, :d]}, image, padding=1)
    own = nn.conv2d({**p, "weight": p["weight"][:, d:]}, looks.reshape(b * q, *looks.shape[2:]), padding=1)
    return (shared[:, None] + own.reshape(b, q, *own.shape[1:])).reshape(own.shape)


def mask_head(p, image, looks, finer):
    """Scores [B, Q, H, W] at the size of the finest of the maps `finer` [B, H, W, C], coarsest first."""
    b, q = looks.shape[:2]

    def norm(i: int, x):
        return nn.activation("relu", group_norm(p[f"gn{i}"], x, min(GROUPS, x.shape[-1])))

    x = norm(1, first_layer(p["lay1"], image, looks))
    x = norm(2, nn.conv2d(p["lay2"], x, padding=1))
    for i, map_ in enumerate(finer, 1):
        fine = nn.conv2d(p[f"adapter{i}"], map_)
        x = nearest(x, fine.shape[1:3]).reshape(b, q, *fine.shape[1:]) + fine[:, None]
        x = norm(i + 2, nn.conv2d(p[f"lay{i + 2}"], x.reshape(b * q, *fine.shape[1:]), padding=1))
    x = nn.conv2d(p["out_lay"], x, padding=1)
    return x.reshape(b, q, *x.shape[1:3])


def masks(p, c, out, image: dict):
    """Scores [B, Q, H, W] of every query's mask, from DETR's output and what its backbone saw."""
    memory = out.encoder_last_hidden_state.reshape(image["projected"].shape)
    looks = attention_maps(p["bbox_attention"], c, out.last_hidden_state, memory, image["mask"])
    return mask_head(p["mask_head"], image["projected"], looks, image["maps"][:3][::-1])
