"""GPT-NeoX: a causal transformer decoder whose attention and MLP read the same input; part of each head is rotated.

Paper: https://arxiv.org/abs/2204.06745. Serves GPT-NeoX 20B, Pythia, Dolly v2, RedPajama-INCITE, StableLM alpha,
Polyglot-Ko, Open Assistant's and every checkpoint of model type "gpt_neox".
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
from jaxformers.spec import Layers

PREFIX = "gpt_neox"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gpt_neox"):
    vocab_size: int = 50432
    hidden_size: int = 6144
    num_hidden_layers: int = 44
    num_attention_heads: int = 64
    intermediate_size: int = 24576
    hidden_act: str = "gelu"
    rotary_pct: float = 0.25
    rotary_emb_base: float = 10000
    attention_dropout: float = 0.0
    hidden_dropout: float = 0.0
    classifier_dropout: float = 0.1
    max_position_embeddings: int = 2048
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    use_cache: bool = True
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2
    tie_word_embeddings: bool = False
    use_parallel_residual: bool = True
    rope_scaling: Mapping[str, Any] | None = None
    attention_bias: bool = True

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    @property
    def rope_theta(self) -> float:
        return self.rotary_emb_base

    @property
    def rotary_dim(self) -> int:
        """How many entries of a head are rotated."""
        return int(self.hidden_size // self.num_attention_heads * self.rotary_pct)

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        width = self.hidden_size // self.num_attention_heads
        even = self.rotary_dim + self.rotary_dim % 2  # the last frequency of an odd number turns a whole pair
        if not 0 < self.rotary_pct <= 1 or even > width:
            yield f"rotary_pct must choose pairs within the {width} entries of a head, got {self.rotary_pct}"
        yield from nn.rope.check(self, self.rotary_dim if self.rope_scaling else even)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    return {
        "input_layernorm": LayerNorm(d),
        "post_attention_layernorm": LayerNorm(d),
        "attention": {
            "query_key_value": Linear(d, 3 * d, "embed heads", c.attention_bias),
            "dense": Linear(d, d, "heads embed", c.attention_bias),
        },
        "mlp": {"dense_h_to_4h": Linear(d, f, "embed mlp"), "dense_4h_to_h": Linear(f, d, "mlp embed")},
    }


def Model(c):
    return {
        "embed_in": Embedding(c.vocab_size, c.hidden_size),
        "layers": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        "final_layer_norm": LayerNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, turns, mask, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D]; a head's query, key and value lie side by side. Returns (y, cache, weights)."""
    heads = nn.split_heads(linear(p["query_key_value"], x), c.num_attention_heads)
    q, k, v = jnp.split(heads, 3, axis=-1)
    q, k = nn.rope.rotate(q, *turns), nn.rope.rotate(k, *turns)
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["dense"], nn.merge_heads(h)), cache, probs


def layer(p, c, x, *, cache, key, **where):
    k_probs, k_attention, k_mlp = nn.split(key, 3)
    h = layer_norm(p["input_layernorm"], x, c.layer_norm_eps)
    h, cache, probs = attention(p["attention"], c, h, cache=cache, key=k_probs, **where)
    attended = x + dropout(h, c.hidden_dropout, k_attention)
    h = layer_norm(p["post_attention_layernorm"], x if c.use_parallel_residual else attended, c.layer_norm_eps)
    h = nn.activation(c.hidden_act, linear(p["mlp"]["dense_h_to_4h"], h))
    h = linear(p["mlp"]["dense_4h_to_h"], h)
    return attended + dropout(h, c.hidden_dropout, k_mlp), {"attention": probs, "cache": cache}


def norm(p, c, x):
    return layer_norm(p["final_layer_norm"], x, c.layer_norm_eps)


@decoder.reads
def model(p, c, input_ids=None, *, key=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    k_embed, k_layers = nn.split(key, 2)
    begin = decoder.turning(c, c.rotary_dim, c.hidden_dropout, k_embed)
    parts = {"words": p["embed_in"], "layers": p["layers"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, key=k_layers, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    n = c.num_attention_heads
    return nn.KVCache(c.num_hidden_layers, batch, length, n, c.hidden_size // n, dtype, stacked)


HEADS = {
    "GPTNeoXModel": Head(Model, model, cache),
    "GPTNeoXForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "embed_in", "embed_out"),
    "GPTNeoXForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GPTNeoXForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "GPTNeoXForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
