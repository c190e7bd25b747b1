"""Phi: a causal transformer decoder whose attention and MLP read the same input, with part of each head rotated.

Paper: https://arxiv.org/abs/2309.05463. Serves Phi-1, Phi-1.5, Phi-2 and every checkpoint of model type "phi".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.spec import Layers

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="phi"):
    vocab_size: int = 51200
    hidden_size: int = 2048
    intermediate_size: int = 8192
    num_hidden_layers: int = 24
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None
    resid_pdrop: float = 0.0
    embd_pdrop: float = 0.0
    attention_dropout: float = 0.0
    hidden_act: str = "gelu_new"
    max_position_embeddings: int = 2048
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    use_cache: bool = True
    tie_word_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None
    partial_rotary_factor: float = 0.5
    qk_layernorm: bool = False
    bos_token_id: int | None = 1
    eos_token_id: Any = 2

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    @property
    def head_dim(self) -> int:
        return self.extra.get("head_dim", self.hidden_size // self.num_attention_heads)

    @property
    def rotated(self) -> int:
        """How many entries of a head are rotated."""
        return int(self.head_dim * self.partial_rotary_factor)

    def check(self):
        self.default(num_key_value_heads=self.num_attention_heads)
        yield from self.multiple("num_attention_heads", "num_key_value_heads")
        if not 0 < self.partial_rotary_factor <= 1:
            yield f"partial_rotary_factor must be more than 0 and at most 1, got {self.partial_rotary_factor}"
        yield from nn.rope.check(self, self.rotated)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f, kv = c.hidden_size, c.intermediate_size, c.num_key_value_heads * c.head_dim
    heads = c.num_attention_heads * c.head_dim
    norms = {name: LayerNorm(c.head_dim, "-") for name in ("q_layernorm", "k_layernorm")}
    return {
        "self_attn": {
            "q_proj": Linear(d, heads, "embed heads"),
            "k_proj": Linear(d, kv, "embed kv_heads"),
            "v_proj": Linear(d, kv, "embed kv_heads"),
            "dense": Linear(heads, d, "heads embed"),
            **(norms if c.qk_layernorm else {}),
        },
        "mlp": {"fc1": Linear(d, f, "embed mlp"), "fc2": Linear(f, d, "mlp embed")},
        "input_layernorm": LayerNorm(d),
    }


def Model(c):
    return {
        "embed_tokens": Embedding(c.vocab_size, c.hidden_size),
        "layers": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        "final_layernorm": LayerNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, turns, mask, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, cache, weights)."""
    q = nn.split_heads(linear(p["q_proj"], x), c.num_attention_heads)
    k = nn.split_heads(linear(p["k_proj"], x), c.num_key_value_heads)
    v = nn.split_heads(linear(p["v_proj"], x), c.num_key_value_heads)
    if "q_layernorm" in p:
        q, k = layer_norm(p["q_layernorm"], q, c.layer_norm_eps), layer_norm(p["k_layernorm"], k, c.layer_norm_eps)
    q, k = nn.rope.rotate(q, *turns), nn.rope.rotate(k, *turns)
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["dense"], nn.merge_heads(h)), cache, probs


def layer(p, c, x, *, key, **where):
    k_probs, k_attention, k_mlp = nn.split(key, 3)
    h = layer_norm(p["input_layernorm"], x, c.layer_norm_eps)
    a, cache, probs = attention(p["self_attn"], c, h, key=k_probs, **where)
    f = linear(p["mlp"]["fc2"], nn.activation(c.hidden_act, linear(p["mlp"]["fc1"], h)))
    x = dropout(a, c.resid_pdrop, k_attention) + dropout(f, c.resid_pdrop, k_mlp) + x
    return x, {"attention": probs, "cache": cache}


def norm(p, c, x):
    return layer_norm(p["final_layernorm"], x, c.layer_norm_eps)


@decoder.reads
def model(p, c, input_ids=None, *, key=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    k_embed, k_layers = nn.split(key, 2)
    begin = decoder.turning(c, c.rotated, c.embd_pdrop, k_embed)
    parts = {"words": p["embed_tokens"], "layers": p["layers"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, key=k_layers, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.num_hidden_layers, batch, length, c.num_key_value_heads, c.head_dim, dtype, stacked)


HEADS = {
    "PhiModel": Head(Model, model, cache),
    "PhiForCausalLM": decoder.language_model(Model, model, cache, bias=True),
    "PhiForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "PhiForTokenClassification": common.token_classifier(Model, model, PREFIX),
}
