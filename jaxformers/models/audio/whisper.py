"""Whisper: an encoder of log-mel spectrograms behind two convolutions, and a decoder that writes what is said.

Paper: https://arxiv.org/abs/2212.04356. Serves Whisper tiny to large-v3-turbo, Distil-Whisper and every checkpoint of
model type "whisper".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import bart_family
from jaxformers.models.bart_family import Family, Tower, decoder, shift_right
from jaxformers.models.text.bart import cache
from jaxformers.nn import Embedding, Linear, linear, losses
from jaxformers.nn.spec_augment import spans
from jaxformers.nn.temporal import TimeConv, time_conv
from jaxformers.output import Output
from jaxformers.spec import Param, constant

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(Family, model_type="whisper"):
    vocab_size: int = 51865
    num_mel_bins: int = 80
    encoder_layers: int = 4
    encoder_attention_heads: int = 6
    decoder_layers: int = 4
    decoder_attention_heads: int = 6
    decoder_ffn_dim: int = 1536
    encoder_ffn_dim: int = 1536
    decoder_start_token_id: int | None = 50257
    d_model: int = 384
    dropout: float = 0.0
    max_source_positions: int = 1500
    max_target_positions: int = 448
    max_position_embeddings: Any = None  # implied: as many as the decoder has
    pad_token_id: int | None = 50256
    bos_token_id: int | None = 50256
    eos_token_id: Any = 50256
    suppress_tokens: Any = None
    begin_suppress_tokens: Any = (220, 50256)
    use_weighted_layer_sum: bool = False
    classifier_proj_size: int = 256
    apply_spec_augment: bool = False
    mask_time_prob: float = 0.05
    mask_time_length: int = 10
    mask_time_min_masks: int = 2
    mask_feature_prob: float = 0.0
    mask_feature_length: int = 10
    mask_feature_min_masks: int = 0
    median_filter_width: int = 7

    allowed = {**Family.allowed, "scale_embedding": (False,)}
    pre_norm = True
    embedding_norm = False
    positions = "rows"
    key_bias = False

    def check(self):
        self.default(max_position_embeddings=self.max_target_positions)
        yield from super().check()


# ------------------------------------------------------------------------------------------------------ declarations


def waves(key, shape, dtype):
    """Initialiser of the encoder's positions, which are never trained."""
    return nn.sinusoids(jnp.arange(shape[0]), shape[1]).astype(dtype)


def Encoder(c):
    d = c.d_model
    return {
        "conv1": TimeConv(c.num_mel_bins, d, 3, "- embed"),
        "conv2": TimeConv(d, d, 3, "- embed"),
        "embed_positions": {"weight": Param((c.max_source_positions, d), "- embed", waves, trainable=False)},
        **Tower(c, "encoder"),
    }


def Decoder(c):
    table = Embedding(c.max_target_positions, c.d_model, "- embed")
    return {**Tower(c, "decoder", words=True), "embed_positions": table}


def Model(c):
    return {"encoder": Encoder(c), "decoder": Decoder(c)}


def Words(c):
    tied = c.tie_word_embeddings
    return {} if tied else {"proj_out": Linear(c.d_model, c.vocab_size, "embed vocab", bias=False)}


def ties(c):
    return {"proj_out.weight": "model.decoder.embed_tokens.weight"} if c.tie_word_embeddings else {}


def AudioClassifier(c):
    mix = {"layer_weights": Param((c.encoder_layers + 1,), "-", constant(1 / (c.encoder_layers + 1)))}
    return {
        "encoder": Encoder(c),
        **(mix if c.use_weighted_layer_sum else {}),
        "projector": Linear(c.d_model, c.classifier_proj_size, "embed -"),
        "classifier": Linear(c.classifier_proj_size, c.num_labels, "- -"),
    }


# ------------------------------------------------------------------------------------------------------ functions


def hide(c, x, attention_mask, key):
    """Spectrograms [B, M, T] with spans of time and of features set to 0, when training with `apply_spec_augment`."""
    if key is None or not c.apply_spec_augment:
        return x
    k_time, k_feature = jax.random.split(key)
    rows, bands, length = x.shape
    if c.mask_time_prob > 0:
        real = None if attention_mask is None else attention_mask.sum(-1)
        how = c.mask_time_prob, c.mask_time_length, c.mask_time_min_masks
        x = jnp.where(spans(k_time, rows, length, *how, real)[:, None], 0, x)
    if c.mask_feature_prob > 0:
        how = c.mask_feature_prob, c.mask_feature_length, c.mask_feature_min_masks
        x = jnp.where(spans(k_feature, rows, bands, *how)[:, :, None], 0, x)
    return x


def encode(p, c, input_features, output_hidden_states=False, output_attentions=False, key=None):
    """The encoder over log-mel spectrograms input_features [B, M, T], where T = 2 * max_source_positions."""
    wanted = c.num_mel_bins, 2 * c.max_source_positions
    if input_features is None or input_features.ndim != 3 or input_features.shape[1:] != wanted:
        got = None if input_features is None else list(input_features.shape)
        problem = f"input_features must be [batch, {wanted[0]} mel bands, {wanted[1]} frames], got {got}"
        raise InputError(c.model_type, [problem], "pad or cut the sound to 30 seconds before its spectrogram is made")
    x = jnp.moveaxis(input_features, 1, 2).astype(p["conv1"]["weight"].dtype)
    x = nn.gelu(time_conv(p["conv1"], x, padding=1))
    x = nn.gelu(time_conv(p["conv2"], x, stride=2, padding=1))
    flags = {"states": output_hidden_states, "weights": output_attentions, "key": key}
    x, ys, hidden = bart_family.tower(p, c, "encoder", None, x, mask=None, **flags)
    return Output(last_hidden_state=x, hidden_states=hidden, attentions=nn.collect(ys, "attention"))


def model(
    p,
    c,
    input_features=None,
    attention_mask=None,
    decoder_input_ids=None,
    decoder_attention_mask=None,
    decoder_inputs_embeds=None,
    decoder_position_ids=None,
    encoder_outputs=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Encoder and decoder. input_features [B, M, T]; ids int [B, S] (or embeddings [B, S, D]) and their mask.

    `attention_mask` [B, T] only tells SpecAugment what is sound: the encoder also reads silence. To decode step by
    step pass `past_key_values`, a cache: it keeps the encoder's keys and values, so that later calls need neither the
    sound nor `encoder_outputs` [B, T / 2, D], the `encoder_last_hidden_state` of an earlier call. `key` switches
    dropout on.
    """
    k_hide, k_encoder, k_decoder = nn.split(key, 3)
    flags = output_hidden_states, output_attentions
    read = Output(last_hidden_state=encoder_outputs)
    if encoder_outputs is None and not nn.cache.has_memory(past_key_values):
        sound = input_features if input_features is None else hide(c, input_features, attention_mask, k_hide)
        read = encode(p["encoder"], c, sound, *flags, k_encoder)
    given = decoder_input_ids, decoder_attention_mask, read.last_hidden_state, None, decoder_inputs_embeds
    out = decoder(p, c, *given, past_key_values, *flags, k_decoder, decoder_position_ids)
    return nn.heads.join(read, out, last_hidden_state=out.last_hidden_state)


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return linear(p["proj_out"] if "proj_out" in p else p["model"]["decoder"]["embed_tokens"], x)


@extends(model)
def conditional_generation(p, c, input_features=None, *, labels=None, **inputs):
    """What is said. labels int [B, S], -100 = not scored; shifted right they are the decoder's default input."""
    given = any(inputs.get(name) is not None for name in ("decoder_input_ids", "decoder_inputs_embeds"))
    if labels is not None and not given:
        inputs["decoder_input_ids"] = shift_right(c, labels)
    out = model(p["model"], c, input_features, **inputs)
    return nn.heads.masked_lm(out, words(p, c, out.last_hidden_state), labels)


@extends(decoder, "encoder_hidden_states", "encoder_attention_mask")
def causal_lm(p, c, *, encoder_outputs=None, labels=None, logits_to_keep=0, **inputs):
    """The decoder alone, which attends to `encoder_outputs` [B, T, D] if there are any: a draft for assisted decoding.

    labels int [B, S] are compared as they are, not shifted. Only the last `logits_to_keep` are scored (0: all).
    """
    out = decoder(p["model"], c, encoder_hidden_states=encoder_outputs, **inputs)
    return nn.heads.masked_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)


def audio_classification(
    p,
    c,
    input_features=None,
    encoder_outputs=None,
    labels=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """One of `num_labels` classes a sound; labels int [B]. Encoder states may be given as `encoder_outputs` [B, T, D].

    With `use_weighted_layer_sum` the states of all layers are mixed by learned weights.
    """
    out = Output(last_hidden_state=encoder_outputs)
    if encoder_outputs is None:
        states = output_hidden_states or c.use_weighted_layer_sum
        out = encode(p["encoder"], c, input_features, states, output_attentions, key)
    elif c.use_weighted_layer_sum:
        raise InputError(c.model_type, ["encoder_outputs must be left out with use_weighted_layer_sum, got some"])
    x = out.last_hidden_state
    if c.use_weighted_layer_sum:
        x = jnp.einsum("l,l...->...", jax.nn.softmax(p["layer_weights"]), jnp.stack(out.hidden_states))
    logits = linear(p["classifier"], linear(p["projector"], x).mean(1))
    return nn.heads.carry(out, loss=None if labels is None else losses.cross_entropy(logits, labels), logits=logits)


HEADS = {
    "WhisperModel": Head(Model, model, cache),
    "WhisperForConditionalGeneration": Head(
        lambda c: {"model": Model(c), **Words(c)}, conditional_generation, cache, ties
    ),
    "WhisperForCausalLM": Head(
        lambda c: {"model": {"decoder": Decoder(c)}, **Words(c)}, causal_lm, cache, ties, words=words
    ),
    "WhisperForAudioClassification": Head(AudioClassifier, audio_classification),
}
