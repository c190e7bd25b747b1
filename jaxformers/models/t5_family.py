"""The encoder-decoder of T5, mT5 and Switch Transformers: blocks before norms, on positions that are distances.

A block attends to its own side, the decoder's also across to the encoder, and ends with a feed-forward layer, which
is the architecture's: `Last(config, decoder, i)` declares that of the i-th block and `last(params, config, x, key)`
computes it, with a dict of what it reports. Heads are in `models.text.t5`.
"""

from __future__ import annotations

import itertools

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.nn import Embedding, Linear, RelativeBias, dropout, embed, linear, relative_bias, rms_norm
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, constant, normal, stack


def check(c):
    """Problems of the fields that all kin have."""
    depths = c.num_layers, c.num_decoder_layers
    if min(depths) < 1:  # the first block holds the bias of all
        yield f"num_layers and num_decoder_layers must be at least 1, got {depths}"
    buckets, far = c.relative_attention_num_buckets, c.relative_attention_max_distance
    if buckets < 4 or far <= buckets // 2:
        yield (
            "relative_attention_num_buckets must be at least 4 and relative_attention_max_distance more than half "
            f"of it, got {buckets} and {far}"
        )
    if c.extra.get("tie_encoder_decoder"):
        yield "tie_encoder_decoder must be False, got True"


# ------------------------------------------------------------------------------------------------------ declarations


def Norm(c):
    return {"weight": Param((c.d_model,), "embed", constant(c.initializer_factor))}


def Dense(c, din: int, dout: int, axes: str, std: float, bias: bool = False):
    return Linear(din, dout, axes, bias, normal(c.initializer_factor * std))


def Attention(c, bias: bool = False):
    d, inner = c.d_model, c.num_heads * c.d_kv
    p = {
        "q": Dense(c, d, inner, "embed heads", (d * c.d_kv) ** -0.5),  # in place of scaling the scores
        "k": Dense(c, d, inner, "embed heads", d**-0.5),
        "v": Dense(c, d, inner, "embed heads", d**-0.5),
        "o": Dense(c, inner, d, "heads embed", inner**-0.5),
    }
    if bias:
        init = normal(c.initializer_factor * d**-0.5)
        p["relative_attention_bias"] = RelativeBias(c.relative_attention_num_buckets, c.num_heads, init)
    return p


def FeedForward(c):
    names = ("wi_0", "wi_1") if c.is_gated_act else ("wi",)
    p = {name: Dense(c, c.d_model, c.d_ff, "embed mlp", c.d_model**-0.5) for name in names}
    return {**p, "wo": Dense(c, c.d_ff, c.d_model, "mlp embed", c.d_ff**-0.5)}


def Block(c, decoder: bool, i: int, Last):
    own = {"SelfAttention": Attention(c, bias=i == 0), "layer_norm": Norm(c)}
    cross = [{"EncDecAttention": Attention(c), "layer_norm": Norm(c)}] if decoder else []
    return {"layer": [own, *cross, {**Last(c, decoder, i), "layer_norm": Norm(c)}]}


def Tower(c, depth: int, decoder: bool, Last):
    return {"block": Layers(Block(c, decoder, i, Last) for i in range(depth)), "final_layer_norm": Norm(c)}


def Encoder(c, Last):
    return {
        "shared": Embedding(c.vocab_size, c.d_model, init=normal(c.initializer_factor)),
        "encoder": Tower(c, c.num_layers, False, Last),
    }


def Model(c, Last):
    return {**Encoder(c, Last), "decoder": Tower(c, c.num_decoder_layers, True, Last)}


def ConditionalGeneration(c, Last):
    head = {} if c.tie_word_embeddings else {"lm_head": Dense(c, c.d_model, c.vocab_size, "embed vocab", 1.0)}
    return {**Model(c, Last), **head}


def ties(c, prefix: str = ""):
    """Both towers read `shared`. Files of the first T5s also hold a cross-attention bias that is never used."""
    unused = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    tied = {f"{side}.embed_tokens.weight": f"{prefix}shared.weight" for side in ("encoder", "decoder")}
    if c.tie_word_embeddings:
        tied["lm_head.weight"] = f"{prefix}shared.weight"
    tied[unused] = unused
    return {start + alias: name for alias, name in tied.items() for start in {"", prefix}}


# ------------------------------------------------------------------------------------------------------ functions


def attention(
    p, c, x, *, cross=False, memory=None, mask=None, bias=None, cache=None, index=0, key=None, weights=False
):
    """Self-attention of x [B, S, D], or attention across to `memory` [B, T, D]. Returns (y, cache, weights)."""

    def keys(x):
        return nn.split_heads(linear(p["k"], x), c.num_heads), nn.split_heads(linear(p["v"], x), c.num_heads)

    q = nn.split_heads(linear(p["q"], x), c.num_heads)
    if cross:
        cache, k, v = nn.cache.memory(cache, lambda: keys(memory))
    else:
        cache, k, v = nn.cache.update(cache, *keys(x), index)
    h, probs = nn.attend(q, k, v, mask=mask, bias=bias, scale=1.0, rate=c.dropout_rate, key=key, weights=weights)
    return linear(p["o"], nn.merge_heads(h)), cache, probs


def feed_forward(p, c, x, key):
    h = nn.activation(c.dense_act_fn, linear(p["wi_0" if c.is_gated_act else "wi"], x))
    if c.is_gated_act:
        h = h * linear(p["wi_1"], x)
    return linear(p["wo"], dropout(h, c.dropout_rate, key))


def finite(x):
    """Clips the residual stream where float16 overflows, which it does in checkpoints trained in bfloat16."""
    if x.dtype != jnp.float16:
        return x
    top = jnp.finfo(x.dtype).max
    top = jnp.where(jnp.isinf(x).any(), top - 1000, top)
    return jnp.clip(x, -top, top)


def block(p, c, x, last, *, mask, bias, memory, memory_mask, cache, index, key, weights):
    own, *cross, end = p["layer"]
    k_own, k_cross, k_ff, *k_out = nn.split(key, 6)
    crossed = None

    def norm(part):
        return rms_norm(part["layer_norm"], x, c.layer_norm_epsilon)

    def add(y, key):
        return finite(x + dropout(y, c.dropout_rate, key))

    seen = {"mask": mask, "bias": bias, "cache": cache, "index": index}
    y, cache, probs = attention(own["SelfAttention"], c, norm(own), **seen, key=k_own, weights=weights)
    x = add(y, k_out[0])
    if cross:
        seen = {"cross": True, "memory": memory, "mask": memory_mask, "cache": cache, "key": k_cross}
        y, cache, crossed = attention(cross[0]["EncDecAttention"], c, norm(cross[0]), **seen, weights=weights)
        x = add(y, k_out[1])
    y, report = last(end, c, norm(end), k_ff)
    return add(y, k_out[2]), {"attention": probs, "cross": crossed, "cache": cache, **report}


def tower(
    p, c, x, mask, last, *, causal=False, index=0, caches=None, memory=None, memory_mask=None, states, weights, key
):
    """All blocks over embedded tokens x [B, S, D] whose first is at slot `index`. Returns (y, ys, hidden states)."""
    blocks, length = p["block"], x.shape[1]
    slots = length if caches is None else nn.cache.slots_of(caches[0])
    # The table is in the first block, which therefore is never part of a stack.
    table = blocks[0]["layer"][0]["SelfAttention"]["relative_attention_bias"]
    far = c.relative_attention_max_distance
    bias = relative_bias(table, length, slots, max_distance=far, bidirectional=not causal, offset=index)
    common = {"mask": mask, "bias": bias, "memory": memory, "memory_mask": memory_mask, "index": index}

    def step(p, x, cache, key):
        return block(p, c, x, last, **common, cache=cache, key=key, weights=weights)

    k_in, k_blocks, k_out = nn.split(key, 3)
    first = dropout(x, c.dropout_rate, k_in)
    x, ys = nn.fold(step, blocks, first, states=states, cache=caches, key=k_blocks)
    x = dropout(rms_norm(p["final_layer_norm"], x, c.layer_norm_epsilon), c.dropout_rate, k_out)
    hidden = nn.hidden_states(first, ys)
    return x, ys, hidden and (*hidden[:-1], x)


def encoder(last):
    """The encoder of blocks that end with `last`."""

    def encoder(
        p,
        c,
        input_ids=None,
        attention_mask=None,
        inputs_embeds=None,
        output_hidden_states=False,
        output_attentions=False,
        key=None,
    ):
        """The encoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); the mask is 1 at tokens, 0 at padding."""
        x = nn.heads.embeddings(
            f"{c.model_type} encoder", input_ids, inputs_embeds, lambda ids: embed(p["shared"], ids)
        )
        flags = {"states": output_hidden_states, "weights": output_attentions, "key": key}
        x, ys, hidden = tower(p["encoder"], c, x, nn.mask.padding(attention_mask), last, **flags)
        return Output(
            last_hidden_state=x,
            hidden_states=hidden,
            attentions=nn.collect(ys, "attention"),
            router_probs=nn.collect(ys, "router"),
        )

    return encoder


def model(encoder, last):
    """That encoder, and a decoder of blocks that end with `last` too."""

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

        To decode step by step pass `past_key_values`, a cache. It keeps the encoder's keys and values, so that later
        calls need neither the input nor `encoder_outputs` [B, S, D], the `encoder_last_hidden_state` of an earlier
        call, but still the input's mask. `key` switches dropout on.
        """
        k_encoder, k_decoder = nn.split(key, 2)
        read = Output(last_hidden_state=encoder_outputs)
        if encoder_outputs is None and not nn.cache.has_memory(past_key_values):
            flags = output_hidden_states, output_attentions
            read = encoder(p, c, input_ids, attention_mask, inputs_embeds, *flags, k_encoder)
        x = nn.heads.embeddings(
            f"{c.model_type} decoder", decoder_input_ids, decoder_inputs_embeds, lambda ids: embed(p["shared"], ids)
        )
        index, caches, after = nn.cache.begin(past_key_values, decoder_attention_mask, x.shape[1])
        mask = nn.mask.decoder(decoder_attention_mask, x.shape[1], after)
        memory = {"memory": read.last_hidden_state, "memory_mask": nn.mask.padding(attention_mask)}
        flags = {"states": output_hidden_states, "weights": output_attentions, "key": k_decoder}
        x, ys, hidden = tower(
            p["decoder"], c, x, mask, last, causal=True, index=index, caches=caches, **memory, **flags
        )
        return Output(
            last_hidden_state=x,
            past_key_values=nn.cache.finish(after, ys),
            decoder_hidden_states=hidden,
            decoder_attentions=nn.collect(ys, "attention"),
            cross_attentions=nn.collect(ys, "cross"),
            encoder_last_hidden_state=read.last_hidden_state,
            encoder_hidden_states=read.hidden_states,
            encoder_attentions=read.attentions,
            decoder_router_logits=nn.collect(ys, "router"),
            encoder_router_logits=read.router_probs,
        )

    return model


def shift_right(c, ids):
    """What the decoder reads to write ids int [B, S]: the start token, then all but the last; -100 becomes padding."""
    if c.decoder_start_token_id is None or c.pad_token_id is None:
        problem = "decoder_start_token_id and pad_token_id must be set in the config to make the decoder's input"
        raise InputError(c.model_type, [problem], "T5's are both 0; or pass decoder_input_ids")
    start = jnp.full_like(ids[:, :1], c.decoder_start_token_id)
    shifted = jnp.concatenate([start, ids[:, :-1]], 1)
    return jnp.where(shifted == nn.losses.IGNORE, c.pad_token_id, shifted)


def decoding(c, inputs, ids):
    """`inputs` with `ids` shifted right as the decoder's input, unless they hold one already."""
    given = any(inputs.get(name) is not None for name in ("decoder_input_ids", "decoder_inputs_embeds"))
    return inputs if given or ids is None else {**inputs, "decoder_input_ids": shift_right(c, ids)}


def words(p, c, x):
    """Scores [B, T, V] of the decoder's hidden states x [B, T, D]."""
    return linear(p["lm_head"], x) if "lm_head" in p else nn.unembed(p["shared"], x * c.d_model**-0.5)


def cache(c, batch, length, dtype, stacked, kind=lambda i: None):
    """An empty cache; `kind` of a block's number tells which may be of one stack."""
    made = nn.KVCache(c.num_decoder_layers, batch, length, c.num_heads, c.d_kv, dtype)
    if stacked:  # as the blocks: the first by itself, then each run of equal ones
        runs = itertools.groupby(enumerate(made["layers"]), lambda entry: (entry[0] == 0, kind(entry[0])))
        parts = [Layers(layer for _, layer in run) for _, run in runs]
        made["layers"] = Layers(stack(part) if len(part) > 1 else part[0] for part in parts)
    return made
