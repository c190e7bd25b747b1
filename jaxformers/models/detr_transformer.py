"""DETR's transformer: an encoder of places and a decoder of queries; positions join queries and keys in every layer.

Paper: https://arxiv.org/abs/2005.12872, appendix A.3.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.nn import LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.spec import Layers

EPS = 1e-5


# ------------------------------------------------------------------------------------------------------ declarations


def Attention(d: int):
    p = {name: Linear(d, d, "embed heads") for name in ("k_proj", "v_proj", "q_proj")}
    return {**p, "out_proj": Linear(d, d, "heads embed")}


def Layer(c, side: str):
    d, f = c.d_model, getattr(c, f"{side}_ffn_dim")
    cross = {"encoder_attn": Attention(d), "encoder_attn_layer_norm": LayerNorm(d)}
    return {
        "self_attn": Attention(d),
        "self_attn_layer_norm": LayerNorm(d),
        **(cross if side == "decoder" else {}),
        "fc1": Linear(d, f),
        "fc2": Linear(f, d, "mlp embed"),
        "final_layer_norm": LayerNorm(d),
    }


def Tower(c, side: str):
    """The "encoder" or the "decoder"; only the latter has a norm at its end."""
    p = {"layers": Layers(Layer(c, side) for _ in range(getattr(c, f"{side}_layers")))}
    return {**p, "layernorm": LayerNorm(c.d_model)} if side == "decoder" else p


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, heads: int, at, *, memory=None, memory_at=None, mask=None, key=None, weights=False):
    """Self-attention of x [B, S, D], or across to `memory`; positions `at` join queries and keys, never values."""
    q = x + at
    k, v = (q, x) if memory is None else (memory + memory_at, memory)
    split = (nn.split_heads(linear(p[n], h), heads) for n, h in (("q_proj", q), ("k_proj", k), ("v_proj", v)))
    h, probs = nn.attend(*split, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["out_proj"], nn.merge_heads(h)), probs


def layer(p, c, x, at, *, side: str, mask, memory=None, memory_at=None, key=None, weights=False):
    """A layer of either side; `mask` says which of the image's places are real."""
    heads, (k_self, k_cross, k_mid, *k_add) = getattr(c, f"{side}_attention_heads"), nn.split(key, 6)

    def add(norm, h, key):
        return layer_norm(p[norm], x + dropout(h, c.dropout, key), EPS)

    own = mask if memory is None else None
    h, probs = attention(p["self_attn"], c, x, heads, at, mask=own, key=k_self, weights=weights)
    x, crossed = add("self_attn_layer_norm", h, k_add[0]), None
    if memory is not None:
        seen = {"memory": memory, "memory_at": memory_at, "mask": mask}
        h, crossed = attention(p["encoder_attn"], c, x, heads, at, **seen, key=k_cross, weights=weights)
        x = add("encoder_attn_layer_norm", h, k_add[1])
    h = dropout(nn.activation(c.activation_function, linear(p["fc1"], x)), c.activation_dropout, k_mid)
    x = add("final_layer_norm", linear(p["fc2"], h), k_add[2])
    return x, {"attention": probs, "cross": crossed}


def tower(p, c, x, at, *, side: str, norm=None, states: bool, key, **how):
    """The layers of one side over x [B, S, D], each followed by `norm` if there is one. Returns (y, ys)."""

    def step(p, x, key):
        k_layer, k_drop = nn.split(key, 2)
        y, said = layer(p, c, x, at, side=side, key=k_layer, **how)
        y = y if norm is None else layer_norm(norm, y, EPS)
        if k_drop is not None and (drop := getattr(c, f"{side}_layerdrop")) > 0:  # https://arxiv.org/abs/1909.11556
            y = jnp.where(jax.random.bernoulli(k_drop, drop), x, y)
        return y, said

    return nn.fold(step, p["layers"], x, states=states, key=key)
