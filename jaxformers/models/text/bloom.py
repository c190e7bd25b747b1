"""BLOOM: a causal transformer decoder without positions, whose attention scores fall with distance (ALiBi).

Paper: https://arxiv.org/abs/2211.05100. Serves BLOOM 560M to 176B, BLOOMZ and every checkpoint of model type "bloom".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import common
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.output import Output
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
        if self.hidden_size % self.n_head:
            yield f"hidden_size must be a multiple of n_head, got {self.hidden_size} and {self.n_head}"
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


def CausalLM(c):
    head = {} if c.tie_word_embeddings else {"lm_head": Linear(c.hidden_size, c.vocab_size, "embed vocab", False)}
    return {"transformer": Model(c), **head}


def ties(c):
    return {"lm_head.weight": "transformer.word_embeddings.weight"} if c.tie_word_embeddings else {}


# ------------------------------------------------------------------------------------------------------ functions


def project(p, c, x):
    """The end of a residual branch."""
    return linear(p if c.biased else {"weight": p["weight"]}, x)


def attention(p, c, x, *, mask, bias, cache, index, key, weights):
    """Self-attention of x [B, S, D]; a head's query, key and value lie side by side. Returns (y, cache, weights)."""
    heads = linear(p["query_key_value"], x).reshape(*x.shape[:-1], c.n_head, 3, -1)
    q, k, v = (heads[..., i, :] for i in range(3))
    cache, k, v = nn.cache.update(cache, k, v, index)
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
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `position_ids` are taken, as of other decoders, and not used: the mask
    tells distances. `key` switches dropout on.
    """
    x = nn.heads.embeddings("BloomModel", input_ids, inputs_embeds, lambda ids: embed(p["word_embeddings"], ids))
    length, layers = x.shape[1], p["h"]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    mask = nn.mask.decoder(attention_mask, length, after)
    positions = nn.key_positions(attention_mask if after is None else after["mask"], length)
    bias = nn.alibi(c.n_head, positions, x.dtype)
    first = x = layer_norm(p["word_embeddings_layernorm"], x, c.layer_norm_epsilon)

    def step(p, x, **one):
        return layer(p, c, x, mask=mask, bias=bias, index=index, weights=output_attentions, **one)

    keys = nn.split_layers(key, nn.num_layers(layers))
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, cache=caches, key=keys)
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
    return linear(p["lm_head"] if "lm_head" in p else p["transformer"]["word_embeddings"], x)


@extends(model)
def causal_lm(p, c, *, labels=None, logits_to_keep=0, **inputs):
    """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` positions are scored (0: all)."""
    out = model(p["transformer"], c, **inputs)
    return nn.heads.causal_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.n_layer, batch, length, c.n_head, c.hidden_size // c.n_head, dtype, stacked)


HEADS = {
    "BloomModel": Head(Model, model, cache),
    "BloomForCausalLM": Head(CausalLM, causal_lm, cache, ties, words=words),
    "BloomForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "BloomForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "BloomForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
