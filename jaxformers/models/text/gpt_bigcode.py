"""GPTBigCode: GPT-2's decoder with linear layers, whose query heads share one key and value head.

Papers: https://arxiv.org/abs/2301.03988, https://arxiv.org/abs/1911.02150 (multi-query attention). Serves SantaCoder,
StarCoder, Granite Code 20B and every checkpoint of model type "gpt_bigcode".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.models.text.gpt2 import Projection, norm
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.spec import Layers

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gpt_bigcode"):
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    activation_function: str = "gelu_pytorch_tanh"
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    scale_attn_weights: bool = True
    use_cache: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    attention_softmax_in_fp32: bool = True  # what the softmax always is, here as there
    scale_attention_softmax_in_fp32: bool = True
    multi_query: bool = True

    synonyms = {
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }
    allowed = {"activation_function": nn.ACTIVATION_NAMES, "add_cross_attention": (False,)}

    @property
    def num_key_value_heads(self) -> int:
        return 1 if self.multi_query else self.n_head

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head

    def check(self):
        yield from self.multiple("n_embd", "n_head")


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.n_embd, 4 * c.n_embd if c.n_inner is None else c.n_inner
    return {
        "ln_1": LayerNorm(d),
        "attn": {
            "c_attn": Linear(d, d + 2 * c.num_key_value_heads * c.head_dim, "embed heads"),
            "c_proj": Projection(c, d, "heads embed", Linear),
        },
        "ln_2": LayerNorm(d),
        "mlp": {"c_fc": Linear(d, f), "c_proj": Projection(c, f, "mlp embed", Linear)},
    }


def Model(c):
    return {
        "wte": Embedding(c.vocab_size, c.n_embd),
        "wpe": Embedding(c.n_positions, c.n_embd, "- embed"),
        "h": Layers(Layer(c) for _ in range(c.n_layer)),
        "ln_f": LayerNorm(c.n_embd),
    }


# ------------------------------------------------------------------------------------------------------ functions


def queries_keys_values(p, c, x):
    """q [B, S, N, H], k and v [B, S, K, H] of one layer: packed side by side, or head by head without multi-query."""
    x = linear(p, x)
    if c.multi_query:
        q, k, v = jnp.split(x, (c.n_embd, c.n_embd + c.head_dim), -1)
        return nn.split_heads(q, c.n_head), nn.split_heads(k, 1), nn.split_heads(v, 1)
    return jnp.split(nn.split_heads(x, c.n_head), 3, -1)


def attention(p, c, x, *, mask, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, cache, weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = queries_keys_values(p["c_attn"], c, x)
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    scale = None if c.scale_attn_weights else 1.0
    h, probs = nn.attend(q, k, v, mask=mask, scale=scale, rate=c.attn_pdrop, key=k_probs, weights=weights)
    return dropout(linear(p["c_proj"], nn.merge_heads(h)), c.resid_pdrop, k_out), cache, probs


def layer(p, c, x, *, key, **where):
    k_attention, k_out = nn.split(key, 2)
    h = layer_norm(p["ln_1"], x, c.layer_norm_epsilon)
    h, cache, probs = attention(p["attn"], c, h, key=k_attention, **where)
    x = x + h
    h = linear(p["mlp"]["c_fc"], layer_norm(p["ln_2"], x, c.layer_norm_epsilon))
    h = linear(p["mlp"]["c_proj"], nn.activation(c.activation_function, h))
    return x + dropout(h, c.resid_pdrop, k_out), {"attention": probs, "cache": cache}


@decoder.reads
def model(p, c, input_ids=None, *, token_type_ids=None, key=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `token_type_ids` are embedded like words. `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    k_embed, k_layers = nn.split(key, 2)
    begin = decoder.placing(p["wpe"], p["wte"], token_type_ids, c.embd_pdrop, k_embed)
    parts = {"words": p["wte"], "layers": p["h"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, key=k_layers, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.n_layer, batch, length, c.num_key_value_heads, c.head_dim, dtype, stacked)


HEADS = {
    "GPTBigCodeModel": Head(Model, model, cache),
    "GPTBigCodeForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "wte"),
    "GPTBigCodeForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GPTBigCodeForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
}
