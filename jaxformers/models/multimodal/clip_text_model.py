"""CLIP's text tower: a causal transformer encoder, whose token of the end speaks for the text.

Paper: https://arxiv.org/abs/2103.00020. Serves checkpoints of model type "clip_text_model", as in Stable Diffusion,
and is one half of "clip".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.clip_family import Encoder, Projection, encode
from jaxformers.nn import Embedding, LayerNorm, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import normal

PREFIX = "clip"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="clip_text_model"):
    vocab_size: int = 49408
    hidden_size: int = 512
    intermediate_size: int = 2048
    projection_dim: int = 512
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    max_position_embeddings: int = 77
    hidden_act: str = "quick_gelu"
    layer_norm_eps: float = 1e-5
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    initializer_factor: float = 1.0
    pad_token_id: int | None = 1
    bos_token_id: int | None = 49406
    eos_token_id: int | None = 49407

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")


OLD_EOS = 2  # what configs said before the first of the published ones was mended

# ------------------------------------------------------------------------------------------------------ declarations


def Tower(c):
    d, init = c.hidden_size, normal(0.02 * c.initializer_factor)
    return {
        "embeddings": {
            "token_embedding": Embedding(c.vocab_size, d, init=init),
            "position_embedding": Embedding(c.max_position_embeddings, d, "- embed", init),
        },
        "encoder": Encoder(c),
        "final_layer_norm": LayerNorm(d),
    }


def Model(c):
    return {"text_model": Tower(c)}


def WithProjection(c):
    return {"text_model": Tower(c), "text_projection": Projection(c, c.projection_dim)}


# ------------------------------------------------------------------------------------------------------ functions


def ends(c, input_ids):
    """int [B]: where the token of the end stands first, in ids [B, S]; with the old `eos_token_id`, the highest id."""
    return jnp.argmax(input_ids if c.eos_token_id == OLD_EOS else input_ids == c.eos_token_id, axis=-1)


def tower(
    p,
    c,
    input_ids,
    attention_mask=None,
    position_ids=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The tower. input_ids int [B, S]; attention_mask is 1 at tokens, 0 at padding. `key` switches dropout on."""
    length = input_ids.shape[-1]
    if length > c.max_position_embeddings:
        problem = f"input_ids must have at most {c.max_position_embeddings} tokens a row, got {length}"
        raise InputError(c.model_type, [problem], "shorten the texts")
    at = jnp.arange(length)[None] if position_ids is None else position_ids
    x = embed(p["embeddings"]["token_embedding"], input_ids) + embed(p["embeddings"]["position_embedding"], at)
    mask = nn.mask.decoder(attention_mask, length)
    out = encode(p["encoder"], c, x, mask, states=output_hidden_states, weights=output_attentions, key=key)
    x = layer_norm(p["final_layer_norm"], out.last_hidden_state, c.layer_norm_eps)
    pooled = x[jnp.arange(x.shape[0]), ends(c, input_ids)]
    return Output({**out, "last_hidden_state": x}, pooler_output=pooled)


# ------------------------------------------------------------------------------------------------------ heads


@extends(tower)
def model(p, c, input_ids, **inputs):
    """Features of a text: `last_hidden_state` [B, S, D] and `pooler_output` [B, D] of the token of its end."""
    return tower(p["text_model"], c, input_ids, **inputs)


@extends(tower)
def with_projection(p, c, input_ids, **inputs):
    """`text_embeds` [B, projection_dim] of texts, to be compared with those of images, and the features they have."""
    out = tower(p["text_model"], c, input_ids, **inputs)
    embeds = linear(p["text_projection"], out.pop("pooler_output"))
    return Output(text_embeds=embeds, **out)


HEADS = {
    "CLIPTextModel": Head(Model, model),
    "CLIPTextModelWithProjection": Head(WithProjection, with_projection),
}
