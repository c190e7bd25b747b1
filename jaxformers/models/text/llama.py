"""Llama: a causal transformer decoder with rotary positions, RMSNorm, gated MLPs and grouped-query attention.

Paper: https://arxiv.org/abs/2302.13971. Serves Llama 1 to 3.3, Code Llama, TinyLlama, Vicuna, Yi, SmolLM, DeepSeek's
distilled Llamas and every checkpoint of model type "llama".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.nn import Embedding, GatedMLP, Linear, RMSNorm, gated_mlp, linear, rms_norm
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
    yield from c.multiple("num_attention_heads", "num_key_value_heads")
    if getattr(c, "partial_rotary_factor", 1.0) != 1.0:
        yield f"partial_rotary_factor must be 1, got {c.partial_rotary_factor!r}"
    yield from nn.rope.check(c, c.head_dim)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, heads, kv = c.hidden_size, c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
    return {
        "self_attn": {
            "q_proj": Linear(d, heads, "embed heads", c.attention_bias),
            **{n: Linear(d, kv, "embed kv_heads", c.attention_bias) for n in ("k_proj", "v_proj")},
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


def norm(p, c, x):
    return rms_norm(p["norm"], x, c.rms_norm_eps)


@decoder.reads
def model(p, c, input_ids=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    return decode(p, c, input_ids, **inputs, **parts(p, c), layer=layer)


def parts(p, c):
    """What Llama and its kin ask `decode` for, beside their layer."""
    own = {"words": p["embed_tokens"], "layers": p["layers"], "norm": norm}
    return {**own, "begin": decoder.turning(c, c.head_dim), "windows": nn.windows.of_config(c)}


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked, ring=True):
    heads = c.num_key_value_heads, c.head_dim
    return nn.windows.cache(nn.windows.of_config(c), batch, length, *heads, dtype, stacked, ring)


HEADS = {
    "LlamaModel": Head(Model, model, cache),
    "LlamaForCausalLM": decoder.language_model(Model, model, cache),
    "LlamaForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "LlamaForTokenClassification": common.token_classifier(Model, model, PREFIX),
    "LlamaForQuestionAnswering": common.question_answerer(Model, model, "transformer"),
}
