"""Qwen3: Qwen2 without biases, with an RMSNorm over each query's and key's head.

Paper: https://arxiv.org/abs/2505.09388. Serves the dense Qwen3 models, Qwen3-Embedding, Qwen3-Reranker and every
checkpoint of model type "qwen3".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.text import llama, qwen2
from jaxformers.models.text.llama import cache, model
from jaxformers.nn import RMSNorm

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="qwen3"):
    vocab_size: int = 151936
    hidden_size: int = 4096
    intermediate_size: int = 22016
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = 32
    head_dim: int = 128
    hidden_act: str = "silu"
    max_position_embeddings: int = 32768
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-6
    use_cache: bool = True
    tie_word_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None
    attention_bias: bool = False
    use_sliding_window: bool = False
    sliding_window: int | None = 4096
    max_window_layers: int = 28
    layer_types: tuple[str, ...] | None = None
    attention_dropout: float = 0.0

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    mlp_bias: ClassVar[bool] = False

    def check(self):
        return qwen2.check(self)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    p = llama.Layer(c)
    norms = {name: RMSNorm(c.head_dim, "-") for name in ("q_norm", "k_norm")}
    return {**p, "self_attn": {**p["self_attn"], **norms}}


def Model(c):
    return llama.Model(c, Layer)


HEADS = {
    "Qwen3Model": Head(Model, model, cache),
    "Qwen3ForCausalLM": decoder.language_model(Model, model, cache),
    "Qwen3ForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "Qwen3ForTokenClassification": common.token_classifier(Model, model, PREFIX),
    "Qwen3ForQuestionAnswering": common.question_answerer(Model, model, "transformer"),
}
