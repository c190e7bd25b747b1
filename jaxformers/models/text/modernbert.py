"""ModernBERT: a pre-layer-norm encoder with rotary positions, gated MLPs, and windows in two of three layers.

Paper: https://arxiv.org/abs/2412.13663. Serves ModernBERT, Ettin's encoders, GTE-ModernBERT and every checkpoint of
model type "modernbert". Padding is masked, which gives what taking it out gives.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models.encoder_heads import CHOICES
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear, losses
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, truncated_normal, zeros

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="modernbert"):
    vocab_size: int = 50368
    hidden_size: int = 768
    intermediate_size: int = 1152
    num_hidden_layers: int = 22
    num_attention_heads: int = 12
    hidden_activation: str = "gelu"
    max_position_embeddings: int = 8192
    initializer_range: float = 0.02
    initializer_cutoff_factor: float | None = 2.0  # where initial values are cut, in standard deviations
    norm_eps: float = 1e-5
    norm_bias: bool = False
    pad_token_id: int | None = 50283
    eos_token_id: Any = 50282
    bos_token_id: int | None = 50281
    cls_token_id: int | None = 50281
    sep_token_id: int | None = 50282
    global_rope_theta: float = 160000.0
    attention_bias: bool = False
    attention_dropout: float = 0.0
    global_attn_every_n_layers: int = 3
    local_attention: int = 128
    local_rope_theta: float | None = 10000.0
    embedding_dropout: float = 0.0
    mlp_bias: bool = False
    mlp_dropout: float = 0.0
    decoder_bias: bool = True
    classifier_pooling: str = "cls"
    classifier_dropout: float = 0.0
    classifier_bias: bool = False
    classifier_activation: str = "gelu"
    deterministic_flash_attn: bool = False
    sparse_prediction: bool = False  # here every token is scored, and the loss is the same
    sparse_pred_ignore_index: int = -100
    repad_logits_with_grad: bool = False

    allowed = {
        "hidden_activation": nn.ACTIVATION_NAMES,
        "classifier_activation": nn.ACTIVATION_NAMES,
        "classifier_pooling": ("cls", "mean"),
    }
    rope_scaling: ClassVar[None] = None

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if self.global_attn_every_n_layers < 1:
            yield f"global_attn_every_n_layers must be at least 1, got {self.global_attn_every_n_layers}"
        if self.extra.get("rope_scaling"):
            yield f"rope_scaling must be left out, got {self.extra['rope_scaling']!r}"
        yield from nn.rope.check(self, self.head_dim)


@dataclasses.dataclass(frozen=True)
class Rotary:
    """What `nn.rope` reads of a config, for one kind of layers."""

    rope_theta: float
    rope_scaling: None = None


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c, first: bool):
    d, f = c.hidden_size, c.intermediate_size
    into = truncated_normal(c.initializer_range)
    out = truncated_normal(c.initializer_range / (2 * c.num_hidden_layers) ** 0.5)
    return {
        **({} if first else {"attn_norm": LayerNorm(d, bias=c.norm_bias)}),
        "attn": {
            "Wqkv": Linear(d, 3 * d, "embed heads", c.attention_bias, into),
            "Wo": Linear(d, d, "heads embed", c.attention_bias, out),
        },
        "mlp_norm": LayerNorm(d, bias=c.norm_bias),
        "mlp": {
            "Wi": Linear(d, 2 * f, "embed mlp", c.mlp_bias, into),
            "Wo": Linear(f, d, "mlp embed", c.mlp_bias, out),
        },
    }


def Model(c):
    norm = LayerNorm(c.hidden_size, bias=c.norm_bias)
    table = Embedding(c.vocab_size, c.hidden_size, init=truncated_normal(c.initializer_range))
    return {
        "embeddings": {"tok_embeddings": table, "norm": norm},
        "layers": Layers(Layer(c, i == 0) for i in range(c.num_hidden_layers)),
        "final_norm": norm,
    }


def PredictionHead(c):
    d, out = c.hidden_size, truncated_normal(c.initializer_range / (2 * c.num_hidden_layers) ** 0.5)
    return {"dense": Linear(d, d, "embed -", c.classifier_bias, out), "norm": LayerNorm(d, bias=c.norm_bias)}


def MaskedLM(c):
    decoder: dict[str, Param] = {"bias": Param((c.vocab_size,), "vocab", zeros)} if c.decoder_bias else {}
    if not c.tie_word_embeddings:
        decoder = {**Linear(c.hidden_size, c.vocab_size, "embed vocab", bias=False), **decoder}
    return {"model": Model(c), "head": PredictionHead(c), **({"decoder": decoder} if decoder else {})}


def ties(c):
    return {"decoder.weight": "model.embeddings.tok_embeddings.weight"} if c.tie_word_embeddings else {}


def Classifier(c, outputs: int | None = None):
    n = c.num_labels if outputs is None else outputs
    classifier = Linear(c.hidden_size, n, "embed -", init=truncated_normal(c.hidden_size**-0.5))
    return {"model": Model(c), "head": PredictionHead(c), "classifier": classifier}


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, turns, mask, key, weights):
    """Self-attention of x [B, S, D]. Returns (y, weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = (nn.split_heads(t, c.num_attention_heads) for t in jnp.split(linear(p["Wqkv"], x), 3, -1))
    q, k = nn.rope.rotate(q, *turns), nn.rope.rotate(k, *turns)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=k_probs, weights=weights)
    return dropout(linear(p["Wo"], nn.merge_heads(h)), c.attention_dropout, k_out), probs


def layer(p, c, x, *, turns, mask, key, weights):
    k_attention, k_mlp = nn.split(key, 2)
    h = layer_norm(p["attn_norm"], x, c.norm_eps) if "attn_norm" in p else x
    h, probs = attention(p["attn"], c, h, turns=turns, mask=mask, key=k_attention, weights=weights)
    x = x + h
    h, gate = jnp.split(linear(p["mlp"]["Wi"], layer_norm(p["mlp_norm"], x, c.norm_eps)), 2, -1)
    h = dropout(nn.activation(c.hidden_activation, h) * gate, c.mlp_dropout, k_mlp)
    return x + linear(p["mlp"]["Wo"], h), {"attention": probs}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    Windows count slots, whatever `position_ids` say. `key` switches dropout on.
    """
    table = p["embeddings"]["tok_embeddings"]
    x = nn.heads.embeddings("ModernBertModel", input_ids, inputs_embeds, lambda ids: embed(table, ids))
    k_embed, k_layers = nn.split(key, 2)
    first = dropout(layer_norm(p["embeddings"]["norm"], x, c.norm_eps), c.embedding_dropout, k_embed)
    length, layers = x.shape[1], p["layers"]
    at = jnp.arange(length)[None] if position_ids is None else position_ids
    near = c.global_rope_theta if c.local_rope_theta is None else c.local_rope_theta
    wide, narrow = (nn.rope.table(Rotary(t), c.head_dim, at, x.dtype) for t in (c.global_rope_theta, near))
    window = nn.mask.window(attention_mask, length, c.local_attention // 2)
    made = {"mask": whole(attention_mask, length), "turns": wide}, {"mask": window, "turns": narrow}
    every = c.global_attn_every_n_layers
    kind, pick = nn.windows.kinds(layers, [int(i % every != 0) for i in range(c.num_hidden_layers)], made)

    def step(p, x, kind, key):
        return layer(p, c, x, **pick(kind), key=key, weights=output_attentions)

    x, ys = nn.fold(step, layers, first, states=output_hidden_states, kind=kind, key=k_layers)
    return Output(
        last_hidden_state=layer_norm(p["final_norm"], x, c.norm_eps),
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


def whole(attention_mask, length: int):
    """The mask of layers that see everything; an array also where there is no padding, as a window's mask is one."""
    return jnp.ones((1, 1, 1, length), bool) if attention_mask is None else nn.mask.padding(attention_mask)


def predict(p, c, x):
    return layer_norm(p["norm"], nn.activation(c.classifier_activation, linear(p["dense"], x)), c.norm_eps)


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def masked_lm(p, c, *, labels=None, **inputs):
    """Words behind masks; labels int [B, S], -100 (and `sparse_pred_ignore_index`, if sparse) = not scored."""
    out = model(p["model"], c, **inputs)
    if labels is not None and c.sparse_prediction:
        labels = jnp.where(labels == c.sparse_pred_ignore_index, losses.IGNORE, labels)
    decoder = {**p["model"]["embeddings"]["tok_embeddings"], **p.get("decoder", {})}
    return nn.heads.masked_lm(out, linear(decoder, predict(p["head"], c, out.last_hidden_state)), labels)


def classify(p, c, x, key):
    return linear(p["classifier"], dropout(predict(p["head"], c, x), c.classifier_dropout, key))


def mean(x, attention_mask):
    """The mean [B, D] of the tokens of x [B, S, D]."""
    if attention_mask is None:
        return x.mean(1)
    real = attention_mask.astype(x.dtype)[..., None]
    return (x * real).sum(1) / real.sum(1)


@extends(model)
def sequence_classification(p, c, *, attention_mask=None, labels=None, key=None, **inputs):
    """One of `num_labels` classes (or targets) a sequence; labels as `losses.classification` takes them."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["model"], c, attention_mask=attention_mask, **inputs, key=k_model)
    x = out.last_hidden_state
    x = x[:, 0] if c.classifier_pooling == "cls" else mean(x, attention_mask)
    return nn.heads.classification(out, c, classify(p, c, x, k_head), labels)


@extends(model)
def multiple_choice(p, c, *, labels=None, key=None, **inputs):
    """The right one of M choices: inputs are [B, M, S], labels int [B]. A choice is read at its first token."""
    k_model, k_head = nn.split(key, 2)
    choices = next((inputs[n].shape[1] for n in ("input_ids", "inputs_embeds") if inputs.get(n) is not None), 1)
    flat = {n: x.reshape(-1, *x.shape[2:]) if n in CHOICES and x is not None else x for n, x in inputs.items()}
    out, mask = model(p["model"], c, **flat, key=k_model), flat.get("attention_mask")
    x = out.last_hidden_state
    if c.classifier_pooling == "mean":
        x = mean(x, mask)
    else:
        x = x[:, 0] if mask is None else x[jnp.arange(x.shape[0]), mask.argmax(-1)]
    logits = classify(p, c, x, k_head).reshape(-1, choices)
    return nn.heads.carry(out, loss=None if labels is None else losses.cross_entropy(logits, labels), logits=logits)


@extends(model)
def token_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes a token; labels int [B, S]."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["model"], c, **inputs, key=k_model)
    return nn.heads.token_classification(out, classify(p, c, out.last_hidden_state, k_head), labels)


@extends(model)
def question_answering(p, c, *, start_positions=None, end_positions=None, key=None, **inputs):
    """Start and end of the answer in the text; positions int [B]."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["model"], c, **inputs, key=k_model)
    logits = classify(p, c, out.last_hidden_state, k_head)
    return nn.heads.question_answering(out, logits, start_positions, end_positions)


HEADS = {
    "ModernBertModel": Head(Model, model),
    "ModernBertForMaskedLM": Head(MaskedLM, masked_lm, ties=ties),
    "ModernBertForSequenceClassification": Head(Classifier, sequence_classification),
    "ModernBertForTokenClassification": Head(Classifier, token_classification),
    "ModernBertForQuestionAnswering": Head(Classifier, question_answering),
    "ModernBertForMultipleChoice": Head(lambda c: Classifier(c, outputs=1), multiple_choice),
}
