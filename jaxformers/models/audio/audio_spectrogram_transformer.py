"""Audio Spectrogram Transformer: DeiT over overlapping patches of a log-mel spectrogram.

Paper: https://arxiv.org/abs/2104.01778. Serves every checkpoint of model type "audio-spectrogram-transformer".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.vision import vit
from jaxformers.nn import Conv2d, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers, Param

PREFIX = "audio_spectrogram_transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="audio-spectrogram-transformer"):
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    patch_size: int = 16
    qkv_bias: bool = True
    frequency_stride: int = 10
    time_stride: int = 10
    max_length: int = 1024
    num_mel_bins: int = 128

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    tokens: ClassVar[tuple[str, ...]] = ("cls_token", "distillation_token")

    def grid(self) -> tuple[int, int]:
        """Patches along the mel bands and along time."""

        def along(size: int, stride: int) -> int:
            return (size - self.patch_size) // stride + 1

        return along(self.num_mel_bins, self.frequency_stride), along(self.max_length, self.time_stride)

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 < self.patch_size <= min(self.num_mel_bins, self.max_length):
            yield f"patch_size must be at least 1 and at most num_mel_bins and max_length, got {self.patch_size}"


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    d, (rows, columns) = c.hidden_size, c.grid()
    return {
        "embeddings": {
            **{name: Param((1, 1, d), "- - embed") for name in c.tokens},
            "position_embeddings": Param((1, rows * columns + len(c.tokens), d), "- - embed"),
            "patch_embeddings": {"projection": Conv2d(1, d, c.patch_size, "- embed")},
        },
        "encoder": {"layer": Layers(vit.Layer(c) for _ in range(c.num_hidden_layers))},
        "layernorm": LayerNorm(d),
    }


def Classifier(c):
    d = c.hidden_size
    head = {"layernorm": LayerNorm(d), "dense": Linear(d, c.num_labels, "embed -")}
    return {"audio_spectrogram_transformer": Model(c), "classifier": head}


# ------------------------------------------------------------------------------------------------------ functions


def model(p, c, input_values, output_hidden_states=False, output_attentions=False, key=None):
    """Features of spectrograms input_values [B, max_length, num_mel_bins]: `last_hidden_state` [B, 2 + patches, D].

    `pooler_output` [B, D] is the mean of the first two tokens. `key` switches dropout on.
    """
    wanted = c.max_length, c.num_mel_bins
    if input_values.ndim != 3 or input_values.shape[1:] != wanted:
        got = list(input_values.shape)
        problem = f"input_values must be [batch, {wanted[0]} frames, {wanted[1]} mel bands], got {got}"
        raise InputError(c.model_type, [problem], "pad or cut the spectrograms")
    e = p["embeddings"]
    k_embed, k_layers = nn.split(key, 2)
    x = jnp.swapaxes(input_values, 1, 2)[..., None].astype(e["cls_token"].dtype)
    x = nn.conv2d(e["patch_embeddings"]["projection"], x, (c.frequency_stride, c.time_stride))
    x = x.reshape(x.shape[0], -1, x.shape[-1])
    tokens = [jnp.broadcast_to(e[name], (x.shape[0], 1, x.shape[-1])) for name in c.tokens]
    first = dropout(jnp.concatenate([*tokens, x], 1) + e["position_embeddings"], c.hidden_dropout_prob, k_embed)

    def step(p, x, key):
        return vit.layer(p, c, x, key=key, weights=output_attentions)

    layers = p["encoder"]["layer"]
    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=k_layers)
    x = layer_norm(p["layernorm"], x, c.layer_norm_eps)
    states = nn.hidden_states(first, ys)
    return Output(
        last_hidden_state=x,
        pooler_output=(x[:, 0] + x[:, 1]) / 2,
        hidden_states=states and (*states[:-1], x),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def audio_classification(p, c, input_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) a sound; labels as `losses.classification` takes them."""
    out = model(p["audio_spectrogram_transformer"], c, input_values, **inputs)
    head = p["classifier"]
    logits = linear(head["dense"], layer_norm(head["layernorm"], out.pooler_output, c.layer_norm_eps))
    return nn.heads.classification(out, c, logits, labels)


HEADS = {
    "ASTModel": Head(Model, model),
    "ASTForAudioClassification": Head(Classifier, audio_classification),
}
