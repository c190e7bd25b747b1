"""Llama: a causal transformer decoder with rotary positions, RMSNorm, gated MLPs and grouped-query attention.

Paper: https://arxiv.org/abs/2302.13971. Serves Llama 1 to 3.3, Code Llama, TinyLlama, Vicuna, Yi, SmolLM, DeepSeek's
distilled Llamas and every checkpoint of model type "llama".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common
from jaxformers.nn import Embedding, GatedMLP, Linear, RMSNorm, embed, gated_mlp, linear, rms_norm
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="llama"):
    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 11008
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None
    hidden_act: str = "silu"
    max_position_embeddings: int = 2048
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-6
    use_cache: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = 1
    eos_token_id: Any = 2
    pretraining_tp: int = 1  # how the training run was split; the arithmetic does not depend on it
    tie_word_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None
    attention_bias: bool = False
    attention_dropout: float = 0.0
    mlp_bias: bool = False
    head_dim: int | None = None

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    sliding_window: ClassVar[int | None] = None  # how many tokens back its kin see

    def check(self):
        return check(self)


def check(c):
    """Fills in the heads' numbers, and yields what does not go together."""
    c.default(num_key_value_heads=c.num_attention_heads, head_dim=c.hidden_size // c.num_attention_heads)
    if c.num_attention_heads % c.num_key_value_heads:
        yield (
            f"num_attention_heads must be a multiple of num_key_value_heads, got {c.num_attention_heads} and "
            f"{c.num_key_value_heads}"
        )
    if getattr(c, "partial_rotary_factor", 1.0) != 1.0:
        yield f"partial_rotary_factor must be 1, got {c.partial_rotary_factor!r}"
    yield from nn.rope.check(c, c.head_dim)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, heads, kv = c.hidden_size, c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
    return {
        "self_attn": {
            "q_proj": Linear(d, heads, "embed heads", c.attention_bias),
            "k_proj": Linear(d, kv, "embed kv_heads", c.attention_bias),
            "v_proj": Linear(d, kv, "embed kv_heads", c.attention_bias),
            "o_proj": Linear(heads, d, "heads embed", c.attention_bias),
        },
        "mlp": GatedMLP(d, c.intermediate_size, c.mlp_bias),
        "input_layernorm": RMSNorm(d),
        "post_attention_layernorm": RMSNorm(d),
    }


def Model(c, Layer=Layer):
    return {
        "embed_tokens": Embedding(c.vocab_size, c.hidden_size),
        "layers": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        "norm": RMSNorm(c.hidden_size),
    }


def CausalLM(c, Model=Model):
    words = {} if c.tie_word_embeddings else {"lm_head": Linear(c.hidden_size, c.vocab_size, "embed vocab", False)}
    return {"model": Model(c), **words}


def ties(c):
    return {"lm_head.weight": "model.embed_tokens.weight"} if c.tie_word_embeddings else {}


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, turns, mask, cache, index, ring, key, weights, **scores):
    """Self-attention of x [B, S, D], queries and keys turned by `turns`. Returns (y, cache, weights).

    `scores`: scale and cap of the scores, as `nn.attend` takes them.
    """
    q = nn.split_heads(linear(p["q_proj"], x), c.num_attention_heads)
    k = nn.split_heads(linear(p["k_proj"], x), c.num_key_value_heads)
    if "q_norm" in p:
        q, k = rms_norm(p["q_norm"], q, c.rms_norm_eps), rms_norm(p["k_norm"], k, c.rms_norm_eps)
    q, k = nn.rope.rotate(q, *turns), nn.rope.rotate(k, *turns)
    v = nn.split_heads(linear(p["v_proj"], x), c.num_key_value_heads)
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights, **scores)
    return linear(p["o_proj"], nn.merge_heads(h)), cache, probs


def layer(p, c, x, **where):
    h, cache, probs = attention(p["self_attn"], c, rms_norm(p["input_layernorm"], x, c.rms_norm_eps), **where)
    x = x + h
    x = x + gated_mlp(p["mlp"], rms_norm(p["post_attention_layernorm"], x, c.rms_norm_eps), c.hidden_act)
    return x, {"attention": probs, "cache": cache}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    x = nn.heads.embeddings("LlamaModel", input_ids, inputs_embeds, lambda ids: embed(p["embed_tokens"], ids))
    rest = position_ids, past_key_values, output_hidden_states, output_attentions, key
    return decode(p, c, x, attention_mask, *rest)


def norm(p, c, x):
    return rms_norm(p["norm"], x, c.rms_norm_eps)


def decode(
    p,
    c,
    x,
    attention_mask=None,
    position_ids=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
    *,
    layer=layer,
    norm=norm,
    rotated=None,
):
    """The decoder behind its embeddings x [B, S, D], for Llama and its kin.

    Args:
      layer: `(layer's params, c, x, turns=, mask=, ring=, index=, cache=, key=, weights=) -> (x, report)`.
      norm: `(params, c, x) -> x`, behind the last layer.
      rotated: how many entries of a head are rotated; all for None.
    """
    first, length, layers = x, x.shape[1], p["layers"]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    if position_ids is None:
        position_ids = jnp.arange(length)[None] + index
    turns = nn.rope.table(c, c.head_dim if rotated is None else rotated, position_ids, x.dtype)
    views, see = nn.windows.views(layers, nn.windows.of_config(c), attention_mask, length, after)
    shared = {"turns": turns, "index": index, "weights": output_attentions}

    def step(p, x, view, cache, key):
        return layer(p, c, x, **see(view, cache), cache=cache, key=key, **shared)

    keys = nn.split_layers(key, nn.num_layers(layers))
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, view=views, cache=caches, key=keys)
    x = norm(p, c, x)
    states = nn.hidden_states(first, ys)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=None if states is None else (*states[:-1], x),
        attentions=nn.collect(ys, "attention"),
        router_logits=nn.collect(ys, "router"),
    )


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return linear(p["lm_head"] if "lm_head" in p else p["model"]["embed_tokens"], x)


@extends(model)
def causal_lm(p, c, *, labels=None, logits_to_keep=0, **inputs):
    """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` positions are scored (0: all)."""
    out = model(p["model"], c, **inputs)
    return nn.heads.causal_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)


def cache(c, batch, length, dtype, stacked, ring=True):
    heads = c.num_key_value_heads, c.head_dim
    return nn.windows.cache(nn.windows.of_config(c), batch, length, *heads, dtype, stacked, ring)


HEADS = {
    "LlamaModel": Head(Model, model, cache),
    "LlamaForCausalLM": Head(CausalLM, causal_lm, cache, ties, words=words),
    "LlamaForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "LlamaForTokenClassification": common.token_classifier(Model, model, PREFIX),
    "LlamaForQuestionAnswering": common.question_answerer(Model, model, "transformer"),
}
