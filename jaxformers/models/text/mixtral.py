"""Mixtral: Mistral with a mixture of gated MLPs, two of eight a token, in the place of each MLP.

Paper: https://arxiv.org/abs/2401.04088. Serves Mixtral 8x7B and 8x22B, Nous Hermes 2, Dolphin and every checkpoint of
model type "mixtral".
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, mixture
from jaxformers.models.text import llama
from jaxformers.nn import Linear, linear, moe, rms_norm

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="mixtral"):
    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 14336
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = 8
    head_dim: int | None = None
    hidden_act: str = "silu"
    max_position_embeddings: int = 131072
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-5
    use_cache: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = 1
    eos_token_id: Any = 2
    tie_word_embeddings: bool = False
    rope_theta: float = 1e6
    sliding_window: int | None = None
    attention_dropout: float = 0.0
    num_experts_per_tok: int = 2
    num_local_experts: int = 8
    output_router_logits: bool = False
    router_aux_loss_coef: float = 0.001
    router_jitter_noise: float = 0.0

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    attention_bias: ClassVar[bool] = False
    mlp_bias: ClassVar[bool] = False

    @property
    def rope_scaling(self):
        return self.extra.get("rope_scaling")

    def check(self):
        yield from llama.check(self)
        if self.sliding_window is not None and self.sliding_window < 1:
            yield f"sliding_window must be at least 1 or None, got {self.sliding_window}"
        if self.num_local_experts < 2:
            yield f"num_local_experts must be at least 2, got {self.num_local_experts}"
        if not 1 <= self.num_experts_per_tok <= self.num_local_experts:
            yield (
                "num_experts_per_tok must be from 1 to num_local_experts, got "
                f"{self.num_experts_per_tok} of {self.num_local_experts}"
            )


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    expert = {
        "w1": Linear(d, f, bias=False),
        "w2": Linear(f, d, "mlp embed", bias=False),
        "w3": Linear(d, f, bias=False),
    }
    experts = moe.Experts(c.num_local_experts, expert)
    block = {"gate": Linear(d, c.num_local_experts, "embed -", bias=False), "experts": experts}
    return {**{n: p for n, p in llama.Layer(c).items() if n != "mlp"}, "block_sparse_moe": block}


def Model(c):
    return llama.Model(c, Layer)


# ------------------------------------------------------------------------------------------------------ functions


def mix(p, c, x, key):
    """x [B, S, D] -> (y [B, S, D], the router's logits [B * S, E])."""
    if key is not None and c.router_jitter_noise > 0:
        near = 1 - c.router_jitter_noise, 1 + c.router_jitter_noise
        x = x * jax.random.uniform(key, x.shape, x.dtype, *near)
    logits = linear(p["gate"], x)

    def expert(p, x, linear):
        return linear(p["w2"], nn.activation(c.hidden_act, linear(p["w1"], x)) * linear(p["w3"], x))

    y = moe.mix(p["experts"], x, *moe.choose(logits, c.num_experts_per_tok), expert)
    return y, logits.reshape(-1, logits.shape[-1])


def layer(p, c, x, *, key, **where):
    k_attention, k_router = nn.split(key, 2)
    h = rms_norm(p["input_layernorm"], x, c.rms_norm_eps)
    h, cache, probs = llama.attention(p["self_attn"], c, h, key=k_attention, **where)
    x = x + h
    h, router = mix(p["block_sparse_moe"], c, rms_norm(p["post_attention_layernorm"], x, c.rms_norm_eps), k_router)
    return x + h, {"attention": probs, "cache": cache, "router": router}


model = mixture.model_of(layer)

HEADS = {
    "MixtralModel": Head(Model, model, llama.cache),
    "MixtralForCausalLM": mixture.language_model(Model, model, llama.cache),
    "MixtralForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "MixtralForTokenClassification": common.token_classifier(Model, model, PREFIX),
    "MixtralForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
