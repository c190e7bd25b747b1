"""The encoder-decoder of BART, mBART, Marian, Pegasus, M2M100 and Whisper: one recipe; a config says how they differ.

Both sides read words and positions; a layer attends to its own side, the decoder's also across to the encoder, and
then comes a feed-forward layer. Heads are in `models.text.bart`.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers

OFFSET = 2  # the first rows of the learned table are never read
EPS = 1e-5


@dataclasses.dataclass(frozen=True)
class Family(ModelConfig):
    """The fields of BART and its kin, and what tells the kin apart."""

    vocab_size: int = 50265
    max_position_embeddings: int = 1024
    encoder_layers: int = 12
    encoder_ffn_dim: int = 4096
    encoder_attention_heads: int = 16
    decoder_layers: int = 12
    decoder_ffn_dim: int = 4096
    decoder_attention_heads: int = 16
    encoder_layerdrop: float = 0.0
    decoder_layerdrop: float = 0.0
    activation_function: str = "gelu"
    d_model: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    init_std: float = 0.02
    scale_embedding: bool = False
    use_cache: bool = True
    is_encoder_decoder: bool = True
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | None = 2

    synonyms = {"hidden_size": "d_model", "num_attention_heads": "encoder_attention_heads"}
    allowed = {"activation_function": nn.ACTIVATION_NAMES}

    pre_norm: ClassVar[bool] = False  # a norm before each sub-layer and one after the last, not one after each
    embedding_norm: ClassVar[bool] = True
    # "rows": learned, from the first row on; "table": fixed waves; "counted": computed waves, padding left out.
    positions: ClassVar[str] = "learned"
    key_bias: ClassVar[bool] = True
    repeats_input: ClassVar[bool] = False  # a decoder without input reads the encoder's, shifted right
    starts_with_last: ClassVar[bool] = False  # shifting right rotates a row's last token (a language) to its front
    share_encoder_decoder_embeddings: ClassVar[bool] = True

    def check(self):
        yield from self.multiple("d_model", "encoder_attention_heads", "decoder_attention_heads")
        if self.extra.get("tie_encoder_decoder"):
            yield "tie_encoder_decoder must be False, got True"

    @property
    def initializer_range(self) -> float:
        return self.init_std

    @property
    def num_hidden_layers(self) -> int:
        return self.decoder_layers


# ------------------------------------------------------------------------------------------------------ declarations


def Attention(c):
    d = c.d_model
    p = {name: Linear(d, d, "embed heads") for name in ("q_proj", "v_proj")}
    return {**p, "k_proj": Linear(d, d, "embed heads", bias=c.key_bias), "out_proj": Linear(d, d, "heads embed")}


def Layer(c, width: int, cross: bool):
    d = c.d_model
    return {
        "self_attn": Attention(c),
        "self_attn_layer_norm": LayerNorm(d),
        **({"encoder_attn": Attention(c), "encoder_attn_layer_norm": LayerNorm(d)} if cross else {}),
        "fc1": Linear(d, width),
        "fc2": Linear(width, d, "mlp embed"),
        "final_layer_norm": LayerNorm(d),
    }


def Words(c):
    return Embedding(c.vocab_size, c.d_model)


def Tower(c, side: str, words: bool = False):
    """The "encoder" or the "decoder", with the words that it reads if they are its own."""
    d, depth, width = c.d_model, getattr(c, f"{side}_layers"), getattr(c, f"{side}_ffn_dim")
    p = {"embed_tokens": Words(c)} if words else {}
    if c.positions == "learned":
        p["embed_positions"] = Embedding(c.max_position_embeddings + OFFSET, d, "- embed")
    elif c.positions == "table":
        p["embed_positions"] = nn.SinusoidTable(c.max_position_embeddings, d)
    p["layers"] = Layers(Layer(c, width, side == "decoder") for _ in range(depth))
    if c.embedding_norm:
        p["layernorm_embedding"] = LayerNorm(d)
    if c.pre_norm:
        p["layer_norm"] = LayerNorm(d)
    return p


def Model(c):
    shared = c.share_encoder_decoder_embeddings
    towers = {side: Tower(c, side, words=not shared) for side in ("encoder", "decoder")}
    return {"shared": Words(c), **towers} if shared else towers


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, heads, *, cross=False, memory=None, mask=None, cache=None, index=0, key=None, weights=False):
    """Self-attention of x [B, S, D], or attention across to `memory` [B, T, D]. Returns (y, cache, weights)."""

    def keys(x):
        return tuple(nn.split_heads(linear(p[name], x), heads) for name in ("k_proj", "v_proj"))

    q = nn.split_heads(linear(p["q_proj"], x), heads)
    if cross:
        cache, k, v = nn.cache.memory(cache, lambda: keys(memory))
    else:
        cache, k, v = nn.cache.update(cache, *keys(x), index)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["out_proj"], nn.merge_heads(h)), cache, probs


def feed_forward(p, c, x, key):
    h = dropout(nn.activation(c.activation_function, linear(p["fc1"], x)), c.activation_dropout, key)
    return linear(p["fc2"], h)


def layer(p, c, x, *, heads, mask, memory, memory_mask, cache, index, key, weights):
    k_self, k_cross, k_ff, *k_add = nn.split(key, 6)

    def before(norm):
        return layer_norm(p[norm], x, EPS) if c.pre_norm else x

    def add(norm, y, key):
        y = x + dropout(y, c.dropout, key)
        return y if c.pre_norm else layer_norm(p[norm], y, EPS)

    seen = {"mask": mask, "cache": cache, "index": index, "key": k_self, "weights": weights}
    y, cache, probs = attention(p["self_attn"], c, before("self_attn_layer_norm"), heads, **seen)
    x, crossed = add("self_attn_layer_norm", y, k_add[0]), None
    if memory is not None or nn.cache.keeps_memory(cache):
        seen = {"memory": memory, "mask": memory_mask, "cache": cache, "key": k_cross, "weights": weights}
        y, cache, crossed = attention(
            p["encoder_attn"], c, before("encoder_attn_layer_norm"), heads, cross=True, **seen
        )
        x = add("encoder_attn_layer_norm", y, k_add[1])
    x = add("final_layer_norm", feed_forward(p, c, before("final_layer_norm"), k_ff), k_add[2])
    if x.dtype == jnp.float16 and "encoder_attn" not in p:  # checkpoints trained in bfloat16 overflow here
        top = jnp.finfo(x.dtype).max - 1000
        x = jnp.clip(x, -top, top)
    return x, {"attention": probs, "cross": crossed, "cache": cache}


def words_read(p, c, side: str, ids, embeds):
    """ids int [B, S], or their embeddings [B, S, D] as given, -> [B, S, D]."""
    table = p["shared"] if "shared" in p else p[side]["embed_tokens"]
    scale = c.d_model**0.5 if c.scale_embedding else 1.0
    x = nn.heads.embeddings(f"{c.model_type} {side}", ids, embeds, lambda ids: embed(table, ids) * scale)
    # Given embeddings are scaled already, but not for these models' decoders.
    return x * scale if embeds is not None and side == "decoder" and c.positions == "table" else x


def places(p, c, ids, x, index, at=None):
    """Positions [1 or B, S, D] of tokens x [B, S, D], the first of which is at slot `index`, or all at `at` [B, S]."""
    if c.positions == "counted":
        at = nn.padded_positions(ids, x.shape[1], c.pad_token_id, index)
        return jnp.where(at[..., None] == c.pad_token_id, 0, nn.sinusoids(at, c.d_model)).astype(x.dtype)
    at = jnp.arange(x.shape[1])[None] + index if at is None else at
    if c.positions == "table":
        return jax.lax.stop_gradient(embed(p["embed_positions"], at))
    return embed(p["embed_positions"], at if c.positions == "rows" else at + OFFSET)


def tower(
    p, c, side, ids, x, *, mask, index=0, at=None, caches=None, memory=None, memory_mask=None, states, weights, key
):
    """One side over words x [B, S, D] whose first is at slot `index`. Returns (y, ys, hidden states)."""
    layers, drop = p["layers"], getattr(c, f"{side}_layerdrop")
    common = {"mask": mask, "memory": memory, "memory_mask": memory_mask, "index": index, "weights": weights}
    common["heads"] = getattr(c, f"{side}_attention_heads")

    def step(p, x, cache, key):
        k_layer, k_drop = nn.split(key, 2)
        y, said = layer(p, c, x, **common, cache=cache, key=k_layer)
        if k_drop is not None and drop > 0:  # https://arxiv.org/abs/1909.11556
            y = jnp.where(jax.random.bernoulli(k_drop, drop), x, y)
        return y, said

    k_in, k_layers = nn.split(key, 2)
    x = x + places(p, c, ids, x, index, at)
    if c.embedding_norm:
        x = layer_norm(p["layernorm_embedding"], x, EPS)
    first = x = dropout(x, c.dropout, k_in)
    x, ys = nn.fold(step, layers, x, states=states, cache=caches, key=k_layers)
    hidden = nn.hidden_states(first, ys)
    if c.pre_norm:
        x = layer_norm(p["layer_norm"], x, EPS)
        hidden = hidden and (*hidden[:-1], x)
    return x, ys, hidden


def encoder(p, c, input_ids, attention_mask, inputs_embeds, states, weights, key):
    """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); the mask is 1 at tokens, 0 at padding."""
    x = words_read(p, c, "encoder", input_ids, inputs_embeds)
    flags = {"mask": nn.mask.padding(attention_mask), "states": states, "weights": weights, "key": key}
    x, ys, hidden = tower(p["encoder"], c, "encoder", input_ids, x, **flags)
    return Output(last_hidden_state=x, hidden_states=hidden, attentions=nn.collect(ys, "attention"))


def decoder(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    encoder_hidden_states=None,
    encoder_attention_mask=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
    position_ids=None,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); masks are 1 at tokens, 0 at padding.

    It attends to `encoder_hidden_states` [B, T, D] if there are any. `past_key_values` is a cache to decode with; it
    keeps what was made of these states, so that later calls need their mask alone. Positions that are not given
    are the slots of the cache, padding included. `key` switches dropout on.
    """
    x = words_read(p, c, "decoder", input_ids, inputs_embeds)
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, x.shape[1])
    mask = nn.mask.decoder(attention_mask, x.shape[1], after)
    memory = {"memory": encoder_hidden_states, "memory_mask": nn.mask.padding(encoder_attention_mask)}
    flags = {"states": output_hidden_states, "weights": output_attentions, "key": key}
    where = {"mask": mask, "index": index, "at": position_ids, "caches": caches}
    x, ys, hidden = tower(p["decoder"], c, "decoder", input_ids, x, **where, **memory, **flags)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=hidden,
        attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
    )


def shift_right(c, ids):
    """What the decoder reads to write ids int [B, S]: a start token, then all but the last; -100 becomes padding."""
    needed = ["pad_token_id"] if c.starts_with_last else ["decoder_start_token_id", "pad_token_id"]
    missing = [f"{name} must be set in the config to make the decoder's input" for name in needed]
    missing = [text for name, text in zip(needed, missing, strict=True) if getattr(c, name) is None]
    if missing:
        raise InputError(c.model_type, missing, "or pass decoder_input_ids")
    ids = jnp.where(ids == nn.losses.IGNORE, c.pad_token_id, ids)
    if c.starts_with_last:
        last = (ids != c.pad_token_id).sum(1, keepdims=True) - 1
        start = jnp.take_along_axis(ids, last, 1)
    else:
        start = jnp.full_like(ids[:, :1], c.decoder_start_token_id)
    return jnp.concatenate([start, ids[:, :-1]], 1)


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    decoder_input_ids=None,
    decoder_attention_mask=None,
    inputs_embeds=None,
    decoder_inputs_embeds=None,
    encoder_outputs=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Encoder and decoder. Ids int [B, S] and [B, T] (or embeddings [.., D]); masks are 1 at tokens, 0 at padding.

    To decode step by step pass `past_key_values`, a cache. It keeps the encoder's keys and values, so that later calls
    need neither the input nor `encoder_outputs` [B, S, D], the `encoder_last_hidden_state` of an earlier call, but
    still the input's mask. `key` switches dropout on.
    """
    k_encoder, k_decoder = nn.split(key, 2)
    flags = output_hidden_states, output_attentions
    if c.repeats_input and decoder_input_ids is None and decoder_inputs_embeds is None and input_ids is not None:
        decoder_input_ids = shift_right(c, input_ids)
    read = Output(last_hidden_state=encoder_outputs)
    if encoder_outputs is None and not nn.cache.has_memory(past_key_values):
        read = encoder(p, c, input_ids, attention_mask, inputs_embeds, *flags, k_encoder)
    memory = read.last_hidden_state, attention_mask
    given = decoder_input_ids, decoder_attention_mask, *memory, decoder_inputs_embeds
    out = decoder(p, c, *given, past_key_values, *flags, k_decoder)
    return nn.heads.join(read, out, last_hidden_state=out.last_hidden_state)
