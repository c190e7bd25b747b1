"""ESM: a pre-layer-norm encoder of proteins, an amino acid a token, with rotary or learned positions.

Papers: https://doi.org/10.1126/science.ade2574 (ESM-2), https://doi.org/10.1073/pnas.2016239118 (ESM-1b). Serves ESM1,
ESM-2 from 8M to 15B, Nucleotide Transformer and every checkpoint of model type "esm" that does not fold.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models import encoder_heads
from jaxformers.models.text.roberta import LMHead, lm_head
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "esm"
POSITIONS = ("absolute", "rotary", "relative_key", "relative_key_query")
MASKED = 0.15 * 0.8  # share of tokens that were masks in training


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="esm"):
    vocab_size: int | None = None
    mask_token_id: int | None = None
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 1026
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    position_embedding_type: str = "absolute"
    use_cache: bool = True
    emb_layer_norm_before: bool | None = None
    token_dropout: bool = False
    is_folding_model: bool = False
    esmfold_config: Any = None
    vocab_list: Any = None

    allowed = {
        "position_embedding_type": POSITIONS,
        "is_folding_model": (False,),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
    }
    rope_theta: ClassVar[float] = 10000.0
    rope_scaling: ClassVar[None] = None

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    def check(self):
        if self.vocab_size is None:
            yield "vocab_size must be given: checkpoints of this type have alphabets of different sizes"
        if self.position_embedding_type == "absolute" and self.pad_token_id is None:
            yield "pad_token_id must be given with absolute positions, which count from it"
        if self.token_dropout and self.mask_token_id is None:
            yield "mask_token_id must be given with token_dropout"
        yield from self.multiple("hidden_size", "num_attention_heads")


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    own = {n: Linear(d, d, "embed heads") for n in ("query", "key", "value")}
    if c.position_embedding_type.startswith("relative"):
        own["distance_embedding"] = Embedding(2 * c.max_position_embeddings - 1, c.head_dim, "- -")
    return {
        "attention": {"self": own, "output": {"dense": Linear(d, d, "heads embed")}, "LayerNorm": LayerNorm(d)},
        "intermediate": {"dense": Linear(d, f)},
        "output": {"dense": Linear(f, d, "mlp embed")},
        "LayerNorm": LayerNorm(d),
    }


def Embeddings(c):
    table = Embedding(c.max_position_embeddings, c.hidden_size, "- embed")
    return {
        "word_embeddings": Embedding(c.vocab_size, c.hidden_size),
        **({"layer_norm": LayerNorm(c.hidden_size)} if c.emb_layer_norm_before else {}),
        **({"position_embeddings": table} if c.position_embedding_type == "absolute" else {}),
    }


def Model(c, pooler: bool = True):
    d = c.hidden_size
    return {
        "embeddings": Embeddings(c),
        "encoder": {
            "layer": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
            "emb_layer_norm_after": LayerNorm(d),
        },
        **({"pooler": {"dense": Linear(d, d, "embed -")}} if pooler else {}),
        "contact_head": {"regression": Linear(c.num_hidden_layers * c.num_attention_heads, 1, "- -")},
    }


def Words(c):
    return {"lm_head": LMHead(c)}


def ties(c):
    return {"lm_head.decoder.weight": "esm.embeddings.word_embeddings.weight"} if c.tie_word_embeddings else {}


def buffers(c, prefix: str):
    """The rotary frequencies that files hold for every layer."""
    if c.position_embedding_type != "rotary":
        return {}
    inverse = 1 / 10000 ** (np.arange(0, c.head_dim, 2, dtype=np.float32) / c.head_dim)
    layers = (f"{prefix}encoder.layer.{i}.attention.self" for i in range(c.num_hidden_layers))
    return {f"{layer}.rotary_embeddings.inv_freq": inverse.astype(np.float32) for layer in layers}


# ------------------------------------------------------------------------------------------------------ functions


def distance_bias(p, c, q, k):
    """What the distances of queries and keys add to scores, [B, N, S, T]. https://arxiv.org/abs/1803.02155"""
    steps = jnp.arange(q.shape[1])[:, None] - jnp.arange(k.shape[1])[None, :]
    e = embed(p, jnp.clip(steps + c.max_position_embeddings - 1, 0, 2 * c.max_position_embeddings - 2))
    scores = jnp.einsum("bsnh,sth->bnst", q, e)
    if c.position_embedding_type == "relative_key_query":
        scores = scores + jnp.einsum("btnh,sth->bnst", k, e)
    return scores


def attention(p, c, x, *, turns, mask, key, weights):
    """Self-attention of x [B, S, D], whose queries are scaled before positions count. Returns (y, weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(p["self"][n], x), c.num_attention_heads) for n in ("query", "key", "value"))
    q = q * c.head_dim**-0.5
    if turns is not None:
        q, k = nn.rope.rotate(q, *turns), nn.rope.rotate(k, *turns)
    bias = distance_bias(p["self"]["distance_embedding"], c, q, k) if "distance_embedding" in p["self"] else None
    rate = c.attention_probs_dropout_prob
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, scale=1.0, rate=rate, key=k_probs, weights=weights)
    return dropout(linear(p["output"]["dense"], nn.merge_heads(h)), c.hidden_dropout_prob, k_out), probs


def layer(p, c, x, *, turns, mask, key, weights):
    k_attention, k_out = nn.split(key, 2)
    h = layer_norm(p["attention"]["LayerNorm"], x, c.layer_norm_eps)
    h, probs = attention(p["attention"], c, h, turns=turns, mask=mask, key=k_attention, weights=weights)
    x = x + h
    h = nn.gelu(linear(p["intermediate"]["dense"], layer_norm(p["LayerNorm"], x, c.layer_norm_eps)))
    return x + dropout(linear(p["output"]["dense"], h), c.hidden_dropout_prob, k_out), {"attention": probs}


def embeddings(p, c, input_ids, position_ids):
    """x [B, S, D]. With `token_dropout` masks are zeros, and the rest is scaled as if training's share were masked."""
    x = embed(p["word_embeddings"], input_ids)
    if c.token_dropout:
        masks = input_ids == c.mask_token_id
        share = masks.sum(-1) / input_ids.shape[1]
        x = jnp.where(masks[..., None], 0, x) * ((1 - MASKED) / (1 - share))[:, None, None].astype(x.dtype)
    if "position_embeddings" in p:
        if position_ids is None:
            position_ids = nn.padded_positions(input_ids, input_ids.shape[1], c.pad_token_id)
        x = x + embed(p["position_embeddings"], position_ids)
    return layer_norm(p["layer_norm"], x, c.layer_norm_eps) if "layer_norm" in p else x


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
    """The encoder. input_ids int [B, S]; attention_mask is 1 at tokens, 0 at padding. `key` switches dropout on.

    `inputs_embeds` [B, S, D] are taken as the first layer's input, as in the reference: no position is added to them.
    """
    if (input_ids is None) == (inputs_embeds is None):
        raise InputError("EsmModel", ["exactly one of input_ids and inputs_embeds must be given"])
    first = embeddings(p["embeddings"], c, input_ids, position_ids) if inputs_embeds is None else inputs_embeds
    turns = None
    if c.position_embedding_type == "rotary":
        turns = nn.rope.table(c, c.head_dim, jnp.arange(first.shape[1])[None], first.dtype)
    mask, layers = nn.mask.padding(attention_mask), p["encoder"]["layer"]

    def step(p, x, key):
        return layer(p, c, x, turns=turns, mask=mask, key=key, weights=output_attentions)

    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=key)
    x = layer_norm(p["encoder"]["emb_layer_norm_after"], x, c.layer_norm_eps)
    states = nn.hidden_states(first, ys)
    return Output(
        last_hidden_state=x,
        pooler_output=jnp.tanh(linear(p["pooler"]["dense"], x[:, 0])) if "pooler" in p else None,
        hidden_states=states and (*states[:-1], x),
        attentions=nn.collect(ys, "attention"),
    )


def predict_contacts(p, c, input_ids, attention_mask):
    """Probabilities [B, S - 2, S - 2] that two amino acids touch, of the base model's parameters.

    input_ids int [B, S] with a start and an end token (`eos_token_id`, 2 by default); attention_mask [B, S].
    """
    maps = jnp.stack(model(p, c, input_ids, attention_mask, output_attentions=True).attentions, 1)
    real = attention_mask.astype(bool) & (input_ids != (2 if c.eos_token_id is None else c.eos_token_id))
    maps = jnp.where(real[:, None, None, :, None] & real[:, None, None, None, :], maps, 0)[..., 1:-1, 1:-1]
    maps = maps.reshape(maps.shape[0], -1, *maps.shape[3:])
    maps = maps + maps.swapaxes(-1, -2)
    # The average product correction: what rows and columns as wholes explain is taken away.
    maps = maps - maps.sum(-1, keepdims=True) * maps.sum(-2, keepdims=True) / maps.sum((-1, -2), keepdims=True)
    return jax.nn.sigmoid(linear(p["contact_head"]["regression"], jnp.moveaxis(maps, 1, -1))[..., 0])


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    return lm_head(p["lm_head"], c, x, p["esm"]["embeddings"]["word_embeddings"])


def _with_buffers(head: Head, prefix: str = f"{PREFIX}.") -> Head:
    return dataclasses.replace(head, buffers=functools.partial(buffers, prefix=prefix))


_Unpooled = functools.partial(Model, pooler=False)
_first = encoder_heads.first_token("tanh", encoder_heads.hidden_rate)
_base = (_Unpooled, model, PREFIX)

HEADS = {
    "EsmModel": _with_buffers(Head(Model, model), ""),
    "EsmForMaskedLM": _with_buffers(encoder_heads.language_model(*_base, Words, words, ties)),
    "EsmForSequenceClassification": _with_buffers(encoder_heads.sequence_classifier(*_base, _first)),
    "EsmForTokenClassification": _with_buffers(encoder_heads.token_classifier(*_base, encoder_heads.hidden_rate)),
}
