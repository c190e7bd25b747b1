"""BLIP's text tower: BERT's layers without segments, which read both ways or only back, and across to an image.

Paper: https://arxiv.org/abs/2201.12086. Serves checkpoints of model type "blip_text_model" and is one half of "blip".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.text import bert
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, losses
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "bert"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="blip_text_model"):
    vocab_size: int = 30524
    hidden_size: int = 768
    encoder_hidden_size: int = 768
    intermediate_size: int = 3072
    projection_dim: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    max_position_embeddings: int = 512
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    bos_token_id: int | None = 30522
    eos_token_id: int | None = 2
    pad_token_id: int | None = 0
    sep_token_id: int | None = 102
    is_decoder: bool = True  # whether it can attend to an image; how it reads is said by each call
    use_cache: bool = True
    label_smoothing: float = 0.0

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}
    position_embedding_type: ClassVar[str] = "absolute"

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        positions = self.extra.get("position_embedding_type", "absolute")
        if positions != "absolute":
            yield f"position_embedding_type must be 'absolute', got {positions!r}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f, width = c.hidden_size, c.intermediate_size, c.encoder_hidden_size
    p = {"attention": bert.Attention(c, "absolute")}
    if c.is_decoder:
        p["crossattention"] = bert.Attention(c, "absolute")
        p["crossattention"]["self"] |= {n: Linear(width, d, "embed heads") for n in ("key", "value")}
    p["intermediate"] = {"dense": Linear(d, f)}
    return {**p, "output": {"dense": Linear(f, d, "mlp embed"), "LayerNorm": LayerNorm(d)}}


def Model(c, pooler: bool = True):
    d = c.hidden_size
    return {
        "embeddings": {
            "word_embeddings": Embedding(c.vocab_size, d),
            "position_embeddings": Embedding(c.max_position_embeddings, d, "- embed"),
            "LayerNorm": LayerNorm(d),
        },
        "encoder": {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))},
        **({"pooler": bert.Pooler(c)} if pooler else {}),
    }


def LMHead(c):
    return {"bert": Model(c, pooler=False), "cls": {"predictions": bert.Predictions(c)}}


# ------------------------------------------------------------------------------------------------------ functions


def embeddings(p, c, input_ids, inputs_embeds, position_ids, index, key):
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(p["word_embeddings"], ids))
    at = jnp.arange(x.shape[1])[None] + index if position_ids is None else position_ids
    x = layer_norm(p["LayerNorm"], x + embed(p["position_embeddings"], at), c.layer_norm_eps)
    return dropout(x, c.hidden_dropout_prob, key)


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    encoder_embeds=None,
    encoder_hidden_states=None,
    encoder_attention_mask=None,
    past_key_values=None,
    is_decoder=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The tower. input_ids int [B, S] (or inputs_embeds [B, S, D]); masks are 1 at tokens, 0 at padding.

    `encoder_embeds` [B, S, D] stand for all that comes before the layers. With `is_decoder` tokens see those before
    them only, and `past_key_values` may be a cache to decode with. It attends to `encoder_hidden_states` [B, T, E] of
    an image or a question if there are any; a cache keeps what was made of them. `key` switches dropout on.
    """
    if encoder_hidden_states is not None and not c.is_decoder:
        raise InputError(c.model_type, ["encoder_hidden_states must come with is_decoder in the config"])
    k_embed, k_layers = nn.split(key, 2)
    given = next((x for x in (encoder_embeds, inputs_embeds, input_ids) if x is not None), None)
    length = 0 if given is None else given.shape[1]
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, length)
    first = encoder_embeds
    if first is None:
        first = embeddings(p["embeddings"], c, input_ids, inputs_embeds, position_ids, index, k_embed)
    own = nn.mask.decoder(attention_mask, length, after) if is_decoder else nn.mask.padding(attention_mask)
    seen = {"memory": encoder_hidden_states, "memory_mask": nn.mask.padding(encoder_attention_mask)}
    shared = {"mask": own, **seen, "index": index, "weights": output_attentions}

    def step(p, x, cache, key):
        return bert.layer(p, c, x, **shared, cache=cache, key=key)

    layers = p["encoder"]["layer"]
    x, ys = nn.fold(step, layers, first, states=output_hidden_states, cache=caches, key=k_layers)
    return Output(
        last_hidden_state=x,
        pooler_output=bert.pool(p["pooler"], x) if "pooler" in p else None,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
    )


def next_words_loss(c, logits, labels, reduction: str = "mean"):
    """The loss of next words with the config's `label_smoothing`. logits [B, S, V], labels int [B, S], -100 = ignored.

    `reduction`: "mean" over tokens, "sum", or "none" for a sum per row, [B].
    """
    if reduction not in ("mean", "sum", "none"):
        raise InputError(c.model_type, [f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}"])
    logits, labels = logits[:, :-1].astype(jnp.float32), labels[:, 1:]
    kept = labels != losses.IGNORE
    total = jax.nn.logsumexp(logits, -1)
    picked = jnp.where(jnp.arange(logits.shape[-1]) == labels[..., None], logits, 0.0).sum(-1)
    every = c.label_smoothing * logits.mean(-1)
    loss = jnp.where(kept, total - (1 - c.label_smoothing) * picked - every, 0.0)
    return loss.sum(1) if reduction == "none" else loss.sum() / (kept.sum() if reduction == "mean" else 1)


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    """Scores [B, S, V] of every word after hidden states x [B, S, D]."""
    return bert.predict(p["cls"]["predictions"], c, x, p["bert"]["embeddings"]["word_embeddings"])


@extends(model, "encoder_embeds")
def lm_head(p, c, *, labels=None, is_decoder=True, reduction="mean", **inputs):
    """Next words; labels int [B, S] are shifted here. `is_decoder`, `reduction`: see `model` and `next_words_loss`."""
    out = model(p["bert"], c, **inputs, is_decoder=is_decoder)
    logits = words(p, c, out.last_hidden_state)
    loss = None if labels is None else next_words_loss(c, logits, labels, reduction)
    return nn.heads.carry(out, loss=loss, logits=logits)


HEADS = {
    "BlipTextModel": Head(Model, model),
    "BlipTextLMHeadModel": Head(LMHead, lm_head, bert.cache, bert.ties, words=words),
}
