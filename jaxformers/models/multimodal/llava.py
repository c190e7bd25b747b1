"""LLaVA: a decoder that reads text and images, whose features take the places of image tokens in the prompt.

Paper: https://arxiv.org/abs/2310.03744. Serves LLaVA 1.5, BakLLaVA, Llama-3-LLaVA and every checkpoint of model type
"llava": an image model such as CLIP's, two layers that bring its features to the decoder's width, and a decoder such
as Llama. Tensors have the names that files hold, in which the decoder is one with an output layer.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import parts
from jaxformers.nn import Linear, embed, linear
from jaxformers.output import Output
from jaxformers.spec import abstract, flatten

PREFIX = "llava"

DEFAULT_VISION = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "projection_dim": 768,
}


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="llava"):
    vision_config: Any = None
    text_config: Any = None
    image_token_index: int = 32000
    projector_hidden_act: str = "gelu"
    vision_feature_select_strategy: str = "default"
    vision_feature_layer: int | tuple[int, ...] = -2
    image_seq_length: int = 576  # for processors
    multimodal_projector_bias: bool = True

    sub_configs = {"vision_config": parts.config_of("clip_vision_model"), "text_config": parts.config_of("llama")}
    synonyms = {"image_token_id": "image_token_index"}
    allowed = {"projector_hidden_act": nn.ACTIVATION_NAMES, "vision_feature_select_strategy": ("default", "full")}

    def check(self):
        makes = self.sub_configs
        self.default(vision_config=makes["vision_config"](DEFAULT_VISION), text_config=makes["text_config"]({}))
        layers = self.vision_config.num_hidden_layers
        wrong = [i for i in feature_layers(self) if not -layers - 1 <= i <= layers]
        if wrong:
            yield f"vision_feature_layer must lie in [{-layers - 1}, {layers}], got {wrong}"
        if "embed_tokens" not in parts.declare(self.text_config):
            yield f"text_config must be of a decoder with embed_tokens, got {self.text_config.model_type!r}"


def feature_layers(c) -> tuple[int, ...]:
    layers = c.vision_feature_layer
    return (layers,) if isinstance(layers, int) else layers


# ------------------------------------------------------------------------------------------------------ declarations


def Projector(c):
    d, bias = c.text_config.hidden_size, c.multimodal_projector_bias
    width = c.vision_config.hidden_size * len(feature_layers(c))
    return {"linear_1": Linear(width, d, "embed mlp", bias), "linear_2": Linear(d, d, "mlp embed", bias)}


def Model(c):
    return {
        "vision_tower": parts.declare(c.vision_config),
        "multi_modal_projector": Projector(c),
        "language_model": {"model": parts.declare(c.text_config)},
    }


def ConditionalGeneration(c):
    p, text = Model(c), c.text_config
    if not text.tie_word_embeddings:
        p["language_model"]["lm_head"] = Linear(text.hidden_size, text.vocab_size, "embed vocab", bias=False)
    return p


def ties(c):
    """The names that newer programs have in memory, which some files hold."""
    tied = {}
    for name in flatten(ConditionalGeneration(c)):
        now = name.replace("language_model.model.", "language_model.", 1)
        tied[f"model.{now}"] = name
    if c.text_config.tie_word_embeddings:
        tied["language_model.lm_head.weight"] = "language_model.model.embed_tokens.weight"
        return tied | {"lm_head.weight": "language_model.model.embed_tokens.weight"}
    del tied["model.language_model.lm_head.weight"]
    return tied | {"lm_head.weight": "language_model.lm_head.weight"}


# ------------------------------------------------------------------------------------------------------ functions


def image_features(p, c, pixel_values, vision_feature_layer=None, vision_feature_select_strategy=None, key=None):
    """Features [I, T, D] of images [I, C, H, W], as wide as the decoder: T take the places of as many image tokens.

    They are hidden states of the image model's layers `vision_feature_layer` side by side, without the class token
    unless `vision_feature_select_strategy` is "full"; both as the config says if not given.
    """
    layers = feature_layers(c) if vision_feature_layer is None else (vision_feature_layer,)
    strategy = vision_feature_select_strategy or c.vision_feature_select_strategy
    if strategy not in c.allowed["vision_feature_select_strategy"]:
        raise InputError("llava", [f"vision_feature_select_strategy must be 'default' or 'full', got {strategy!r}"])
    given = {"pixel_values": pixel_values, "output_hidden_states": True, "key": key}
    out = parts.call(parts.bare(c.vision_config), p["vision_tower"], c.vision_config, **given)
    x = jnp.concatenate([out.hidden_states[i] for i in layers], -1)
    x = x if strategy == "full" else x[:, 1:]
    projector = p["multi_modal_projector"]
    return linear(projector["linear_2"], nn.activation(c.projector_hidden_act, linear(projector["linear_1"], x)))


@functools.cache
def tokens_per_image(c, shape: tuple[int, ...]) -> int:
    """How many tokens an image takes, for images of a shape [I, C, H, W]."""
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    return jax.eval_shape(lambda p, x: image_features(p, c, x), abstract(Model(c)), images).shape[1]


def images(c, input_ids, pixel_values) -> np.ndarray:
    """int [B]: how many images the tokens [B, S] of each row stand for."""
    each = tokens_per_image(c, tuple(np.shape(pixel_values)))
    counts = (input_ids == c.image_token_index).sum(-1)
    if (counts % each).any():
        problem = (
            f"input_ids must hold {each} image tokens ({c.image_token_index}) an image, got {counts.tolist()} a row"
        )
        raise InputError("llava", [problem])
    return counts // each


def place(x, where, features):
    """x [B, S, D] with the rows of features [N, D] in the places that are true in `where` [B, S], in their order."""
    at = jnp.cumsum(where.reshape(-1)).reshape(where.shape) - 1
    return jnp.where(where[..., None], jnp.take(features, at, axis=0, mode="clip").astype(x.dtype), x)


def model(
    p,
    c,
    input_ids=None,
    pixel_values=None,
    attention_mask=None,
    position_ids=None,
    past_key_values=None,
    inputs_embeds=None,
    vision_feature_layer=None,
    vision_feature_select_strategy=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The decoder over text and images. input_ids int [B, S] (or inputs_embeds [B, S, D]); the mask is 1 at tokens.

    Features of the images [I, C, H, W] stand, row after row, where input_ids hold the config's `image_token_index`. To
    decode step by step pass `past_key_values`, a cache; images are given with their tokens only. `key` switches
    dropout on.
    """
    k_vision, k_text = nn.split(key, 2)
    text = p["language_model"]["model"]
    x = nn.heads.embeddings("llava", input_ids, inputs_embeds, lambda ids: embed(text["embed_tokens"], ids))
    features = None
    if pixel_values is not None:
        how = vision_feature_layer, vision_feature_select_strategy
        features = image_features(p, c, pixel_values, *how, k_vision)
        features = features.reshape(-1, features.shape[-1])
        if input_ids is None:
            where = (x == embed(text["embed_tokens"], c.image_token_index)).all(-1)
        else:
            where = input_ids == c.image_token_index
        x = place(x, where, features)
    given = {"attention_mask": attention_mask, "position_ids": position_ids, "past_key_values": past_key_values}
    given |= {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions, "key": k_text}
    out = parts.call(parts.bare(c.text_config), text, c.text_config, inputs_embeds=x, **given)
    return Output(out, image_hidden_states=features)


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    """Scores [B, S, V] of every word after hidden states x [B, S, D]."""
    inner = p["language_model"]
    return linear({"weight": inner.get("lm_head", inner["model"]["embed_tokens"])["weight"]}, x)


@extends(model)
def conditional_generation(p, c, *, labels=None, logits_to_keep=0, **inputs):
    """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` positions are scored (0: all)."""
    out = model(p, c, **inputs)
    said = nn.heads.causal_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)
    return Output(said, image_hidden_states=out.image_hidden_states)


def cache(c, batch, length, dtype, stacked, ring=True):
    return parts.cache(c.text_config, batch, length, dtype, stacked, ring)


HEADS = {
    "LlavaModel": Head(Model, model, cache, images=images),
    "LlavaForConditionalGeneration": Head(
        ConditionalGeneration, conditional_generation, cache, ties, words=words, images=images
    ),
}
