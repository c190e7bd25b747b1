"""GPT-Neo: GPT-2 in which every other layer sees a window of tokens back, and whose attention scores are not scaled.

Software: https://doi.org/10.5281/zenodo.5297715; data: https://arxiv.org/abs/2101.00027. Serves GPT-Neo 125M to 2.7B,
TinyStories, GPT-Code-Clippy and every checkpoint of model type "gpt_neo".
"""

from __future__ import annotations

import dataclasses
from typing import Any

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.models.text.gpt2 import norm
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.spec import Layers

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gpt_neo"):
    vocab_size: int = 50257
    max_position_embeddings: int = 2048
    hidden_size: int = 2048
    num_layers: int = 24
    attention_types: Any = ((("global", "local"), 12),)  # (kinds of successive layers, how often they repeat), ...
    num_heads: int = 16
    intermediate_size: int | None = None
    window_size: int = 256
    activation_function: str = "gelu_new"
    resid_dropout: float = 0.0
    embed_dropout: float = 0.0
    attention_dropout: float = 0.0
    classifier_dropout: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    use_cache: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256

    synonyms = {"num_attention_heads": "num_heads", "num_hidden_layers": "num_layers"}
    allowed = {"activation_function": nn.ACTIVATION_NAMES}

    @property
    def kinds(self) -> tuple[str, ...]:
        """For each layer "global" or "local"."""
        return tuple(kind for kinds, times in self.attention_types for kind in kinds * times)

    @property
    def windows(self) -> tuple[int | None, ...]:
        """How many tokens back each layer sees."""
        return tuple(self.window_size if kind == "local" else None for kind in self.kinds)

    def check(self):
        yield from self.multiple("hidden_size", "num_heads")
        if self.window_size < 1:
            yield f"window_size must be at least 1, got {self.window_size}"
        if len(self.kinds) != self.num_layers or not set(self.kinds) <= {"global", "local"}:
            yield (
                f"attention_types must name 'global' or 'local' for each of num_layers={self.num_layers} layers, "
                f"got {self.attention_types!r}"
            )
        if self.extra.get("attention_layers", self.kinds) != self.kinds:
            yield f"attention_layers must be what attention_types say, got {self.extra['attention_layers']!r}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d = c.hidden_size
    f = 4 * d if c.intermediate_size is None else c.intermediate_size
    attention = {
        **{n: Linear(d, d, "embed heads", False) for n in ("k_proj", "v_proj", "q_proj")},
        "out_proj": Linear(d, d, "heads embed"),
    }
    return {
        "ln_1": LayerNorm(d),
        "attn": {"attention": attention},
        "ln_2": LayerNorm(d),
        "mlp": {"c_fc": Linear(d, f, "embed mlp"), "c_proj": Linear(f, d, "mlp embed")},
    }


def Model(c):
    return {
        "wte": Embedding(c.vocab_size, c.hidden_size),
        "wpe": Embedding(c.max_position_embeddings, c.hidden_size, "- embed"),
        "h": Layers(Layer(c) for _ in range(c.num_layers)),
        "ln_f": LayerNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, mask, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, cache, weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(p[f"{n}_proj"], x), c.num_heads) for n in "qkv")
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    h, probs = nn.attend(q, k, v, mask=mask, scale=1.0, rate=c.attention_dropout, key=k_probs, weights=weights)
    return dropout(linear(p["out_proj"], nn.merge_heads(h)), c.resid_dropout, k_out), cache, probs


def layer(p, c, x, *, key, **where):
    k_attention, k_mlp = nn.split(key, 2)
    h = layer_norm(p["ln_1"], x, c.layer_norm_epsilon)
    h, cache, probs = attention(p["attn"]["attention"], c, h, key=k_attention, **where)
    x = x + h
    h = linear(p["mlp"]["c_fc"], layer_norm(p["ln_2"], x, c.layer_norm_epsilon))
    h = linear(p["mlp"]["c_proj"], nn.activation(c.activation_function, h))
    return x + dropout(h, c.resid_dropout, k_mlp), {"attention": probs, "cache": cache}


@decoder.reads
def model(p, c, input_ids=None, *, token_type_ids=None, key=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `token_type_ids` are embedded like words. `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    k_embed, k_layers = nn.split(key, 2)
    begin = decoder.placing(p["wpe"], p["wte"], token_type_ids, c.embed_dropout, k_embed)
    parts = {"words": p["wte"], "layers": p["h"], "layer": layer, "norm": norm, "windows": c.windows}
    return decode(p, c, input_ids, **inputs, key=k_layers, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked, ring=True):
    return nn.windows.cache(c.windows, batch, length, c.num_heads, c.hidden_size // c.num_heads, dtype, stacked, ring)


HEADS = {
    "GPTNeoModel": Head(Model, model, cache),
    "GPTNeoForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "wte"),
    "GPTNeoForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GPTNeoForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "GPTNeoForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
