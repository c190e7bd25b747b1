"""What models that forecast time series share: the config's fields and what a network reads of a series at each step.

A step's features are the lags of the scaled series, then what is the same at every step (embedded categories, real
features, the scaler's loc and scale), then time features.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.nn import Embedding, distributions, embed, scaling


@dataclasses.dataclass(frozen=True)
class Family(ModelConfig):
    """The fields of Time Series Transformer and its kin."""

    prediction_length: Any = None  # an int; there is no default
    context_length: Any = None  # an int; as long as the prediction by default
    distribution_output: str = "student_t"
    loss: str = "nll"
    input_size: int = 1
    lags_sequence: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    scaling: str | bool | None = "mean"
    num_dynamic_real_features: int = 0
    num_static_categorical_features: int = 0
    num_static_real_features: int = 0
    num_time_features: int = 0
    cardinality: tuple[int, ...] | None = None
    embedding_dimension: Any = None  # ints; by default from the cardinalities
    feature_size: int | None = None
    minimum_scale: float | None = None
    default_scale: float | None = None
    num_parallel_samples: int = 100
    d_model: int = 64
    encoder_layers: int = 2
    decoder_layers: int = 2
    encoder_attention_heads: int = 2
    decoder_attention_heads: int = 2
    encoder_ffn_dim: int = 32
    decoder_ffn_dim: int = 32
    encoder_layerdrop: float = 0.1
    decoder_layerdrop: float = 0.1
    activation_function: str = "gelu"
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    init_std: float = 0.02
    is_encoder_decoder: bool = True
    use_cache: bool = True

    synonyms = {
        "hidden_size": "d_model",
        "num_attention_heads": "encoder_attention_heads",
        "num_hidden_layers": "encoder_layers",
    }
    allowed = {
        "activation_function": nn.ACTIVATION_NAMES,
        "distribution_output": tuple(distributions.DISTRIBUTIONS),
        "loss": ("nll",),
        "scaling": ("mean", "std", True, False, None),
    }

    def check(self):
        if not self.prediction_length or self.prediction_length < 1:
            yield f"prediction_length must be set to at least 1, got {self.prediction_length}"
            return
        self.default(context_length=self.prediction_length, minimum_scale=1e-5 if self.scaling == "std" else 1e-10)
        yield from self.multiple("d_model", "encoder_attention_heads", "decoder_attention_heads")
        if not self.lags_sequence or min(self.lags_sequence) < 0:
            yield f"lags_sequence must hold lags of at least 0, got {self.lags_sequence}"
        if self.extra.get("scaling_dim", 1) != 1 or self.extra.get("keepdim", True) is not True:
            yield "scaling_dim and keepdim must be 1 and True"
        many, sizes = self.num_static_categorical_features, self.cardinality or ()
        if many:
            self.default(embedding_dimension=tuple(min(50, (size + 1) // 2) for size in sizes))
            if not len(sizes) == len(self.embedding_dimension) == many:
                yield f"cardinality and embedding_dimension must have num_static_categorical_features = {many} entries"
        self.default(feature_size=self.features)
        if self.feature_size != self.features:
            yield f"feature_size must be {self.features}, which the other fields imply, got {self.feature_size}"

    @property
    def features(self) -> int:
        """What a network reads at each step."""
        static = sum(self.embedding_dimension) if self.num_static_categorical_features else 0
        static += self.num_static_real_features + 2 * self.input_size
        return self.input_size * len(self.lags_sequence) + static + self.num_times

    @property
    def num_times(self) -> int:
        """Features that change with time."""
        return self.num_time_features + self.num_dynamic_real_features

    @property
    def past_length(self) -> int:
        """Values of the past that a network reads: its context, and as many more as the longest lag asks for."""
        return self.context_length + max(self.lags_sequence)

    @property
    def max_position_embeddings(self) -> int:
        return self.context_length + self.prediction_length

    @property
    def initializer_range(self) -> float:
        return self.init_std


def Embedder(c):
    """Tables of the categories, if there are any."""
    if not c.num_static_categorical_features:
        return {}
    tables = [Embedding(*size) for size in zip(c.cardinality, c.embedding_dimension, strict=True)]
    return {"embedder": {"embedders": tables}}


def lagged(c, values, steps):
    """What values [B, T, ...] were `lags_sequence` before the slots `steps` int [S]: [B, S, C * lags]."""
    found = jnp.take(values, steps[:, None] - jnp.asarray(c.lags_sequence), axis=1, mode="clip")
    found = found if found.ndim == 3 else found.swapaxes(2, 3)  # the lags of a variate side by side
    return found.reshape(*found.shape[:2], -1)


def scale_of(c, past_values, past_observed_mask):
    """(loc, scale) of each series' context, [B, 1] or [B, 1, C]."""
    observed = jnp.ones_like(past_values) if past_observed_mask is None else past_observed_mask
    context = past_values[:, -c.context_length :], observed[:, -c.context_length :]
    if c.scaling == "std":
        return scaling.std_scale(*context, c.minimum_scale)
    if c.scaling in ("mean", True):
        return scaling.mean_scale(*context, c.minimum_scale, c.default_scale)
    return scaling.no_scale(*context)


def static_features(p, c, loc, scale, categories, real):
    """What is the same at every step, [B, G]: categories int [B, .], embedded, real [B, .], loc and scale."""
    parts = [jnp.log1p(jnp.abs(loc[:, 0])), jnp.log(scale[:, 0])]
    parts = [x[:, None] for x in parts] if parts[0].ndim == 1 else parts
    if real is not None:
        parts = [real, *parts]
    if categories is not None:
        tables = p["embedder"]["embedders"]
        parts = [*(embed(table, categories[:, i]) for i, table in enumerate(tables)), *parts]
    return jnp.concatenate([x.astype(scale.dtype) for x in parts], -1)


def check_inputs(c, past_values, past_time_features, categories, real, future_values, future_time_features):
    """Raises InputError for arrays whose shapes do not fit the config or each other."""
    rows, variates = past_values.shape[0], () if c.input_size == 1 else (c.input_size,)
    wanted = {
        "past_time_features": (past_time_features, (rows, c.past_length, c.num_times)),
        "static_categorical_features": (categories, (rows, c.num_static_categorical_features)),
        "static_real_features": (real, (rows, c.num_static_real_features)),
        "future_values": (future_values, (rows, c.prediction_length, *variates)),
        "future_time_features": (future_time_features, (rows, c.prediction_length, c.num_times)),
    }
    optional = ("future_values", "future_time_features") if future_values is None else ()
    problems = [
        f"{name} must be given, of shape {list(shape)}"
        if x is None
        else f"{name} must be {list(shape)}, got {x.shape}"
        for name, (x, shape) in wanted.items()
        if (shape[-1] and name not in optional if x is None else x.shape != shape)
    ]
    if past_values.shape[1] < c.past_length or past_values.shape[2:] != variates:
        shape = [rows, c.past_length, *variates]
        problems.append(f"past_values must be {shape}, or longer, got {past_values.shape}")
    if problems:
        raise InputError(c.model_type, problems)


def inputs(
    p, c, past_values, past_time_features, past_observed_mask, categories, real, future_values, future_time_features
):
    """What a network reads of the context, and of the future if its values are given.

    Returns:
      x: float [B, context_length (+ prediction_length), feature_size].
      loc, scale: see `scale_of`.
      static: see `static_features`.
    """
    check_inputs(c, past_values, past_time_features, categories, real, future_values, future_time_features)
    loc, scale = scale_of(c, past_values, past_observed_mask)
    static = static_features(p, c, loc, scale, categories, real)
    values, times, length = past_values, past_time_features[:, max(c.lags_sequence) :], c.context_length
    if future_values is not None:
        values = jnp.concatenate([values, future_values.astype(values.dtype)], 1)
        times = jnp.concatenate([times, future_time_features], 1)
        length += c.prediction_length
    lags = lagged(c, (values - loc) / scale, values.shape[1] - length + jnp.arange(length))
    same = jnp.broadcast_to(static[:, None], (*lags.shape[:2], static.shape[-1]))
    return jnp.concatenate([x.astype(lags.dtype) for x in (lags, same, times)], -1), loc, scale, static


def weighted_mean(x, weights):
    """The mean of x by weights of its shape; what has no weight is not read, be it nan."""
    weights = weights.astype(x.dtype)
    return jnp.where(weights != 0, x * weights, 0).sum() / jnp.maximum(weights.sum(), 1)


def likelihood_loss(c, params, future_values, future_observed_mask, loc, scale):
    """Mean negative log likelihood of future_values, of those steps at which all variates were observed."""
    event = c.input_size > 1
    loss = -distributions.log_prob(c.distribution_output, params, future_values, loc, scale, event)
    if future_observed_mask is None:
        return loss.mean()
    return weighted_mean(loss, future_observed_mask.min(-1) if event else future_observed_mask)
