"""BLOOM: a causal transformer decoder without positions, whose attention scores fall with distance (ALiBi).

Paper: https://arxiv.org/abs/2211.05100. Serves BLOOM 560M to 176B, BLOOMZ and every checkpoint of model type "bloom".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.spec import Layers

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="bloom"):
    vocab_size: int = 250880
    hidden_size: int = 64
    n_layer: int = 2
    n_head: int = 8
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    use_cache: bool = True
    bos_token_id: int | None = 1
    eos_token_id: int | None = 2
    apply_residual_connection_post_layernorm: bool = False
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    pretraining_tp: int = 1
    slow_but_exact: bool = False

    synonyms = {"num_hidden_layers": "n_layer", "num_attention_heads": "n_head", "n_embed": "hidden_size"}

    @property
    def biased(self) -> bool:
        """Do residual branches end with a bias? Added up slice by slice, as in training, they leave it out."""
        return not (self.slow_but_exact and self.pretraining_tp > 1)

    def check(self):
        yield from self.multiple("hidden_size", "n_head")
        if not self.biased and self.hidden_size % self.pretraining_tp:
            yield (
                "hidden_size must be a multiple of pretraining_tp where slow_but_exact is set, got "
                f"{self.hidden_size} and {self.pretraining_tp}"
            )


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d = c.hidden_size
    return {
        "input_layernorm": LayerNorm(d),
        "self_attention": {
            "query_key_value": Linear(d, 3 * d, "embed heads"),
            "dense": Linear(d, d, "heads embed"),
        },
        "post_attention_layernorm": LayerNorm(d),
        "mlp": {"dense_h_to_4h": Linear(d, 4 * d, "embed mlp"), "dense_4h_to_h": Linear(4 * d, d, "mlp embed")},
    }


def Model(c):
    return {
        "word_embeddings": Embedding(c.vocab_size, c.hidden_size),
        "word_embeddings_layernorm": LayerNorm(c.hidden_size),
        "h": Layers(Layer(c) for _ in range(c.n_layer)),
        "ln_f": LayerNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def project(p, c, x):
    """The end of a residual branch."""
    return linear(p if c.biased else {"weight": p["weight"]}, x)


def attention(p, c, x, *, mask, bias, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D]; a head's query, key and value lie side by side. Returns (y, cache, weights)."""
    heads = linear(p["query_key_value"], x).reshape(*x.shape[:-1], c.n_head, 3, -1)
    q, k, v = (heads[..., i, :] for i in range(3))
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, rate=c.attention_dropout, key=key, weights=weights)
    return project(p["dense"], c, nn.merge_heads(h)), cache, probs


def layer(p, c, x, *, cache, key, **where):
    k_probs, k_attention, k_mlp = nn.split(key, 3)
    normed = c.apply_residual_connection_post_layernorm
    h = layer_norm(p["input_layernorm"], x, c.layer_norm_epsilon)
    y, cache, probs = attention(p["self_attention"], c, h, cache=cache, key=k_probs, **where)
    x = (h if normed else x) + dropout(y, c.hidden_dropout, k_attention)
    h = layer_norm(p["post_attention_layernorm"], x, c.layer_norm_epsilon)
    y = project(p["mlp"]["dense_4h_to_h"], c, nn.activation("gelu_new", linear(p["mlp"]["dense_h_to_4h"], h)))
    x = (h if normed else x) + dropout(y, c.hidden_dropout, k_mlp)
    return x, {"attention": probs, "cache": cache}


def norm(p, c, x):
    return layer_norm(p["ln_f"], x, c.layer_norm_epsilon)


@decoder.reads
def model(p, c, input_ids=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `position_ids` are taken, as of other decoders, and not used: the mask
    tells distances. `key` switches dropout on.
    """

    def begin(x, at):
        positions = nn.key_positions(at.mask, at.length)
        bias = nn.alibi(c.n_head, positions, x.dtype)
        return layer_norm(p["word_embeddings_layernorm"], x, c.layer_norm_epsilon), {"bias": bias}

    parts = {"words": p["word_embeddings"], "layers": p["h"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.n_layer, batch, length, c.n_head, c.hidden_size // c.n_head, dtype, stacked)


HEADS = {
    "BloomModel": Head(Model, model, cache),
    "BloomForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "word_embeddings"),
    "BloomForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "BloomForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "BloomForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
