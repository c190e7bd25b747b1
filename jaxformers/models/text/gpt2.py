"""GPT-2: a causal transformer decoder with learned positions and pre-layer-norm blocks.

Paper: https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf. Serves
GPT-2, DistilGPT-2, DialoGPT, CodeParrot, Stanford CRFM's Mistral and every checkpoint of model type "gpt2"; with
`add_cross_attention` it is the decoder of an encoder-decoder.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.nn import Conv1D, Embedding, LayerNorm, conv1d, dropout, layer_norm, losses
from jaxformers.spec import Layers, normal

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gpt2"):
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    summary_type: str = "cls_index"
    summary_use_proj: bool = True
    summary_activation: str | None = None
    summary_proj_to_labels: bool = True
    summary_first_dropout: float = 0.1
    scale_attn_weights: bool = True
    use_cache: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    scale_attn_by_inverse_layer_idx: bool = False
    reorder_and_upcast_attn: bool = False

    synonyms = {
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }
    allowed = {"activation_function": nn.ACTIVATION_NAMES, **nn.SUMMARIES}

    def check(self):
        yield from self.multiple("n_embd", "n_head")


# ------------------------------------------------------------------------------------------------------ declarations


def Projection(c, din: int, axes: str, Layer=Conv1D):
    """The layer at the end of a residual branch: narrower at first, the more branches are added up."""
    return Layer(din, c.n_embd, axes, init=normal(c.initializer_range / (2 * c.n_layer) ** 0.5))


def Attention(c, cross: bool = False):
    d = c.n_embd
    return {
        "c_attn": Conv1D(d, 2 * d if cross else 3 * d, "embed heads"),
        **({"q_attn": Conv1D(d, d, "embed heads")} if cross else {}),
        "c_proj": Projection(c, d, "heads embed"),
    }


def Layer(c):
    d = c.n_embd
    f = 4 * d if c.n_inner is None else c.n_inner
    return {
        "ln_1": LayerNorm(d),
        "attn": Attention(c),
        "ln_2": LayerNorm(d),
        **({"crossattention": Attention(c, True), "ln_cross_attn": LayerNorm(d)} if c.add_cross_attention else {}),
        "mlp": {"c_fc": Conv1D(d, f), "c_proj": Projection(c, f, "mlp embed")},
    }


def Model(c):
    return {
        "wte": Embedding(c.vocab_size, c.n_embd),
        "wpe": Embedding(c.n_positions, c.n_embd, "- embed"),
        "h": Layers(Layer(c) for _ in range(c.n_layer)),
        "ln_f": LayerNorm(c.n_embd),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(
    p,
    c,
    x,
    *,
    cross=False,
    memory=None,
    mask=None,
    cache=None,
    index=0,
    ring=None,
    number=None,
    key=None,
    weights=False,
):
    """Self-attention of x [B, S, D], or attention across to `memory` [B, T, D]. Returns (y, cache, weights)."""
    k_probs, k_out = nn.split(key, 2)

    def heads(x, n):
        return (nn.split_heads(t, c.n_head) for t in jnp.split(x, n, axis=-1))

    if cross:
        (q,) = heads(conv1d(p["q_attn"], x), 1)
        cache, k, v = nn.cache.memory(cache, lambda: tuple(heads(conv1d(p["c_attn"], memory), 2)))
    else:
        q, k, v = heads(conv1d(p["c_attn"], x), 3)
        cache, k, v = nn.cache.update(cache, k, v, index, ring)
    if c.reorder_and_upcast_attn:
        q, k, v = (t.astype(jnp.float32) for t in (q, k, v))
    if number is not None:
        q = q / number.astype(q.dtype)
    scale = None if c.scale_attn_weights else 1.0
    h, probs = nn.attend(q, k, v, mask=mask, scale=scale, rate=c.attn_pdrop, key=k_probs, weights=weights)
    h = conv1d(p["c_proj"], nn.merge_heads(h).astype(x.dtype))
    return dropout(h, c.resid_pdrop, k_out), cache, None if probs is None else probs.astype(x.dtype)


def layer(p, c, x, *, mask, memory, memory_mask, cache, index, ring, number, key, weights):
    k_self, k_cross, k_out = nn.split(key, 3)
    how = {"number": number, "weights": weights}
    h = layer_norm(p["ln_1"], x, c.layer_norm_epsilon)
    h, cache, probs = attention(p["attn"], c, h, mask=mask, cache=cache, index=index, ring=ring, key=k_self, **how)
    x, cross = x + h, None
    if memory is not None or nn.cache.keeps_memory(cache):
        h = layer_norm(p["ln_cross_attn"], x, c.layer_norm_epsilon)
        seen = {"memory": memory, "mask": memory_mask, "cache": cache}
        h, cache, cross = attention(p["crossattention"], c, h, cross=True, **seen, key=k_cross, **how)
        x = x + h
    h = conv1d(p["mlp"]["c_fc"], layer_norm(p["ln_2"], x, c.layer_norm_epsilon))
    h = conv1d(p["mlp"]["c_proj"], nn.activation(c.activation_function, h))
    return x + dropout(h, c.resid_pdrop, k_out), {"attention": probs, "cross": cross, "cache": cache}


def norm(p, c, x):
    return layer_norm(p["ln_f"], x, c.layer_norm_epsilon)


@decoder.reads
def model(
    p,
    c,
    input_ids=None,
    *,
    token_type_ids=None,
    encoder_hidden_states=None,
    encoder_attention_mask=None,
    key=None,
    **inputs,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); masks are 1 at tokens, 0 at padding.

    `past_key_values` is a cache to decode with. `encoder_hidden_states` [B, T, D] and their mask are attended to when
    the config says `add_cross_attention`; a cache keeps what was made of these states, so that later calls need their
    mask alone. `token_type_ids` are embedded like words. `key` switches dropout on.
    """
    if encoder_hidden_states is not None and not c.add_cross_attention:
        raise InputError("GPT2Model", ["encoder_hidden_states must come with add_cross_attention in the config"])
    k_embed, k_layers = nn.split(key, 2)
    seen = {"memory": encoder_hidden_states, "memory_mask": nn.mask.padding(encoder_attention_mask)}
    begin = decoder.placing(p["wpe"], p["wte"], token_type_ids, c.embd_pdrop, k_embed, **seen)
    number = jnp.arange(1, c.n_layer + 1) if c.scale_attn_by_inverse_layer_idx else None
    parts = {"words": p["wte"], "layers": p["h"], "layer": layer, "norm": norm, "number": number}
    return decode(p, c, input_ids, **inputs, key=k_layers, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.n_layer, batch, length, c.n_head, c.n_embd // c.n_head, dtype, stacked)


LM = decoder.language_model(Model, model, cache, PREFIX, "wte")


def DoubleHeads(c):
    return {**LM.declare(c), "multiple_choice_head": nn.Summary(c, c.n_embd, num_labels=1)}


@extends(model)
def double_heads(p, c, *, mc_token_ids=None, labels=None, mc_labels=None, key=None, **inputs):
    """Next words, and the right one of M choices: inputs are [B, M, S].

    mc_token_ids int [B, M] are the positions that speak for their choice (the last by default); labels int [B, M, S]
    are shifted here, mc_labels int [B].
    """
    k_model, k_head = nn.split(key, 2)
    given = {n: x for n, x in inputs.items() if x is not None}
    flat = {n: x.reshape(-1, *x.shape[-CHOICES[n] :]) if n in CHOICES else x for n, x in given.items()}
    rows = next(given[n].shape[: -CHOICES[n]] for n in ("input_ids", "inputs_embeds") if n in given)
    out = model(p["transformer"], c, **flat, key=k_model)
    x = out.last_hidden_state.reshape(*rows, *out.last_hidden_state.shape[1:])
    scores, choices = LM.words(p, c, x), nn.summary(p["multiple_choice_head"], c, x, mc_token_ids, k_head)
    choices = choices.squeeze(-1) if choices.shape[-1] == 1 else choices
    loss = mc_loss = None
    if labels is not None:
        loss = losses.causal_lm(scores.reshape(-1, *scores.shape[2:]), labels.reshape(-1, labels.shape[-1]))
    if mc_labels is not None:
        mc_loss = losses.cross_entropy(choices.reshape(-1, choices.shape[-1]), mc_labels.reshape(-1))
    if "hidden_states" in out:  # as the reference gives them: the last in the shape of the input
        out["hidden_states"] = (*out["hidden_states"][:-1], x)
    return nn.heads.carry(out, loss=loss, mc_loss=mc_loss, logits=scores, mc_logits=choices)


# How many axes of an input come after [B, M].
CHOICES = {"input_ids": 1, "attention_mask": 1, "token_type_ids": 1, "position_ids": 1, "inputs_embeds": 2}


HEADS = {
    "GPT2Model": Head(Model, model, cache),
    "GPT2LMHeadModel": LM,
    "GPT2DoubleHeadsModel": Head(DoubleHeads, double_heads, ties=LM.ties),
    "GPT2ForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GPT2ForTokenClassification": common.token_classifier(Model, model, PREFIX, layer="classifier"),
    "GPT2ForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
