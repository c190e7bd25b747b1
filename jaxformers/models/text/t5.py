"""T5: an encoder-decoder with relative position bias, RMS norms before each sub-layer and no biases in linear maps.

Paper: https://arxiv.org/abs/1910.10683. Serves T5, T5 v1.1, T5-LM, Flan-T5, UL2, Flan-UL2, ByT5, MADLAD-400 and
every checkpoint of model type "t5"; they differ in size, in the feed-forward layer and in tying the output.
"""

from __future__ import annotations

import dataclasses
import functools

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.nn import Embedding, Linear, RelativeBias, dropout, embed, linear, relative_bias, rms_norm
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, normal, stack

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="t5"):
    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int | None = None  # None: as many as num_layers
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    classifier_dropout: float = 0.0
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: str = "relu"  # an activation, or "gated-" and an activation
    dense_act_fn: str | None = None  # the two parts of feed_forward_proj; a file's own values win over it
    is_gated_act: bool | None = None
    is_encoder_decoder: bool = True
    use_cache: bool = True
    pad_token_id: int | None = 0
    eos_token_id: int | None = 1

    synonyms = dict(
        hidden_size="d_model", num_hidden_layers="num_layers", num_attention_heads="num_heads", head_dim="d_kv"
    )
    allowed = {
        "feed_forward_proj": tuple(gate + act for gate in ("", "gated-") for act in nn.ACTIVATION_NAMES),
        "dense_act_fn": (None, *nn.ACTIVATION_NAMES),
        "is_decoder": (False,),
    }

    def check(self):
        gate, _, act = self.feed_forward_proj.rpartition("-")
        if gate and act == "gelu":  # "gated-gelu" has always meant the tanh approximation
            act = "gelu_new"
        self.default(num_decoder_layers=self.num_layers, dense_act_fn=act, is_gated_act=bool(gate))
        depths = self.num_layers, self.num_decoder_layers
        if min(depths) < 1:  # the first block holds the bias of all
            yield f"num_layers and num_decoder_layers must be at least 1, got {depths}"
        buckets, far = self.relative_attention_num_buckets, self.relative_attention_max_distance
        if buckets < 4 or far <= buckets // 2:
            yield (
                "relative_attention_num_buckets must be at least 4 and relative_attention_max_distance more than half "
                f"of it, got {buckets} and {far}"
            )
        if self.extra.get("tie_encoder_decoder"):
            yield "tie_encoder_decoder must be False, got True"


# ------------------------------------------------------------------------------------------------------ declarations


@functools.cache
def _full(value: float):
    return lambda key, shape, dtype: jnp.full(shape, value, dtype)


def Norm(c):
    return {"weight": Param((c.d_model,), "embed", _full(c.initializer_factor))}


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


def Block(c, decoder: bool, bias: bool):
    own = {"SelfAttention": Attention(c, bias), "layer_norm": Norm(c)}
    cross = [{"EncDecAttention": Attention(c), "layer_norm": Norm(c)}] if decoder else []
    return {"layer": [own, *cross, {"DenseReluDense": FeedForward(c), "layer_norm": Norm(c)}]}


def Tower(c, depth: int, decoder: bool):
    return {"block": Layers(Block(c, decoder, i == 0) for i in range(depth)), "final_layer_norm": Norm(c)}


def Encoder(c):
    return {
        "shared": Embedding(c.vocab_size, c.d_model, init=normal(c.initializer_factor)),
        "encoder": Tower(c, c.num_layers, decoder=False),
    }


def Model(c):
    return {**Encoder(c), "decoder": Tower(c, c.num_decoder_layers, decoder=True)}


def ConditionalGeneration(c):
    head = {} if c.tie_word_embeddings else {"lm_head": Dense(c, c.d_model, c.vocab_size, "embed vocab", 1.0)}
    return {**Model(c), **head}


def SequenceClassification(c):
    d, n, std = c.d_model, c.num_labels, c.d_model**-0.5
    head = {"dense": Dense(c, d, d, "embed -", std, bias=True), "out_proj": Dense(c, d, n, "embed -", std, bias=True)}
    return {"transformer": Model(c), "classification_head": head}


def TokenClassification(c):
    return {"transformer": Encoder(c), "classifier": Dense(c, c.d_model, c.num_labels, "embed -", 1.0, bias=True)}


def QuestionAnswering(c):
    return {**Model(c), "qa_outputs": Dense(c, c.d_model, c.num_labels, "embed -", c.d_model**-0.5, bias=True)}


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


def block(p, c, x, *, mask, bias, memory, memory_mask, cache, index, key, weights):
    own, *cross, last = p["layer"]
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
    x = add(feed_forward(last["DenseReluDense"], c, norm(last), k_ff), k_out[2])
    return x, {"attention": probs, "cross": crossed, "cache": cache}


def tower(p, c, x, mask, *, causal=False, index=0, caches=None, memory=None, memory_mask=None, states, weights, key):
    """All blocks over embedded tokens x [B, S, D] whose first is at slot `index`. Returns (y, ys, hidden states)."""
    blocks, length = p["block"], x.shape[1]
    slots = length if caches is None else nn.cache.slots_of(caches[0])
    # The table is in the first block, which therefore is never part of a stack.
    table = blocks[0]["layer"][0]["SelfAttention"]["relative_attention_bias"]
    far = c.relative_attention_max_distance
    bias = relative_bias(table, length, slots, max_distance=far, bidirectional=not causal, offset=index)
    common = {"mask": mask, "bias": bias, "memory": memory, "memory_mask": memory_mask, "index": index}

    def step(p, x, cache, key):
        return block(p, c, x, **common, cache=cache, key=key, weights=weights)

    k_in, k_blocks, k_out = nn.split(key, 3)
    first = dropout(x, c.dropout_rate, k_in)
    keys = nn.split_layers(k_blocks, nn.num_layers(blocks))
    x, ys = nn.fold(step, blocks, first, states=states, cache=caches, key=keys)
    x = dropout(rms_norm(p["final_layer_norm"], x, c.layer_norm_epsilon), c.dropout_rate, k_out)
    hidden = nn.hidden_states(first, ys)
    return x, ys, hidden and (*hidden[:-1], x)


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
    x = nn.heads.embeddings(f"{c.model_type} encoder", input_ids, inputs_embeds, lambda ids: embed(p["shared"], ids))
    flags = {"states": output_hidden_states, "weights": output_attentions, "key": key}
    x, ys, hidden = tower(p["encoder"], c, x, nn.mask.padding(attention_mask), **flags)
    return Output(last_hidden_state=x, hidden_states=hidden, attentions=nn.collect(ys, "attention"))


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
    x, ys, hidden = tower(p["decoder"], c, x, mask, causal=True, index=index, caches=caches, **memory, **flags)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        decoder_hidden_states=hidden,
        decoder_attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
        encoder_last_hidden_state=read.last_hidden_state,
        encoder_hidden_states=read.hidden_states,
        encoder_attentions=read.attentions,
    )


# ------------------------------------------------------------------------------------------------------ heads


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


@extends(model)
def conditional_generation(p, c, *, labels=None, **inputs):
    """The target's words. labels int [B, T], -100 = not scored; shifted right they are the decoder's default input."""
    out = model(p, c, **decoding(c, inputs, labels))
    x = out.last_hidden_state
    logits = linear(p["lm_head"], x) if "lm_head" in p else nn.unembed(p["shared"], x * c.d_model**-0.5)
    return nn.heads.masked_lm(out, logits, labels)


@extends(model, "past_key_values")
def sequence_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes (or targets) a sequence, read where the decoder sees the last end-of-sequence token.

    Every row of input_ids must hold `eos_token_id`; shifted right they are the decoder's default input.
    """
    ids = inputs.get("input_ids")
    if ids is None:
        raise InputError(
            c.model_type, ["input_ids must be given: sequences are classified at their last eos_token_id"]
        )
    k_model, k_in, k_mid = nn.split(key, 3)
    out = model(p["transformer"], c, **decoding(c, inputs, ids), key=k_model)
    last = jnp.where(ids == c.eos_token_id, jnp.arange(ids.shape[1]), 0).max(-1)
    x = dropout(out.last_hidden_state[jnp.arange(ids.shape[0]), last], c.classifier_dropout, k_in)
    x = jnp.tanh(linear(p["classification_head"]["dense"], x))
    logits = linear(p["classification_head"]["out_proj"], dropout(x, c.classifier_dropout, k_mid))
    return nn.heads.classification(out, c, logits, labels)


@extends(encoder)
def token_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes a token, by the encoder alone; labels int [B, S]."""
    k_model, k_head = nn.split(key, 2)
    out = encoder(p["transformer"], c, **inputs, key=k_model)
    x = dropout(out.last_hidden_state, c.classifier_dropout, k_head)
    return nn.heads.token_classification(out, linear(p["classifier"], x), labels)


@extends(model, "past_key_values")
def question_answering(p, c, *, start_positions=None, end_positions=None, **inputs):
    """Start and end of the answer, int [B], in what the decoder reads: input_ids shifted right unless given."""
    out = model(p, c, **decoding(c, inputs, inputs.get("input_ids")))
    return nn.heads.question_answering(
        out, linear(p["qa_outputs"], out.last_hidden_state), start_positions, end_positions
    )


def cache(c, batch, length, dtype, stacked):
    made = nn.KVCache(c.num_decoder_layers, batch, length, c.num_heads, c.d_kv, dtype)
    if stacked and c.num_decoder_layers > 2:  # as the blocks: the first by itself, the others stacked
        first, *rest = made["layers"]
        made["layers"] = Layers([first, stack(Layers(rest))])
    return made


_ties_within = functools.partial(ties, prefix=PREFIX + ".")

HEADS = {
    "T5Model": Head(Model, model, cache, ties=ties),
    "T5ForConditionalGeneration": Head(ConditionalGeneration, conditional_generation, cache, ties=ties),
    "T5EncoderModel": Head(Encoder, encoder, ties=ties),
    "T5ForSequenceClassification": Head(SequenceClassification, sequence_classification, ties=_ties_within),
    "T5ForTokenClassification": Head(TokenClassification, token_classification, ties=_ties_within),
    "T5ForQuestionAnswering": Head(QuestionAnswering, question_answering, ties=ties),
}
