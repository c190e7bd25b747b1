"""Heads over the encoder of Wav2Vec2 and its kin: letters, classes of sounds and of frames, voices.

Each function here makes a head of a base model's name, `prefix`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import ConfigError
from jaxformers.model import Head, extends
from jaxformers.models import speech_family
from jaxformers.models.speech_family import Model, frame_mask, model
from jaxformers.nn import Linear, dropout, linear, losses
from jaxformers.nn.ctc import ctc
from jaxformers.nn.temporal import time_conv
from jaxformers.output import Output
from jaxformers.spec import Param, constant, normal


def ties(prefix: str):
    return lambda c: speech_family.ties(c, f"{prefix}.")


def refuse_adapter(c, what: str):
    if c.add_adapter:
        raise ConfigError(f"{c.model_type} config", [f"add_adapter must be False for {what}, got True"])


def Mix(c):
    """Weights of all layers' states, if they are mixed."""
    n = c.num_hidden_layers + 1
    return {"layer_weights": Param((n,), "-", constant(1 / n))} if c.use_weighted_layer_sum else {}


def mixed(p, c, out):
    """The states to read: the last layer's, or all layers' by learned weights."""
    if "layer_weights" not in p:
        return out.last_hidden_state
    return jnp.einsum("l,l...->...", jax.nn.softmax(p["layer_weights"]), jnp.stack(out.hidden_states))


def states(c, inputs) -> dict:
    return {**inputs, "output_hidden_states": True} if c.use_weighted_layer_sum else inputs


def letters(prefix: str) -> Head:
    """Letters by connectionist temporal classification."""

    def declare(c):
        return {prefix: Model(c), "lm_head": Linear(c.output_width, c.vocab_size, "embed vocab")}

    @extends(model, "mask_time_indices")
    def for_ctc(p, c, input_values, *, attention_mask=None, labels=None, key=None, **inputs):
        """Scores [B, S, V] of letters, `pad_token_id` being none; labels int [B, L], negative = not there."""
        k_model, k_head = nn.split(key, 2)
        out = model(p[prefix], c, input_values, attention_mask=attention_mask, **inputs, key=k_model)
        logits = linear(p["lm_head"], dropout(out.last_hidden_state, c.final_dropout, k_head))
        loss = None
        if labels is not None:
            samples = jnp.full(input_values.shape[:1], input_values.shape[1])
            samples = samples if attention_mask is None else attention_mask.astype(jnp.int32).sum(-1)
            lengths = c.frames(samples)
            loss = ctc(logits, labels, lengths, c.pad_token_id, c.ctc_loss_reduction, c.ctc_zero_infinity)
        return nn.heads.carry(out, loss=loss, logits=logits)

    return Head(declare, for_ctc, ties=ties(prefix))


def sound_classifier(prefix: str) -> Head:
    """Classes of whole sounds, by the mean of their frames."""

    def declare(c):
        refuse_adapter(c, "a sequence classifier")
        projector = Linear(c.hidden_size, c.classifier_proj_size, "embed -")
        return {
            prefix: Model(c),
            **Mix(c),
            "projector": projector,
            "classifier": Linear(c.classifier_proj_size, c.num_labels, "- -"),
        }

    @extends(model, "mask_time_indices")
    def sequence_classification(p, c, input_values, *, attention_mask=None, labels=None, **inputs):
        """One of `num_labels` classes a sound; labels int [B]."""
        out = model(p[prefix], c, input_values, attention_mask=attention_mask, **states(c, inputs))
        x = linear(p["projector"], mixed(p, c, out))
        if attention_mask is None:
            x = x.mean(1)
        else:
            mask = frame_mask(c, attention_mask, x.shape[1])
            x = jnp.where(mask[..., None], x, 0).sum(1) / mask.sum(1, keepdims=True).astype(x.dtype)
        logits = linear(p["classifier"], x)
        return nn.heads.carry(
            out, loss=None if labels is None else losses.cross_entropy(logits, labels), logits=logits
        )

    return Head(declare, sequence_classification, ties=ties(prefix))


def frame_classifier(prefix: str) -> Head:
    """Classes of frames: who speaks when."""

    def declare(c):
        refuse_adapter(c, "a classifier of frames")
        return {prefix: Model(c), **Mix(c), "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}

    @extends(model, "mask_time_indices")
    def frame_classification(p, c, input_values, *, labels=None, **inputs):
        """Scores [B, S, num_labels]; labels [B, S, num_labels] are 1 at a frame's class."""
        out = model(p[prefix], c, input_values, **states(c, inputs))
        logits = linear(p["classifier"], mixed(p, c, out))
        loss = None if labels is None else losses.cross_entropy(logits, labels.argmax(-1))
        return nn.heads.carry(out, loss=loss, logits=logits)

    return Head(declare, frame_classification, ties=ties(prefix))


# ------------------------------------------------------------------------------------------------------ voices
# X-vectors: https://www.danielpovey.com/files/2018_icassp_xvectors.pdf

SCALE, MARGIN = 30.0, 0.4  # https://arxiv.org/abs/1801.05599


def voice(prefix: str) -> Head:
    """A vector that tells a voice."""

    def declare(c):
        inputs = (c.tdnn_dim[0], *c.tdnn_dim[:-1])
        sizes = zip(inputs, c.tdnn_dim, c.tdnn_kernel, strict=True)
        out = c.xvector_output_dim
        return {
            prefix: Model(c),
            **Mix(c),
            "projector": Linear(c.hidden_size, c.tdnn_dim[0], "embed -"),
            "tdnn": [{"kernel": Linear(cin * width, cout, "embed -")} for cin, cout, width in sizes],
            "feature_extractor": Linear(2 * c.tdnn_dim[-1], out, "embed -"),
            "classifier": Linear(out, out, "- -"),
            "objective": {"weight": Param((out, c.num_labels), "- -", normal(1.0))},
        }

    @extends(model, "mask_time_indices")
    def x_vector(p, c, input_values, *, attention_mask=None, labels=None, **inputs):
        """`embeddings` [B, xvector_output_dim] of voices, and `logits` made of them; labels int [B] are voices."""
        out = model(p[prefix], c, input_values, attention_mask=attention_mask, **states(c, inputs))
        x = linear(p["projector"], mixed(p, c, out))
        for layer, width, dilation in zip(p["tdnn"], c.tdnn_kernel, c.tdnn_dilation, strict=True):
            weight = layer["kernel"]["weight"]
            weight = weight.reshape(weight.shape[0], width, -1).swapaxes(1, 2)
            x = jax.nn.relu(time_conv({**layer["kernel"], "weight": weight}, x, dilation=dilation))
        lengths = jnp.full(x.shape[:1], x.shape[1])
        if attention_mask is not None:
            lengths = c.frames(attention_mask.astype(jnp.int32).sum(-1))
            for width in c.tdnn_kernel:  # dilations do not count, as in the reference
                lengths = lengths - width + 1
        embeddings = linear(p["feature_extractor"], moments(x, lengths))
        logits = linear(p["classifier"], embeddings)
        loss = None if labels is None else margin_loss(p["objective"]["weight"], logits, labels.reshape(-1))
        return Output(**nn.heads.carry(out, loss=loss, logits=logits), embeddings=embeddings)

    return Head(declare, x_vector, ties=ties(prefix))


def moments(x, lengths):
    """Mean and standard deviation [B, 2 * D] of the first `lengths` int [B] of frames x [B, S, D]."""
    n = jnp.minimum(lengths, x.shape[1])[:, None]
    kept = (jnp.arange(x.shape[1]) < n)[..., None]
    x32 = x.astype(jnp.float32)
    mean = jnp.where(kept, x32, 0).sum(1) / n
    spread = jnp.sqrt(jnp.where(kept, jnp.square(x32 - mean[:, None]), 0).sum(1) / (n - 1))
    return jnp.concatenate([mean, spread], -1).astype(x.dtype)


def margin_loss(weight, x, labels):
    """Cross-entropy of cosines between x [B, D] and the columns of weight [D, C], the right one with a margin."""

    def unit(x, axis):
        return x / jnp.maximum(jnp.sqrt(jnp.square(x).sum(axis, keepdims=True)), 1e-12)

    cosines = unit(x, 1) @ unit(weight, 0)
    right = jnp.arange(weight.shape[1]) == labels[:, None]
    return losses.cross_entropy(SCALE * jnp.where(right, cosines - MARGIN, cosines), labels)
