"""Mistral: Llama whose tokens see a window of tokens back, with fewer key than query heads.

Paper: https://arxiv.org/abs/2310.06825. Serves Mistral 7B, Zephyr and every checkpoint of model type "mistral".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.text.llama import Model, cache, check, model

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="mistral"):
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
    rms_norm_eps: float = 1e-6
    use_cache: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = 1
    eos_token_id: Any = 2
    tie_word_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None
    sliding_window: int | None = 4096
    attention_dropout: float = 0.0

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    attention_bias: ClassVar[bool] = False
    mlp_bias: ClassVar[bool] = False

    def check(self):
        yield from check(self)
        if self.sliding_window is not None and self.sliding_window < 1:
            yield f"sliding_window must be at least 1 or None, got {self.sliding_window}"
        if self.extra.get("layer_types"):
            yield f"layer_types must be left out, got {self.extra['layer_types']!r}"


HEADS = {
    "MistralModel": Head(Model, model, cache),
    "MistralForCausalLM": decoder.language_model(Model, model, cache),
    "MistralForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "MistralForTokenClassification": common.token_classifier(Model, model, PREFIX),
    "MistralForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
