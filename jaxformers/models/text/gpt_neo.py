"""GPT-Neo: GPT-2 in which every other layer sees a window of tokens back, and whose attention scores are not scaled.

Software: https://doi.org/10.5281/zenodo.5297715; data: https://arxiv.org/abs/2101.00027. Serves GPT-Neo 125M to 2.7B,
TinyStories, GPT-Code-Clippy and every checkpoint of model type "gpt_neo".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.output import Output
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
        if self.hidden_size % self.num_heads:
            yield f"hidden_size must be a multiple of num_heads, got {self.hidden_size} and {self.num_heads}"
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
        "k_proj": Linear(d, d, "embed heads", False),
        "v_proj": Linear(d, d, "embed heads", False),
        "q_proj": Linear(d, d, "embed heads", False),
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


def CausalLM(c):
    head = {} if c.tie_word_embeddings else {"lm_head": Linear(c.hidden_size, c.vocab_size, "embed vocab", False)}
    return {"transformer": Model(c), **head}


def ties(c):
    return {"lm_head.weight": "transformer.wte.weight"} if c.tie_word_embeddings else {}


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


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    token_type_ids=None,
    position_ids=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    x = nn.heads.embeddings("GPTNeoModel", input_ids, inputs_embeds, lambda ids: embed(p["wte"], ids))
    length, layers = x.shape[1], p["h"]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    if position_ids is None:
        position_ids = jnp.arange(length)[None] + index
    x = x + embed(p["wpe"], position_ids)
    if token_type_ids is not None:
        x = x + embed(p["wte"], token_type_ids)
    k_embed, k_layers = nn.split(key, 2)
    first = x = dropout(x, c.embed_dropout, k_embed)

    views, see = nn.windows.views(layers, c.windows, attention_mask, length, after)

    def step(p, x, *, view, cache, key):
        seen = see(view, cache)
        return layer(p, c, x, **seen, cache=cache, index=index, key=key, weights=output_attentions)

    keys = nn.split_layers(k_layers, nn.num_layers(layers))
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, view=views, cache=caches, key=keys)
    x = layer_norm(p["ln_f"], x, c.layer_norm_epsilon)
    states = nn.hidden_states(first, ys)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=None if states is None else (*states[:-1], x),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return linear(p["lm_head"] if "lm_head" in p else p["transformer"]["wte"], x)


@extends(model)
def causal_lm(p, c, *, labels=None, logits_to_keep=0, **inputs):
    """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` positions are scored (0: all)."""
    out = model(p["transformer"], c, **inputs)
    return nn.heads.causal_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)


def cache(c, batch, length, dtype, stacked, ring=True):
    return nn.windows.cache(c.windows, batch, length, c.num_heads, c.hidden_size // c.num_heads, dtype, stacked, ring)


HEADS = {
    "GPTNeoModel": Head(Model, model, cache),
    "GPTNeoForCausalLM": Head(CausalLM, causal_lm, cache, ties, words=words),
    "GPTNeoForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GPTNeoForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "GPTNeoForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
