"""Wav2Vec2's pretraining: hidden frames are to be told from others by what a quantiser makes of them.

https://arxiv.org/abs/2006.11477, sections 3.1 and 3.2.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models.speech_family import Model, model
from jaxformers.models.speech_heads import ties
from jaxformers.nn import Linear, dropout, linear
from jaxformers.spec import Param, normal, uniform


def Quantizer(c):
    groups, each = c.num_codevector_groups, c.num_codevectors_per_group
    shape = (1, groups * each, c.codevector_dim // groups)
    return {
        "codevectors": Param(shape, "- - -", uniform(1.0)),
        "weight_proj": Linear(c.conv_dim[-1], groups * each, "channels -", init=normal(1.0)),
    }


def quantize(p, c, x, mask, temperature, key):
    """Code vectors for frames x [B, S, C], a vector of each group side by side, and how many of them are in use.

    Without a key the best vector of each group; with one a draw, by Gumbel noise, whose gradient is the soft choice's.
    `mask` bool [B, S] or None: the frames whose choices count for the perplexity.
    """
    groups = c.num_codevector_groups
    scores = linear(p["weight_proj"], x).reshape(*x.shape[:2], groups, -1).astype(jnp.float32)
    best = jax.nn.one_hot(scores.argmax(-1), scores.shape[-1])
    if key is None:
        chosen, used = best, best
    else:
        soft = jax.nn.softmax((scores + jax.random.gumbel(key, scores.shape)) / temperature, -1)
        hard = jax.nn.one_hot(soft.argmax(-1), scores.shape[-1])
        chosen, used = soft + jax.lax.stop_gradient(hard - soft), jax.nn.softmax(scores, -1)
    counted = jnp.ones(x.shape[:2], bool) if mask is None else mask
    shares = jnp.where(counted[..., None, None], used, 0).sum((0, 1)) / counted.sum()
    perplexity = jnp.exp(-(shares * jnp.log(shares + 1e-7)).sum(-1)).sum()
    codes = p["codevectors"].reshape(groups, scores.shape[-1], -1)
    vectors = jnp.einsum("bsgv,gvd->bsgd", chosen.astype(codes.dtype), codes)
    return vectors.reshape(*x.shape[:2], -1), perplexity.astype(x.dtype)


def cosine(a, b):
    """Cosines of a and b [..., D], in float32."""
    a, b = a.astype(jnp.float32), b.astype(jnp.float32)
    norms = (jnp.maximum(jnp.sqrt(jnp.square(x).sum(-1)), 1e-8) for x in (a, b))
    return (a * b).sum(-1) / next(norms) / next(norms)


def contrastive(c, predicted, targets, mask, negatives):
    """Summed loss of telling each hidden frame's target [B, S, D] from others, whose flat indices are [B, S, K]."""
    others = targets.reshape(-1, targets.shape[-1])[negatives]
    same = (others == targets[:, :, None]).all(-1)
    right = cosine(predicted, targets)[..., None] / c.contrastive_logits_temperature
    wrong = cosine(predicted[:, :, None], others) / c.contrastive_logits_temperature
    logits = jnp.concatenate([right, jnp.where(same, -jnp.inf, wrong)], -1)
    return jnp.where(mask, jax.nn.logsumexp(logits, -1) - logits[..., 0], 0).sum()


def pretraining(prefix: str) -> Head:
    def declare(c):
        return {
            prefix: Model(c),
            "quantizer": Quantizer(c),
            "project_hid": Linear(c.hidden_size, c.proj_codevector_dim, "embed -"),
            "project_q": Linear(c.codevector_dim, c.proj_codevector_dim, "- -"),
        }

    @extends(model)
    def for_pretraining(
        p,
        c,
        input_values,
        *,
        mask_time_indices=None,
        sampled_negative_indices=None,
        gumbel_temperature=2.0,
        key=None,
        **inputs,
    ):
        """Predicted and quantised targets of hidden frames, and the loss of telling them from sampled ones.

        mask_time_indices bool [B, S]: hidden frames. sampled_negative_indices int [B, S, K]: for each frame others, as
        indices into all B * S of them; without it there is no loss. With a `key` code vectors are drawn, at
        `gumbel_temperature`.
        """
        k_model, k_drop, k_draw = nn.split(key, 3)
        mask = None if mask_time_indices is None else mask_time_indices.astype(bool)
        out = model(p[prefix], c, input_values, mask_time_indices=mask, **inputs, key=k_model)
        predicted = linear(p["project_hid"], out.last_hidden_state)
        features = dropout(out.extract_features, c.feat_quantizer_dropout, k_drop)
        vectors, perplexity = quantize(p["quantizer"], c, features, mask, gumbel_temperature, k_draw)
        targets = linear(p["project_q"], vectors)
        loss = told = spread = None
        if sampled_negative_indices is not None:
            told = contrastive(c, predicted, targets, mask, sampled_negative_indices)
            every = c.num_codevectors_per_group * c.num_codevector_groups
            spread = (every - perplexity) / every * mask.sum()
            loss = told + c.diversity_loss_weight * spread
        return nn.heads.carry(
            out,
            loss=loss,
            projected_states=predicted,
            projected_quantized_states=targets,
            codevector_perplexity=perplexity,
            contrastive_loss=told,
            diversity_loss=spread,
        )

    return Head(declare, for_pretraining, ties=ties(prefix))
