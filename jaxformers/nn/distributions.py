"""Output distributions: a linear layer for each parameter, whose results are mapped into the parameter's domain.

A distribution is its name ("student_t", "normal", "negative_binomial") and its parameters, a tuple of arrays
[..., T] or, of several variates that are independent of each other, [..., T, C]. `loc` and `scale`, which broadcast
against them, undo a scaler: where z is distributed so, scale * z + loc is what is spoken of. Densities are float32.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy import stats
from jax.scipy.special import gammaln

from jaxformers.nn.linear import Linear, linear


@dataclasses.dataclass(frozen=True)
class Distribution:
    """What tells one from another.

    Args:
      names: of its parameters.
      domain: a linear layer's results -> parameters.
      log_prob: (values, *parameters) -> log of the density, or of the probability of whole numbers.
      mean, variance: of the parameters.
      draw: (key, shape, *parameters) -> values.
      counts: it speaks of whole numbers, which can not be scaled: its parameters are, see `parameters`.
    """

    names: tuple[str, ...]
    domain: Callable
    log_prob: Callable
    mean: Callable
    variance: Callable
    draw: Callable
    counts: bool = False


def _positive(x):
    """Smooth and above 0: (x + sqrt(x^2 + 4)) / 2, x itself for large x."""
    return (x + jnp.sqrt(jnp.square(x) + 4)) / 2


def _width(x):
    return jnp.maximum(_positive(x), jnp.finfo(x.dtype).eps)


def _count_log_prob(n, total, logits):
    """Of n successes, each of chance sigmoid(logits), before `total` failures, which need not be a whole number."""
    ways = gammaln(total + n) - gammaln(1 + n) - gammaln(total)
    return ways + total * jax.nn.log_sigmoid(-logits) + n * jax.nn.log_sigmoid(logits)


def _draw_count(key, shape, total, logits):
    """A Poisson draw whose rate is a draw of a gamma distribution."""
    k_rate, k_count = jax.random.split(key)
    rate = jax.random.gamma(k_rate, total, shape) * jnp.exp(logits)
    return jax.random.poisson(k_count, rate, shape).astype(rate.dtype)


DISTRIBUTIONS = {
    "student_t": Distribution(
        ("df", "loc", "scale"),
        lambda df, loc, scale: (2 + _positive(df), loc, _width(scale)),
        stats.t.logpdf,
        lambda df, loc, scale: loc,
        lambda df, loc, scale: jnp.square(scale) * df / (df - 2),
        lambda key, shape, df, loc, scale: loc + scale * jax.random.t(key, df, shape),
    ),
    "normal": Distribution(
        ("loc", "scale"),
        lambda loc, scale: (loc, _width(scale)),
        stats.norm.logpdf,
        lambda loc, scale: loc,
        lambda loc, scale: jnp.square(scale),
        lambda key, shape, loc, scale: loc + scale * jax.random.normal(key, shape),
    ),
    "negative_binomial": Distribution(
        ("total_count", "logits"),
        lambda total, logits: (_positive(total), logits),
        _count_log_prob,
        lambda total, logits: total * jnp.exp(logits),
        lambda total, logits: total * jnp.exp(logits) / jax.nn.sigmoid(-logits),
        _draw_count,
        counts=True,
    ),
}


def Projection(kind: str, din: int, variates: int = 1) -> dict:
    """Declares `proj`, a linear layer [variates, din] for each parameter."""
    return {"proj": [Linear(din, variates, "embed -") for _ in DISTRIBUTIONS[kind].names]}


def projection(p, kind: str, x) -> tuple:
    """x [..., D] -> the parameters [...] of one variate, or [..., C] of several."""
    raw = [linear(layer, x) for layer in p["proj"]]
    return DISTRIBUTIONS[kind].domain(*(y[..., 0] if y.shape[-1] == 1 else y for y in raw))


def parameters(kind: str, params: tuple, loc=None, scale=None) -> tuple:
    """(params, loc, scale) with a scale of counts moved into their parameters; loc and scale are then None.

    A negative binomial's rate is a gamma draw, and so is that rate times `scale`. https://arxiv.org/abs/1704.04110
    """
    if not DISTRIBUTIONS[kind].counts:
        return params, loc, scale
    total, logits = params
    return (total, logits if scale is None else logits + jnp.log(scale).astype(logits.dtype)), None, None


def _prepared(kind, params, loc, scale):
    """The distribution, then parameters, loc (0 for None) and scale (1 for None), all float32."""
    params, loc, scale = parameters(kind, tuple(x.astype(jnp.float32) for x in params), loc, scale)
    loc, scale = (jnp.asarray(d if x is None else x, jnp.float32) for x, d in ((loc, 0), (scale, 1)))
    return DISTRIBUTIONS[kind], params, loc, scale


def log_prob(kind: str, params: tuple, values, loc=None, scale=None, event: bool = False):
    """Log of the density at `values`, like them; summed over the last axis if that holds the variates of one event."""
    one, params, loc, scale = _prepared(kind, params, loc, scale)
    y = one.log_prob((values.astype(jnp.float32) - loc) / scale, *params) - jnp.log(scale)
    return y.sum(-1) if event else y


def mean(kind: str, params: tuple, loc=None, scale=None):
    """The mean, like the parameters."""
    one, params, loc, scale = _prepared(kind, params, loc, scale)
    return one.mean(*params) * scale + loc


def variance(kind: str, params: tuple, loc=None, scale=None):
    """The variance, like the parameters."""
    one, params, _, scale = _prepared(kind, params, loc, scale)
    return one.variance(*params) * jnp.square(scale)


def sample(kind: str, key, params: tuple, loc=None, scale=None, shape: tuple[int, ...] = ()):
    """Draws, `shape` of them of every distribution: float32 [*shape, ...]."""
    one, params, loc, scale = _prepared(kind, params, loc, scale)
    full = jnp.broadcast_shapes(*(x.shape for x in params), loc.shape, scale.shape)
    return one.draw(key, (*shape, *full), *params) * scale + loc
