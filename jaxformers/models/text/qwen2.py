"""Qwen2: Llama with biases on queries, keys and values, whose upper layers may see a window of tokens back.

Paper: https://arxiv.org/abs/2407.10671. Serves Qwen1.5, Qwen2, Qwen2.5, QwQ, the Coder and Math variants, DeepSeek's
distilled Qwens and every checkpoint of model type "qwen2".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.text import llama
from jaxformers.models.text.llama import cache, model
from jaxformers.nn import Linear

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="qwen2"):
    vocab_size: int = 151936
    hidden_size: int = 4096
    intermediate_size: int = 22016
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = 32
    hidden_act: str = "silu"
    max_position_embeddings: int = 32768
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-6
    use_cache: bool = True
    tie_word_embeddings: bool = False
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None
    use_sliding_window: bool = False
    sliding_window: int | None = 4096
    max_window_layers: int = 28
    layer_types: tuple[str, ...] | None = None
    attention_dropout: float = 0.0

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    attention_bias: ClassVar[bool] = True
    mlp_bias: ClassVar[bool] = False

    @property
    def head_dim(self) -> int:
        return self.extra.get("head_dim", self.hidden_size // self.num_attention_heads)

    def check(self):
        return check(self)


def check(c):
    """Fills in the layers' types, and yields what does not go together."""
    window = c.sliding_window if c.use_sliding_window else None
    windowed = [window is not None and i >= c.max_window_layers for i in range(c.num_hidden_layers)]
    c.default(layer_types=tuple(nn.windows.LAYER_TYPES[w] for w in windowed))
    yield from llama.check(c)
    yield from nn.windows.check(c)
    if window is None and "sliding_attention" in c.layer_types:
        yield "layer_types must be full_attention everywhere without use_sliding_window and a sliding_window"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    p = llama.Layer(c)
    out = Linear(c.num_attention_heads * c.head_dim, c.hidden_size, "heads embed", bias=False)
    return {**p, "self_attn": {**p["self_attn"], "o_proj": out}}


def Model(c):
    return llama.Model(c, Layer)


HEADS = {
    "Qwen2Model": Head(Model, model, cache),
    "Qwen2ForCausalLM": decoder.language_model(Model, model, cache),
    "Qwen2ForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "Qwen2ForTokenClassification": common.token_classifier(Model, model, PREFIX),
    "Qwen2ForQuestionAnswering": common.question_answerer(Model, model, "transformer"),
}
