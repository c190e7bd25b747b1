"""Falcon: a causal transformer decoder with few key heads, parallel attention and MLP, rotary or ALiBi positions.

Paper: https://arxiv.org/abs/2311.16867. Serves Falcon 7B (one key head), Falcon 40B, 180B and 11B
(`new_decoder_architecture`: groups of heads), Falcon-RW (ALiBi) and every checkpoint of model type "falcon".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.nn.alibi import slopes
from jaxformers.spec import Layers

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="falcon"):
    vocab_size: int = 65024
    hidden_size: int = 4544
    num_hidden_layers: int = 32
    num_attention_heads: int = 71
    num_ln_in_parallel_attn: int | None = None
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    use_cache: bool = True
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    num_kv_heads: Any = None  # as many as heads
    alibi: bool = False
    new_decoder_architecture: bool = False
    multi_query: bool = True
    parallel_attn: bool = True
    bias: bool = False
    max_position_embeddings: int = 2048
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None
    bos_token_id: int | None = 11
    eos_token_id: Any = 11
    ffn_hidden_size: int | None = None
    activation: str = "gelu"

    synonyms = {"n_embed": "hidden_size"}
    allowed = {"activation": nn.ACTIVATION_NAMES, "num_ln_in_parallel_attn": (None, 1, 2)}

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @property
    def num_key_value_heads(self) -> int:
        """Key heads; those of old architectures are one for all queries or one for each."""
        if self.new_decoder_architecture:
            return self.num_kv_heads
        return 1 if self.multi_query else self.num_attention_heads

    @property
    def norms(self) -> tuple[str, ...]:
        """The layer norms of a layer: one for both branches, one for each, or one behind the other."""
        if not self.parallel_attn:
            return "input_layernorm", "post_attention_layernorm"
        two = self.new_decoder_architecture and self.num_ln_in_parallel_attn != 1
        return ("ln_attn", "ln_mlp") if two else ("input_layernorm",)

    def check(self):
        self.default(num_kv_heads=self.num_attention_heads, ffn_hidden_size=4 * self.hidden_size)
        yield from self.multiple("hidden_size", "num_attention_heads")
        yield from self.multiple("num_attention_heads", "num_key_value_heads")
        if self.new_decoder_architecture and not self.parallel_attn:
            yield "new_decoder_architecture must come with parallel_attn, got parallel_attn=False"
        if not self.new_decoder_architecture and self.num_ln_in_parallel_attn == 2:
            yield "num_ln_in_parallel_attn=2 must come with new_decoder_architecture, got False"
        if not self.alibi:
            yield from nn.rope.check(self, self.head_dim)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.ffn_hidden_size
    return {
        "self_attention": {
            "query_key_value": Linear(d, d + 2 * c.num_key_value_heads * c.head_dim, "embed heads", c.bias),
            "dense": Linear(d, d, "heads embed", c.bias),
        },
        "mlp": {"dense_h_to_4h": Linear(d, f, bias=c.bias), "dense_4h_to_h": Linear(f, d, "mlp embed", c.bias)},
        **{name: LayerNorm(d) for name in c.norms},
    }


def Model(c):
    return {
        "word_embeddings": Embedding(c.vocab_size, c.hidden_size),
        "h": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        "ln_f": LayerNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, mask, cache, index, ring, key, weights, turns=None, bias=None):
    """Self-attention of x [B, S, D]; a group's queries, its key and its value lie side by side.

    Returns (y, cache, weights). The weights are dropped with ALiBi only, as in the reference.
    """
    groups = linear(p["query_key_value"], x).reshape(*x.shape[:-1], c.num_key_value_heads, -1, c.head_dim)
    q, k, v = groups[..., :-2, :], groups[..., -2, :], groups[..., -1, :]
    q = q.reshape(*x.shape[:-1], c.num_attention_heads, c.head_dim)
    if turns is not None:
        q, k = nn.rope.rotate(q, *turns), nn.rope.rotate(k, *turns)
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    rate = c.attention_dropout if c.alibi else 0.0
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, rate=rate, key=key, weights=weights)
    return linear(p["dense"], nn.merge_heads(h)), cache, probs


def mlp(p, c, x):
    return linear(p["dense_4h_to_h"], nn.activation(c.activation, linear(p["dense_h_to_4h"], x)))


def layer(p, c, x, *, key, **where):
    k_probs, k_attention, k_out = nn.split(key, 3)
    first, *second = (p[name] for name in c.norms)
    h = layer_norm(first, x, c.layer_norm_epsilon)
    a, cache, probs = attention(p["self_attention"], c, h, key=k_probs, **where)
    if c.parallel_attn:
        h = layer_norm(second[0], x, c.layer_norm_epsilon) if second else h
        x = x + dropout(mlp(p["mlp"], c, h) + a, c.hidden_dropout, k_out)
    else:
        x = x + dropout(a, c.attention_dropout, k_attention)
        x = x + dropout(mlp(p["mlp"], c, layer_norm(second[0], x, c.layer_norm_epsilon)), c.hidden_dropout, k_out)
    return x, {"attention": probs, "cache": cache}


def alibi(c, mask, keys: int, dtype):
    """ALiBi [B, N, 1, T] in the precision that the checkpoints were trained with: bfloat16, before the scale."""
    s = jnp.asarray(slopes(c.num_attention_heads), jnp.bfloat16)[:, None, None]
    added = s * nn.key_positions(mask, keys)[:, None, None].astype(jnp.bfloat16)
    return added.astype(dtype) * c.head_dim**-0.5


def norm(p, c, x):
    return layer_norm(p["ln_f"], x, c.layer_norm_epsilon)


@decoder.reads
def model(p, c, input_ids=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. With ALiBi the mask tells distances and `position_ids` do not count.
    `key` switches dropout on.
    """

    def biased(x, at):
        return x, {"bias": alibi(c, at.mask, at.length, x.dtype)}

    begin = biased if c.alibi else decoder.turning(c, c.head_dim)
    parts = {"words": p["word_embeddings"], "layers": p["h"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.num_hidden_layers, batch, length, c.num_key_value_heads, c.head_dim, dtype, stacked)


HEADS = {
    "FalconModel": Head(Model, model, cache),
    "FalconForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "word_embeddings"),
    "FalconForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "FalconForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "FalconForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
