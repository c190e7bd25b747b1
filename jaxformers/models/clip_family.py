"""What CLIP and its kin share: layers with a norm before each half, and scores of texts against images.

Paper: https://arxiv.org/abs/2103.00020.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.model import Head
from jaxformers.nn import LayerNorm, Linear, layer_norm, linear, losses
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, constant, normal

# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    width, depth = c.initializer_factor * d**-0.5, (2 * c.num_hidden_layers) ** -0.5
    inner = {n: Linear(d, d, "embed heads", init=normal(width * depth)) for n in ("q_proj", "k_proj", "v_proj")}
    return {
        "self_attn": {**inner, "out_proj": Linear(d, d, "heads embed", init=normal(width))},
        "layer_norm1": LayerNorm(d),
        "mlp": {
            "fc1": Linear(d, f, init=normal(width * 2**-0.5)),
            "fc2": Linear(f, d, "mlp embed", init=normal(width * depth)),
        },
        "layer_norm2": LayerNorm(d),
    }


def Encoder(c):
    return {"layers": Layers(Layer(c) for _ in range(c.num_hidden_layers))}


def Projection(c, dim: int):
    return Linear(c.hidden_size, dim, "embed -", bias=False, init=normal(c.initializer_factor * c.hidden_size**-0.5))


def LogitScale(c):
    """The logarithm of the scale of scores, one number."""
    return Param((), (), constant(c.logit_scale_init_value))


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, mask, key, weights):
    """Self-attention of x [B, S, D], its three projections apart or in one. Returns (y, weights)."""
    if "qkv" in p:
        inner = jnp.split(linear(p["qkv"], x), 3, -1)
    else:
        inner = [linear(p[n], x) for n in ("q_proj", "k_proj", "v_proj")]
    q, k, v = (nn.split_heads(t, c.num_attention_heads) for t in inner)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["projection" if "qkv" in p else "out_proj"], nn.merge_heads(h)), probs


def layer(p, c, x, mask, key, weights):
    h, probs = attention(p["self_attn"], c, layer_norm(p["layer_norm1"], x, c.layer_norm_eps), mask, key, weights)
    x = x + h
    h = linear(p["mlp"]["fc1"], layer_norm(p["layer_norm2"], x, c.layer_norm_eps))
    return x + linear(p["mlp"]["fc2"], nn.activation(c.hidden_act, h)), {"attention": probs}


def encode(p, c, x, mask=None, *, states=False, weights=False, key=None) -> Output:
    """The layers over x [B, S, D]; `last_hidden_state` is the last layer's, without a norm behind it."""

    def step(p, x, key):
        return layer(p, c, x, mask, key, weights)

    y, ys = nn.fold(step, p["layers"], x, states=states, key=key)
    return Output(last_hidden_state=y, hidden_states=nn.hidden_states(x, ys), attentions=nn.collect(ys, "attention"))


def unit(x):
    """x [..., D] divided by its length."""
    x32 = x.astype(jnp.float32)
    return (x32 / jnp.sqrt(jnp.square(x32).sum(-1, keepdims=True))).astype(x.dtype)


def contrastive_loss(logits):
    """Mean loss of choosing the image of a text and the text of an image; logits [B, B] hold the pairs diagonally."""
    pairs = jnp.arange(logits.shape[0])
    return (losses.cross_entropy(logits, pairs) + losses.cross_entropy(logits.T, pairs)) / 2


def compare(text, vision, text_embeds, image_embeds, logit_scale, return_loss: bool) -> Output:
    """Scores of texts [T, D] against images [I, D], and the outputs of both towers."""
    text_embeds, image_embeds = unit(text_embeds), unit(image_embeds)
    logits = text_embeds @ image_embeds.T * jnp.exp(logit_scale)
    return Output(
        loss=contrastive_loss(logits) if return_loss else None,
        logits_per_image=logits.T,
        logits_per_text=logits,
        text_embeds=text_embeds,
        image_embeds=image_embeds,
        text_model_output=text,
        vision_model_output=vision,
    )


# ------------------------------------------------------------------------------------------------------ configs, heads


def part(head: Head, field: str) -> Head:
    """The head of one tower, for a config that holds the tower's in `field`."""

    @functools.wraps(head.apply)
    def apply(p, c, *args, **inputs):
        return head.apply(p, getattr(c, field), *args, **inputs)

    def cache(c, *args):
        return head.cache(getattr(c, field), *args)

    def words(p, c, x):
        return head.words(p, getattr(c, field), x)

    return Head(
        lambda c: head.declare(getattr(c, field)),
        apply,
        None if head.cache is None else cache,
        lambda c: head.ties(getattr(c, field)),
        words=None if head.words is None else words,
    )


def merged(values, configs) -> dict:
    """The object of a `config.json` whose old `text_config_dict` and the like win over `text_config`, as they do."""
    out = dict(values)
    for field, config in configs.items():
        old = out.pop(f"{field}_dict", None)
        if old is not None:
            out[field] = {**(out.get(field) or {}), **config.from_dict(old).to_dict()}
    return out
