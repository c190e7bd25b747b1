"""Gemma 2: a causal transformer decoder with capped scores, norms on both sides of each block, and windows in every
other layer.

Paper: https://arxiv.org/abs/2408.00118. Serves Gemma 2 (2B, 9B, 27B), ShieldGemma, Gemma-2-JPN, DataGemma and every
checkpoint of model type "gemma2".
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.models.text import llama
from jaxformers.models.text.llama import cache
from jaxformers.nn import gated_mlp
from jaxformers.spec import Param, zeros

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gemma2"):
    vocab_size: int = 256000
    hidden_size: int = 2304
    intermediate_size: int = 9216
    num_hidden_layers: int = 26
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    head_dim: int = 256
    hidden_activation: str = "gelu_pytorch_tanh"
    max_position_embeddings: int = 8192
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-6
    use_cache: bool = True
    pad_token_id: int | None = 0
    eos_token_id: Any = 1
    bos_token_id: int | None = 2
    tie_word_embeddings: bool = True
    rope_theta: float = 10000.0
    attention_bias: bool = False
    attention_dropout: float = 0.0
    query_pre_attn_scalar: float = 256
    sliding_window: int | None = 4096
    layer_types: tuple[str, ...] | None = None
    final_logit_softcapping: float | None = 30.0
    attn_logit_softcapping: float | None = 50.0

    allowed = {"hidden_activation": nn.ACTIVATION_NAMES}
    mlp_bias: ClassVar[bool] = False

    @property
    def rope_scaling(self):
        return self.extra.get("rope_scaling")

    def check(self):
        self.default(layer_types=tuple(nn.windows.LAYER_TYPES[i % 2 == 0] for i in range(self.num_hidden_layers)))
        yield from llama.check(self)
        yield from nn.windows.check(self)
        if self.sliding_window is None:
            yield "sliding_window must be a number of tokens, got None"
        for name in ("final_logit_softcapping", "attn_logit_softcapping"):
            cap = getattr(self, name)
            if cap is not None and cap <= 0:
                yield f"{name} must be positive or None, got {cap}"
        if self.query_pre_attn_scalar <= 0:
            yield f"query_pre_attn_scalar must be positive, got {self.query_pre_attn_scalar}"


# ------------------------------------------------------------------------------------------------------ declarations


def Norm(dim: int):
    """An RMSNorm whose weight [dim] is what its scale has more than 1."""
    return {"weight": Param((dim,), "embed", zeros)}


def Layer(c):
    names = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")
    return {**llama.Layer(c), **{name: Norm(c.hidden_size) for name in names}}


def Model(c):
    return {**llama.Model(c, Layer), "norm": Norm(c.hidden_size)}


# ------------------------------------------------------------------------------------------------------ functions


def norm(p, c, x):
    """x [..., D] over its root mean square, times 1 + weight; float32 up to the product."""
    x32 = x.astype(jnp.float32)
    y = x32 * jax.lax.rsqrt(jnp.square(x32).mean(-1, keepdims=True) + c.rms_norm_eps)
    return (y * (1 + p["weight"].astype(jnp.float32))).astype(x.dtype)


def layer(p, c, x, **where):
    scores = {"scale": c.query_pre_attn_scalar**-0.5, "cap": c.attn_logit_softcapping}
    h = norm(p["input_layernorm"], c, x)
    h, cache, probs = llama.attention(p["self_attn"], c, h, **where, **scores)
    x = x + norm(p["post_attention_layernorm"], c, h)
    h = gated_mlp(p["mlp"], norm(p["pre_feedforward_layernorm"], c, x), c.hidden_activation)
    return x + norm(p["post_feedforward_layernorm"], c, h), {"attention": probs, "cache": cache}


@decoder.reads
def model(p, c, input_ids=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    turning = decoder.turning(c, c.head_dim)

    def begin(x, at):
        return turning(x * jnp.asarray(c.hidden_size**0.5, x.dtype), at)

    own = {"layer": layer, "norm": lambda p, c, x: norm(p["norm"], c, x), "begin": begin}
    return decode(p, c, input_ids, **inputs, **{**llama.parts(p, c), **own})


# ------------------------------------------------------------------------------------------------------ heads


def capped(c, logits):
    cap = c.final_logit_softcapping
    return logits if cap is None else cap * jnp.tanh(logits / cap)


HEADS = {
    "Gemma2Model": Head(Model, model, cache),
    "Gemma2ForCausalLM": decoder.language_model(Model, model, cache, scores=capped),
    "Gemma2ForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "Gemma2ForTokenClassification": common.token_classifier(Model, model, PREFIX),
}
