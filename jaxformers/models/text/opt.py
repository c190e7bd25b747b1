"""OPT: a causal transformer decoder with learned positions that count tokens without padding, and ReLU MLPs.

Paper: https://arxiv.org/abs/2205.01068. Serves OPT 125M to 66B, OPT-IML, Galactica and every checkpoint of model type
"opt". OPT 350M alone normalises behind its residual branches and embeds words in fewer entries than the layers have.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "model"
OFFSET = 2  # rows of the table of positions before that of position 0; padding, at -1, reads the second
EPS = 1e-5


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="opt"):
    vocab_size: int = 50272
    hidden_size: int = 768
    num_hidden_layers: int = 12
    ffn_dim: int = 3072
    max_position_embeddings: int = 2048
    do_layer_norm_before: bool = True
    _remove_final_layer_norm: bool = False
    word_embed_proj_dim: int | None = None
    dropout: float = 0.1
    attention_dropout: float = 0.0
    num_attention_heads: int = 12
    activation_function: str = "relu"
    layerdrop: float = 0.0
    init_std: float = 0.02
    use_cache: bool = True
    pad_token_id: int | None = 1
    bos_token_id: int | None = 2
    eos_token_id: int | None = 2
    enable_bias: bool = True
    layer_norm_elementwise_affine: bool = True

    allowed = {"activation_function": nn.ACTIVATION_NAMES, "layer_norm_elementwise_affine": (True,)}

    @property
    def initializer_range(self) -> float:
        return self.init_std

    def check(self):
        self.default(word_embed_proj_dim=self.hidden_size)
        if self.hidden_size % self.num_attention_heads:
            yield (
                "hidden_size must be a multiple of num_attention_heads, got "
                f"{self.hidden_size} and {self.num_attention_heads}"
            )


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, bias = c.hidden_size, c.enable_bias
    return {
        "self_attn": {
            "k_proj": Linear(d, d, "embed heads", bias),
            "v_proj": Linear(d, d, "embed heads", bias),
            "q_proj": Linear(d, d, "embed heads", bias),
            "out_proj": Linear(d, d, "heads embed", bias),
        },
        "self_attn_layer_norm": LayerNorm(d),
        "fc1": Linear(d, c.ffn_dim, "embed mlp", bias),
        "fc2": Linear(c.ffn_dim, d, "mlp embed", bias),
        "final_layer_norm": LayerNorm(d),
    }


def Model(c):
    d, e = c.hidden_size, c.word_embed_proj_dim
    p = {
        "embed_tokens": Embedding(c.vocab_size, e),
        "embed_positions": Embedding(c.max_position_embeddings + OFFSET, d, "- embed"),
    }
    if d != e:
        p |= {"project_out": Linear(d, e, "embed -", False), "project_in": Linear(e, d, "- embed", False)}
    if c.do_layer_norm_before and not c._remove_final_layer_norm:
        p["final_layer_norm"] = LayerNorm(d)
    return {"decoder": {**p, "layers": Layers(Layer(c) for _ in range(c.num_hidden_layers))}}


def CausalLM(c):
    width = c.word_embed_proj_dim
    head = {} if c.tie_word_embeddings else {"lm_head": Linear(width, c.vocab_size, "embed vocab", False)}
    return {"model": Model(c), **head}


def ties(c):
    return {"lm_head.weight": "model.decoder.embed_tokens.weight"} if c.tie_word_embeddings else {}


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, mask, cache, index, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, cache, weights)."""
    q, k, v = (nn.split_heads(linear(p[f"{n}_proj"], x), c.num_attention_heads) for n in "qkv")
    cache, k, v = nn.cache.update(cache, k, v, index)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["out_proj"], nn.merge_heads(h)), cache, probs


def layer(p, c, x, *, cache, key, **where):
    k_probs, k_attention, k_mlp, k_layer = nn.split(key, 4)
    first, before = x, c.do_layer_norm_before

    def norm(name, x):
        return layer_norm(p[name], x, EPS)

    h = norm("self_attn_layer_norm", x) if before else x
    h, cache, probs = attention(p["self_attn"], c, h, cache=cache, key=k_probs, **where)
    x = x + dropout(h, c.dropout, k_attention)
    x = x if before else norm("self_attn_layer_norm", x)
    h = norm("final_layer_norm", x) if before else x
    h = linear(p["fc2"], nn.activation(c.activation_function, linear(p["fc1"], h)))
    x = x + dropout(h, c.dropout, k_mlp)
    x = x if before else norm("final_layer_norm", x)
    if k_layer is not None and c.layerdrop:  # https://arxiv.org/abs/1909.11556
        x = jnp.where(jax.random.bernoulli(k_layer, c.layerdrop), first, x)
    return x, {"attention": probs, "cache": cache}


def positions(attention_mask, index, length: int, after):
    """int [B or 1, S]: how many tokens stand before each of the new ones; -1 at padding."""
    mask = attention_mask if after is None else after["mask"]
    if mask is None or mask.ndim != 2:
        return jnp.arange(length)[None]
    mask = mask.astype(jnp.int32)
    return jax.lax.dynamic_slice_in_dim(jnp.cumsum(mask, -1) * mask - 1, index, length, axis=1)


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, E]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    p = p["decoder"]
    x = nn.heads.embeddings("OPTModel", input_ids, inputs_embeds, lambda ids: embed(p["embed_tokens"], ids))
    length, layers = x.shape[1], p["layers"]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    if position_ids is None:
        position_ids = positions(attention_mask, index, length, after)
    x = linear(p["project_in"], x) if "project_in" in p else x
    first = x = x + embed(p["embed_positions"], position_ids + OFFSET)
    mask = nn.mask.decoder(attention_mask, length, after)

    def step(p, x, **one):
        return layer(p, c, x, mask=mask, index=index, weights=output_attentions, **one)

    keys = nn.split_layers(key, nn.num_layers(layers))
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, cache=caches, key=keys)
    x = layer_norm(p["final_layer_norm"], x, EPS) if "final_layer_norm" in p else x
    x = linear(p["project_out"], x) if "project_out" in p else x
    states = nn.hidden_states(first, ys)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=None if states is None else (*states[:-1], x),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return linear(p["lm_head"] if "lm_head" in p else p["model"]["decoder"]["embed_tokens"], x)


@extends(model)
def causal_lm(p, c, *, labels=None, logits_to_keep=0, **inputs):
    """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` positions are scored (0: all)."""
    out = model(p["model"], c, **inputs)
    return nn.heads.causal_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)


def cache(c, batch, length, dtype, stacked):
    n = c.num_attention_heads
    return nn.KVCache(c.num_hidden_layers, batch, length, n, c.hidden_size // n, dtype, stacked)


HEADS = {
    "OPTModel": Head(Model, model, cache),
    "OPTForCausalLM": Head(CausalLM, causal_lm, cache, ties, words=words),
    "OPTForSequenceClassification": common.sequence_classifier(Model, model, PREFIX, width="word_embed_proj_dim"),
    "OPTForQuestionAnswering": common.question_answerer(Model, model, PREFIX, width="word_embed_proj_dim"),
}
