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
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.spec import Layers

PREFIX = "model"
WIDTH = "word_embed_proj_dim"  # how wide the last hidden states are
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
        yield from self.multiple("hidden_size", "num_attention_heads")


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, bias = c.hidden_size, c.enable_bias
    return {
        "self_attn": {
            **{n: Linear(d, d, "embed heads", bias) for n in ("k_proj", "v_proj", "q_proj")},
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


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, mask, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, cache, weights)."""
    q, k, v = (nn.split_heads(linear(p[f"{n}_proj"], x), c.num_attention_heads) for n in "qkv")
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
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


def positions(at):
    """int [B or 1, S]: how many tokens stand before each of the new ones; -1 at padding."""
    if at.mask is None or at.mask.ndim != 2:
        return jnp.arange(at.length)[None]
    mask = at.mask.astype(jnp.int32)
    return jax.lax.dynamic_slice_in_dim(jnp.cumsum(mask, -1) * mask - 1, at.index, at.length, axis=1)


def norm(p, c, x):
    x = layer_norm(p["final_layer_norm"], x, EPS) if "final_layer_norm" in p else x
    return linear(p["project_out"], x) if "project_out" in p else x


@decoder.reads
def model(p, c, input_ids=None, *, position_ids=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, E]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    p = p["decoder"]

    def begin(x, at):
        x = linear(p["project_in"], x) if "project_in" in p else x
        rows = positions(at) if position_ids is None else position_ids
        return x + embed(p["embed_positions"], rows + OFFSET), {}

    parts = {"words": p["embed_tokens"], "layers": p["layers"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    n = c.num_attention_heads
    return nn.KVCache(c.num_hidden_layers, batch, length, n, c.hidden_size // n, dtype, stacked)


HEADS = {
    "OPTModel": Head(Model, model, cache),
    "OPTForCausalLM": decoder.language_model(
        Model, model, cache, words="decoder.embed_tokens", width="word_embed_proj_dim"
    ),
    "OPTForSequenceClassification": common.sequence_classifier(Model, model, PREFIX, width="word_embed_proj_dim"),
    "OPTForQuestionAnswering": common.question_answerer(Model, model, PREFIX, width="word_embed_proj_dim"),
}
