"""RWKV-4: a decoder without attention, whose layers keep a weighted mean of the past that fades with time.

Paper: https://arxiv.org/abs/2305.13048. Serves RWKV-4 Pile and Raven, and every checkpoint of model type "rwkv".
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models import decoder
from jaxformers.nn import Embedding, LayerNorm, Linear, embed, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, constant, stack

PREFIX = "rwkv"
EPS = 1e-5  # of the last norm
NEVER = -1e38  # the exponent of a mean of nothing


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="rwkv"):
    vocab_size: int = 50277
    context_length: int = 1024
    hidden_size: int = 4096
    num_hidden_layers: int = 32
    attention_hidden_size: int | None = None
    intermediate_size: int | None = None
    layer_norm_epsilon: float = 1e-5
    bos_token_id: int | None = 0
    eos_token_id: Any = 0
    rescale_every: int = 6
    tie_word_embeddings: bool = False
    use_cache: bool = True

    synonyms = {"max_position_embeddings": "context_length"}

    def check(self):
        self.default(attention_hidden_size=self.hidden_size, intermediate_size=4 * self.hidden_size)
        if self.hidden_size < 1:
            yield f"hidden_size must be at least 1, got {self.hidden_size}"


# ------------------------------------------------------------------------------------------------------ declarations


def Mixes(c, *names: str):
    """How much of a token, against the one before it, goes into what is made of both."""
    return {f"time_mix_{name}": Param((1, 1, c.hidden_size), "- - embed", constant(0.5)) for name in names}


def Layer(c, first: bool):
    d, a, f = c.hidden_size, c.attention_hidden_size, c.intermediate_size
    return {
        **({"pre_ln": LayerNorm(d)} if first else {}),
        "ln1": LayerNorm(d),
        "ln2": LayerNorm(d),
        "attention": {
            "time_decay": Param((a,), "heads", constant(-1.0)),
            "time_first": Param((a,), "heads", constant(0.5)),
            **Mixes(c, "key", "value", "receptance"),
            **{name: Linear(d, a, "embed heads", bias=False) for name in ("key", "value", "receptance")},
            "output": Linear(a, d, "heads embed", bias=False),
        },
        "feed_forward": {
            **Mixes(c, "key", "receptance"),
            "key": Linear(d, f, bias=False),
            "receptance": Linear(d, d, "embed -", bias=False),
            "value": Linear(f, d, "mlp embed", bias=False),
        },
    }


def Model(c):
    return {
        "embeddings": Embedding(c.vocab_size, c.hidden_size),
        "blocks": Layers(Layer(c, i == 0) for i in range(c.num_hidden_layers)),
        "ln_out": LayerNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def join(a, b):
    """Two stretches of time as one: how much it fades, and the numerator, weight and exponent of a mean."""
    (fade_a, sum_a, weight_a, top_a), (fade_b, sum_b, weight_b, top_b) = a, b
    top = jnp.maximum(top_a + fade_b, top_b)
    old, new = jnp.exp(top_a + fade_b - top), jnp.exp(top_b - top)
    return fade_a + fade_b, old * sum_a + new * sum_b, old * weight_a + new * weight_b, top


def fading_mean(p, k, v, valid, state):
    """For each token the mean of values v [B, S, A] up to it, by exp(k) that fades with time, its own by a bonus.

    An associative scan in float32, whose sums are kept relative to their largest exponent. Tokens that are not `valid`
    bool [B, S] leave no trace. `state` [B, 3, A] is what came before, or None. Returns (means, new state).
    """
    k, v = k.astype(jnp.float32), v.astype(jnp.float32)
    if state is None:
        state = empty(k.shape[0], k.shape[2])
    real = jnp.ones(k.shape[:2], bool)[..., None] if valid is None else valid[..., None]
    fade = jnp.where(real, -jnp.exp(p["time_decay"].astype(jnp.float32)), 0.0)
    steps = (
        fade,
        jnp.where(real, v, 0.0),
        jnp.broadcast_to(real, k.shape).astype(jnp.float32),
        jnp.where(real, k, NEVER),
    )
    start = (jnp.zeros_like(k[:, :1]), *(state[:, i : i + 1] for i in range(3)))
    steps = tuple(jnp.concatenate([a, jnp.broadcast_to(b, k.shape)], 1) for a, b in zip(start, steps, strict=True))
    _, total, weight, top = jax.lax.associative_scan(join, steps, axis=1)
    own = k + p["time_first"].astype(jnp.float32)
    highest = jnp.maximum(top[:, :-1], own)
    old, new = jnp.exp(top[:, :-1] - highest), jnp.exp(own - highest)
    means = (old * total[:, :-1] + new * v) / (old * weight[:, :-1] + new)
    return means, jnp.stack([total[:, -1], weight[:, -1], top[:, -1]], 1)


def shift(x, before):
    """x [B, S, D] a token later, behind `before` [B, D] or nothing."""
    first = jnp.zeros_like(x[:, :1]) if before is None else before[:, None].astype(x.dtype)
    return jnp.concatenate([first, x[:, :-1]], 1)


def mixed(p, name, x, old):
    mix = p[f"time_mix_{name}"]
    return linear(p[name], x * mix + old * (1 - mix))


def attention(p, x, valid, before, state):
    """What each token takes from the past. Returns (y, new state)."""
    old = shift(x, before)
    k, v = mixed(p, "key", x, old), mixed(p, "value", x, old)
    means, state = fading_mean(p, k, v, valid, state)
    return jax.nn.sigmoid(mixed(p, "receptance", x, old)) * means.astype(x.dtype), state


def feed_forward(p, x, before):
    old = shift(x, before)
    return jax.nn.sigmoid(mixed(p, "receptance", x, old)), jnp.square(jax.nn.relu(mixed(p, "key", x, old)))


def layer(p, c, x, *, number, valid, cache, weights):
    """A block. What it adds is halved every `rescale_every` blocks, and so is x: float16 would overflow."""
    scale = 1.0 if c.rescale_every < 1 else jnp.exp2(-(number // c.rescale_every).astype(x.dtype))

    def seen(h):
        return h if valid is None else jnp.where(valid[..., None], h, 0)

    if "pre_ln" in p:
        x = layer_norm(p["pre_ln"], x, c.layer_norm_epsilon)
    shifts, state = (None, None) if cache is None else (cache["shift"], cache["state"])
    h = seen(layer_norm(p["ln1"], x, c.layer_norm_epsilon))
    mean, state = attention(p["attention"], h, valid, None if shifts is None else shifts[:, 0], state)
    a = linear(p["attention"]["output"], mean) * scale
    x = x + a
    f = seen(layer_norm(p["ln2"], x, c.layer_norm_epsilon))
    gate, k = feed_forward(p["feed_forward"], f, None if shifts is None else shifts[:, 1])
    x = x + gate * linear(p["feed_forward"]["value"], k) * scale
    if c.rescale_every > 0:
        x = jnp.where((number + 1) % c.rescale_every == 0, x / 2, x)
    if cache is not None:
        last = jnp.stack([h[:, -1], f[:, -1]], 1).astype(cache["shift"].dtype)
        cache = {"shift": last, "state": state}
    return x, {"attention": a if weights else None, "cache": cache}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask [B, S] is 1 at tokens, else 0.

    Padding leaves no trace, unlike in the reference, which takes it for tokens. `past_key_values` is a cache to decode
    with: the layers' states, which do not grow. `attentions` are what each layer takes from the past, [B, S, D].
    `position_ids` and `key` are accepted as by other decoders and change nothing.
    """
    first = nn.heads.embeddings("RwkvModel", input_ids, inputs_embeds, lambda ids: embed(p["embeddings"], ids))
    valid = None if attention_mask is None else attention_mask.astype(bool)
    if valid is not None and valid.shape != first.shape[:2]:
        problem = (
            f"attention_mask must have the shape {list(first.shape[:2])} of the new tokens, got {list(valid.shape)}"
        )
        raise InputError("RwkvModel", [problem], "leave out what the cache has seen")
    _, caches, after = nn.cache.begin(past_key_values, valid, first.shape[1])

    def step(p, x, number, cache):
        return layer(p, c, x, number=number, valid=valid, cache=cache, weights=output_attentions)

    numbers = jnp.arange(c.num_hidden_layers)
    x, ys = nn.fold(step, p["blocks"], first, states=output_hidden_states, number=numbers, cache=caches)
    x = layer_norm(p["ln_out"], x, EPS)
    states = nn.collect(ys, "hidden")  # after each layer; as in the reference without the embeddings
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=states and (*states, x),
        attentions=nn.collect(ys, "attention"),
    )


# ------------------------------------------------------------------------------------------------------ heads


def empty(batch: int, width: int):
    """The state [B, 3, A] before the first token: a mean of nothing."""
    return jnp.stack([jnp.zeros((batch, width)), jnp.zeros((batch, width)), jnp.full((batch, width), NEVER)], 1)


def cache(c, batch, length, dtype, stacked):
    """Each layer's last two inputs and its state; `mask` of `length` slots tells the real tokens among those read."""
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32
    one = {"shift": jnp.zeros((batch, 2, c.hidden_size), dtype), "state": empty(batch, c.attention_hidden_size)}
    layers = Layers(dict(one) for _ in range(c.num_hidden_layers))
    if stacked and c.num_hidden_layers > 2:  # as the blocks: the first by itself, the others stacked
        layers = Layers([layers[0], stack(Layers(layers[1:]))])
    return {"layers": layers, "index": jnp.zeros((), jnp.int32), "mask": jnp.zeros((batch, length), bool)}


HEADS = {
    "RwkvModel": Head(Model, model, cache),
    "RwkvForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "embeddings", "head"),
}
