"""GPT-OSS: a decoder of expert layers whose heads may look away, at a sink, and whose every other layer sees a window.

Model card: https://arxiv.org/abs/2508.10925. Serves gpt-oss-20b and -120b with unquantised experts, and every such
checkpoint of model type "gpt_oss".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, mixture
from jaxformers.models.text import llama
from jaxformers.models.text.llama import cache
from jaxformers.nn import Linear, linear, moe, rms_norm
from jaxformers.spec import Param, zeros

PREFIX = "model"
YARN = {
    "rope_type": "yarn",
    "factor": 32.0,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "truncate": False,
    "original_max_position_embeddings": 4096,
}


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gpt_oss"):
    num_hidden_layers: int = 36
    num_local_experts: int = 128
    vocab_size: int = 201088
    hidden_size: int = 2880
    intermediate_size: int = 2880
    head_dim: int | None = 64
    num_attention_heads: int = 64
    num_key_value_heads: int | None = 8
    sliding_window: int | None = 128
    rope_theta: float = 150000.0
    tie_word_embeddings: bool = False
    hidden_act: str = "silu"  # in every file; the experts' activation is one of their own
    initializer_range: float = 0.02
    max_position_embeddings: int = 131072
    rms_norm_eps: float = 1e-5
    rope_scaling: Mapping[str, Any] | None = dataclasses.field(default_factory=lambda: dict(YARN))
    attention_dropout: float = 0.0
    num_experts_per_tok: int = 4
    router_aux_loss_coef: float = 0.9
    output_router_logits: bool = False
    use_cache: bool = True
    layer_types: tuple[str, ...] | None = None
    attention_bias: bool = True

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    mlp_bias: ClassVar[bool] = False

    def check(self):
        kinds = ("sliding_attention", "full_attention")
        self.default(layer_types=tuple(kinds[i % 2] for i in range(self.num_hidden_layers)))
        yield from llama.check(self)
        yield from nn.windows.check(self)
        if self.extra.get("quantization_config"):
            yield "quantization_config must be left out: save the checkpoint with unquantised experts"
        if not 1 <= self.num_experts_per_tok <= self.num_local_experts:
            experts = f"{self.num_experts_per_tok} of {self.num_local_experts}"
            yield f"num_experts_per_tok must be from 1 to num_local_experts, got {experts}"


# ------------------------------------------------------------------------------------------------------ declarations


def Experts(c):
    """All experts in one tensor a projection, as files hold them: [E, in, out], gates and values interleaved."""
    n, d, f = c.num_local_experts, c.hidden_size, c.intermediate_size
    return {
        "gate_up_proj": Param((n, d, 2 * f), "experts embed mlp"),
        "gate_up_proj_bias": Param((n, 2 * f), "experts mlp", zeros),
        "down_proj": Param((n, f, d), "experts mlp embed"),
        "down_proj_bias": Param((n, d), "experts embed", zeros),
    }


def Layer(c):
    p = llama.Layer(c)
    sinks = Param((c.num_attention_heads,), "heads")
    router = Linear(c.hidden_size, c.num_local_experts, "embed -")
    return {**p, "self_attn": {**p["self_attn"], "sinks": sinks}, "mlp": {"router": router, "experts": Experts(c)}}


def Model(c):
    return llama.Model(c, Layer)


# ------------------------------------------------------------------------------------------------------ functions

SLOPE, LIMIT = 1.702, 7.0  # of the experts' gates


def expert(p, x, linear):
    """One expert: values plus one, times gates that are sigmoid-weighted, both kept within a limit."""
    h = linear(p["gate_up"], x)
    gate, value = jnp.minimum(h[..., ::2], LIMIT), jnp.clip(h[..., 1::2], -LIMIT, LIMIT)
    return linear(p["down"], (value + 1) * gate * jax.nn.sigmoid(SLOPE * gate))


def mix(p, c, x):
    """x [B, S, D] -> (y [B, S, D], the shares [B * S, E] of its experts in each token, most of them 0)."""
    weights, chosen = moe.choose(linear(p["router"], x), c.num_experts_per_tok)
    layers = {
        short: {"weight": p["experts"][name].swapaxes(1, 2), "bias": p["experts"][f"{name}_bias"]}
        for short, name in (("gate_up", "gate_up_proj"), ("down", "down_proj"))
    }
    y = moe.mix(layers, x, weights, chosen, expert)
    shares = (jax.nn.one_hot(chosen, c.num_local_experts) * weights[..., None]).sum(-2)
    return y, shares.reshape(-1, c.num_local_experts).astype(x.dtype)


def layer(p, c, x, **where):
    h = rms_norm(p["input_layernorm"], x, c.rms_norm_eps)
    h, cache, probs = llama.attention(p["self_attn"], c, h, **where, sinks=p["self_attn"]["sinks"])
    x = x + h
    h, shares = mix(p["mlp"], c, rms_norm(p["post_attention_layernorm"], x, c.rms_norm_eps))
    return x + h, {"attention": probs, "cache": cache, "router": shares}


model = mixture.model_of(layer)

HEADS = {
    "GptOssModel": Head(Model, model, cache),
    "GptOssForCausalLM": mixture.language_model(Model, model, cache),
    "GptOssForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GptOssForTokenClassification": common.token_classifier(Model, model, PREFIX),
}
