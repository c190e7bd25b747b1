"""Perceiver's layers, and the encoder: latents read the input once, then think it over by themselves.

Papers: https://arxiv.org/abs/2103.03206 and https://arxiv.org/abs/2107.14795.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import ConfigError
from jaxformers.nn import LayerNorm, Linear, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers, Param

EPS = 1e-5  # of every norm: the config's `layer_norm_eps` is read by nothing


def Layer(
    c, dim: int, memory: int | None = None, qk: int | None = None, v: int | None = None, heads: int = 1, widen: int = 1
):
    """Attention and a feed-forward network over states of `dim` channels.

    Args:
      memory: channels of what it reads by cross-attention; None for self-attention.
      qk, v: channels of queries and keys, and of values. By default qk is what the config says of cross-attention
        (`dim` in self-attention), and v is qk.
      heads: qk and v must be multiples of it.
      widen: channels inside the feed-forward network, over `dim`.
    """
    if qk is None:
        qk = dim if memory is None or c.cross_attention_shape_for_attention == "q" else memory
    v = qk if v is None else v
    if qk % heads or v % heads:
        problem = f"qk_channels and v_channels must be multiples of {heads}, the attention heads, got {qk} and {v}"
        raise ConfigError("perceiver config", [problem])
    read = dim if memory is None else memory
    attention = {
        "layernorm1": LayerNorm(dim),
        **({} if memory is None else {"layernorm2": LayerNorm(memory)}),
        "query": Linear(dim, qk, "embed heads"),
        "key": Linear(read, qk, "embed heads"),
        "value": Linear(read, v, "embed heads"),
    }
    return {
        "attention": {"self": attention, "output": {"dense": Linear(v, dim, "heads embed")}},
        "layernorm": LayerNorm(dim),
        "mlp": {"dense1": Linear(dim, widen * dim), "dense2": Linear(widen * dim, dim, "mlp embed")},
    }


def Core(c, channels: int):
    """Latents and encoder of inputs of so many channels."""
    d, shape = c.d_latents, (c.qk_channels, c.v_channels)
    return {
        "embeddings": {"latents": Param((c.num_latents, d), "- embed")},
        "encoder": {
            "cross_attention": Layer(
                c, d, channels, *shape, c.num_cross_attention_heads, c.cross_attention_widening_factor
            ),
            "self_attends": Layers(
                Layer(c, d, None, *shape, c.num_self_attention_heads, c.self_attention_widening_factor)
                for _ in range(c.num_self_attends_per_block)
            ),
        },
    }


# ------------------------------------------------------------------------------------------------------ functions


def layer(p, c, x, memory=None, *, heads: int = 1, residual=True, mask=None, key=None, weights=False):
    """x [B, S, dim] after one layer, and its attention weights; `residual`: what was asked is added to the answer."""
    own = p["attention"]["self"]
    h = layer_norm(own["layernorm1"], x, EPS)
    read = h if memory is None else layer_norm(own["layernorm2"], memory, EPS)
    q, k, v = (
        nn.split_heads(linear(own[name], y), heads) for name, y in (("query", h), ("key", read), ("value", read))
    )
    y, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_probs_dropout_prob, key=key, weights=weights)
    y = linear(p["attention"]["output"]["dense"], nn.merge_heads(y))
    y = y + x if residual else y
    f = nn.activation(c.hidden_act, linear(p["mlp"]["dense1"], layer_norm(p["layernorm"], y, EPS)))
    return linear(p["mlp"]["dense2"], f) + y, probs


def core(p, c, x, attention_mask=None, output_hidden_states=False, output_attentions=False, key=None):
    """Latents [B, num_latents, d_latents] that have read x [B, S, C]; attention_mask [B, S], 1 = read.

    The layers of a block run `num_blocks` times, so one block is compiled however often it runs. `hidden_states` tell
    each block's input beside the outputs of its layers.
    """
    encoder, latents = p["encoder"], p["embeddings"]["latents"]
    layers, how = encoder["self_attends"], {"heads": c.num_self_attention_heads, "weights": output_attentions}
    k_cross, k_blocks = nn.split(key, 2)
    z, across = layer(
        encoder["cross_attention"],
        c,
        jnp.broadcast_to(latents, (x.shape[0], *latents.shape)),
        x,
        heads=c.num_cross_attention_heads,
        residual=c.use_query_residual,
        mask=nn.mask.padding(attention_mask),
        key=k_cross,
        weights=output_attentions,
    )

    def step(p, z, key):
        z, probs = layer(p, c, z, **how, key=key)
        return z, {"attention": probs}

    def block(z, key):
        last, ys = nn.fold(step, layers, z, states=output_hidden_states, key=key)
        return last, (z if output_hidden_states else None, ys)

    z, blocks = jax.lax.scan(block, z, nn.split_layers(k_blocks, c.num_blocks), c.num_blocks)
    each = [jax.tree.map(lambda y, i=i: y[i], blocks) for i in range(c.num_blocks)]
    states = [nn.hidden_states(first, ys) for first, ys in each]
    return Output(
        last_hidden_state=z,
        hidden_states=tuple(x for held in states for x in held) if output_hidden_states else None,
        attentions=tuple(x for _, ys in each for x in nn.collect(ys, "attention")) if output_attentions else None,
        cross_attentions=(across,) if output_attentions else None,
    )
