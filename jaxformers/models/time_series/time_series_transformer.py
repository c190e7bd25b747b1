"""Time Series Transformer: BART's encoder-decoder over lagged values, which tells the distribution of what follows.

Serves every checkpoint of model type "time_series_transformer". Positions are waves of a table, the encoder's from
0 on and the decoder's after them. A call with `future_values` gives the loss; `generate` forecasts:

    from jaxformers.models.time_series import time_series_transformer as tst

    model = jf.load("huggingface/time-series-transformer-tourism-monthly")
    out = tst.generate(model.params, model.config, jax.random.key(0), past_values, past_time_features,
                       future_time_features, past_observed_mask, static_categorical_features)
    out.sequences  # float [B, num_parallel_samples, prediction_length]: that many futures of each series
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp

from jaxformers import nn, spec
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import time_series_family as series
from jaxformers.models.bart_family import Tower, tower
from jaxformers.nn import Linear, distributions, linear
from jaxformers.output import Output

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(series.Family, model_type="time_series_transformer"):
    # How the towers differ from other kin of BART's.
    pre_norm = False
    embedding_norm = True
    positions = "table"
    key_bias = True


# ------------------------------------------------------------------------------------------------------ declarations


def Side(c, side: str):
    values = {"value_projection": Linear(c.feature_size, c.d_model, "- embed", bias=False)}
    return {"value_embedding": values, **Tower(c, side)}


def Model(c):
    return {**series.Embedder(c), "encoder": Side(c, "encoder"), "decoder": Side(c, "decoder")}


def Prediction(c):
    projection = distributions.Projection(c.distribution_output, c.d_model, c.input_size)
    return {"model": Model(c), "parameter_projection": projection}


# ------------------------------------------------------------------------------------------------------ functions


def embedded(p, x):
    """A step's features x [B, S, feature_size] -> [B, S, D]."""
    layer = p["value_embedding"]["value_projection"]
    return linear(layer, x.astype(layer["weight"].dtype))


def encoder(p, c, x, states=False, weights=False, key=None):
    """The encoder over the context's features x [B, S, feature_size]."""
    flags = {"mask": None, "states": states, "weights": weights, "key": key}
    x, ys, hidden = tower(p, c, "encoder", None, embedded(p, x), **flags)
    return Output(last_hidden_state=x, hidden_states=hidden, attentions=nn.collect(ys, "attention"))


def decoder(p, c, x, attention_mask, memory, past_key_values=None, states=False, weights=False, key=None):
    """The decoder over the future's features x [B, T, feature_size], the first of which is at the cache's next slot.

    `memory` [B', S, D] is what the encoder made; its rows may each serve as many of x's, side by side.
    """
    index, caches, after = nn.cache.begin(past_key_values, attention_mask, x.shape[1])
    where = {
        "mask": nn.mask.decoder(attention_mask, x.shape[1], after),
        "index": index,
        "at": c.context_length + index + jnp.arange(x.shape[1])[None],
        "caches": caches,
        "memory": memory,
    }
    x, ys, hidden = tower(p, c, "decoder", None, embedded(p, x), **where, states=states, weights=weights, key=key)
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=hidden,
        attentions=nn.collect(ys, "attention"),
        cross_attentions=nn.collect(ys, "cross"),
    )


def model(
    p,
    c,
    past_values,
    past_time_features,
    past_observed_mask=None,
    static_categorical_features=None,
    static_real_features=None,
    future_values=None,
    future_time_features=None,
    decoder_attention_mask=None,
    encoder_outputs=None,
    past_key_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Encoder over the past of a series, decoder over its future. C is left out where `input_size` is 1.

    Args:
      past_values: float [B, P, C], the last `context_length` of which are read, and what lies `lags_sequence` before
        them: P is at least `config.past_length`. Missing values are 0.
      past_time_features: float [B, config.past_length, num_time_features + num_dynamic_real_features].
      past_observed_mask: [B, P, C], 0 where a value is missing; the scaler leaves it out.
      static_categorical_features: int [B, num_static_categorical_features].
      static_real_features: float [B, num_static_real_features].
      future_values, future_time_features: the same of the `prediction_length` steps that follow. Without values the
        decoder reads one step of zeros.
      decoder_attention_mask: [B, prediction_length], 0 at steps not to attend to.
      encoder_outputs: float [B, context_length, D], the `encoder_last_hidden_state` of an earlier call.
      past_key_values: what `cache` makes; it keeps the encoder's keys and values too.
      key: switches dropout on.

    Returns:
      what the decoder and the encoder give, `loc` and `scale` [B, 1, C] of the scaler, and `static_features` [B, G].
    """
    k_encoder, k_decoder = nn.split(key, 2)
    flags = output_hidden_states, output_attentions
    told = past_observed_mask, static_categorical_features, static_real_features, future_values, future_time_features
    x, loc, scale, static = series.inputs(p, c, past_values, past_time_features, *told)
    read = Output(last_hidden_state=encoder_outputs)
    if encoder_outputs is None and not nn.cache.has_memory(past_key_values):
        read = encoder(p["encoder"], c, x[:, : c.context_length], *flags, k_encoder)
    future = jnp.zeros_like(x[:, :1]) if future_values is None else x[:, c.context_length :]
    seen = decoder_attention_mask, read.last_hidden_state, past_key_values
    out = decoder(p["decoder"], c, future, *seen, *flags, k_decoder)
    told = {"loc": loc, "scale": scale, "static_features": static}
    return nn.heads.join(read, out, last_hidden_state=out.last_hidden_state, **told)


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def prediction(p, c, *, future_values=None, future_observed_mask=None, **inputs):
    """The distribution of each future value given those before it: `params`, as `nn.distributions` takes them.

    `params` and `loss` come with future_values [B, prediction_length, C]; future_observed_mask, like them, weighs the
    steps of the loss. The scale of counts is in their `params` already.
    """
    out = model(p["model"], c, future_values=future_values, **inputs)
    loss = params = None
    if future_values is not None:
        kind = c.distribution_output
        params = distributions.projection(p["parameter_projection"], kind, out.last_hidden_state)
        params, loc, scale = distributions.parameters(kind, params, out.loc, out.scale)
        loss = series.likelihood_loss(c, params, future_values, future_observed_mask, loc, scale)
    rest = {name: out[name] for name in ("loc", "scale", "static_features")}
    return nn.heads.carry(out, loss=loss, params=params, **rest)


def cache(c, batch, length, dtype, stacked=False):
    """An empty cache of `length` future steps, to pass as `past_key_values`."""
    heads = c.decoder_attention_heads
    return nn.KVCache(c.decoder_layers, batch, length, heads, c.d_model // heads, dtype, stacked)


@functools.partial(jax.jit, static_argnames=("config", "num_parallel_samples"))
def generate(
    params,
    config,
    key,
    past_values,
    past_time_features,
    future_time_features,
    past_observed_mask=None,
    static_categorical_features=None,
    static_real_features=None,
    num_parallel_samples=None,
):
    """Draws futures of each series, step by step: one program, a `lax.scan` over steps with a cache.

    Args:
      params, config: of `TimeSeriesTransformerForPrediction`.
      key: a JAX key; with None every step is the mean of its distribution, and one future is all there is.
      past_values, ..., static_real_features: as `model` takes them.
      num_parallel_samples: futures of each series, by default as many as the config says.

    Returns:
      `Output` with `sequences` [B, num_parallel_samples, prediction_length], then `input_size` if that is above 1.

    Raises:
      InputError: arrays whose shapes do not fit the config, or a lag of 0.
    """
    c, p, kind = config, params["model"], config.distribution_output
    if min(c.lags_sequence) < 1:
        raise InputError(c.model_type, [f"lags must be at least 1 to generate, got {c.lags_sequence}"])
    n = num_parallel_samples or (1 if key is None else c.num_parallel_samples)
    told = past_observed_mask, static_categorical_features, static_real_features, None, future_time_features
    x, loc, scale, static = series.inputs(p, c, past_values, past_time_features, *told)
    memory = encoder(p["encoder"], c, x).last_hidden_state
    past, start, ahead = (past_values - loc) / scale, past_values.shape[1], c.prediction_length
    room = jnp.pad(past, ((0, 0), (0, ahead), *[(0, 0)] * (past.ndim - 2)))
    steady = jnp.broadcast_to(static[:, None], (*future_time_features.shape[:2], static.shape[-1]))
    known = jnp.concatenate([steady, future_time_features.astype(static.dtype)], -1)
    loc, scale, room, known = (jnp.repeat(x, n, 0) for x in (loc, scale, room, known))

    def step(carry, this):
        (values, caches), (i, known, key) = carry, this
        lags = series.lagged(c, values, (start + i)[None])
        x = jnp.concatenate([lags, known[:, None].astype(lags.dtype)], -1)
        out = decoder(p["decoder"], c, x, None, memory, caches)
        told = distributions.projection(params["parameter_projection"], kind, out.last_hidden_state)
        if key is None:
            drawn = distributions.mean(kind, told, loc, scale)
        else:
            drawn = distributions.sample(kind, key, told, loc, scale)
        drawn = drawn.astype(values.dtype)
        values = jax.lax.dynamic_update_slice_in_dim(values, (drawn - loc) / scale, start + i, 1)
        return (values, out.past_key_values), drawn[:, 0]

    steps = jnp.arange(ahead), known.swapaxes(0, 1), nn.split_layers(key, ahead)
    caches = cache(c, room.shape[0], ahead, memory.dtype, spec.is_stacked(params))
    # The first step leaves the encoder's keys and values in the cache, which a scan may not change the form of.
    carry, first = step((room, caches), jax.tree.map(lambda x: x[0], steps))
    _, rest = jax.lax.scan(step, carry, jax.tree.map(lambda x: x[1:], steps))
    drawn = jnp.moveaxis(jnp.concatenate([first[None], rest]), 0, 1)
    return Output(sequences=drawn.reshape(-1, n, *drawn.shape[1:]))


HEADS = {
    "TimeSeriesTransformerModel": Head(Model, model),
    "TimeSeriesTransformerForPrediction": Head(Prediction, prediction),
}
