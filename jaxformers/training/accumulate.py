"""Gradients of a batch in parts, one after the other in one program: memory for the activations of one part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxformers.errors import InputError
from jaxformers.nn.constrain import constrain


def accumulate(loss: Callable, parts: int, dtype: Any = jnp.float32, shardings: Any = None) -> Callable:
    """`(params, batch) -> (loss, gradients)` like `jax.value_and_grad(loss)`, from `parts` equal parts of the batch.

    The result is the mean over the parts: the gradient of the whole batch where `loss` is a mean of equally many
    terms a part. Losses over real tokens, whose number differs, weigh every part alike.

    Args:
      loss: `(params, batch) -> float []`.
      parts: how many; it must divide the batch.
      dtype: of the sums; gradients come in the parameters' own dtype. float32 adds without loss; bfloat16 takes half
        the memory, and drops what is smaller than 1/256 of the sum so far.
      shardings: a tree of shardings for the sums (`plan.gradients`: under ZeRO-2 each device adds its own part).

    Raises:
      InputError: `parts` is not positive, or does not divide the batch.
    """
    if parts < 1:
        raise InputError("accumulate", [f"parts must be positive, got {parts}"])

    def placed(tree: Any) -> Any:
        return tree if shardings is None else jax.lax.with_sharding_constraint(tree, shardings)

    def run(params: Any, batch: Any) -> tuple[Any, Any]:
        if parts == 1:
            value, grads = jax.value_and_grad(loss)(params, batch)
            return value, placed(grads)
        cut = jax.tree.map(lambda x: _cut(x, parts), batch)

        def add(sums: Any, part: Any) -> tuple[Any, Any]:
            value, grads = jax.value_and_grad(loss)(params, part)
            return placed(jax.tree.map(lambda s, g: s + g.astype(s.dtype), sums, grads)), value

        zeros = placed(jax.tree.map(lambda p: jnp.zeros(p.shape, dtype), params))
        sums, values = jax.lax.scan(add, zeros, cut)
        return values.mean(), jax.tree.map(lambda s, p: (s / parts).astype(p.dtype), sums, params)

    return run


def _cut(x: Any, parts: int) -> Any:
    """[B, ...] -> [parts, B / parts, ...]: rows of a part come from everywhere, so that none changes its device."""
    if x.shape[0] % parts:
        raise InputError("accumulate", [f"parts must divide the batch of {x.shape[0]}, got {parts}"])
    x = x.reshape(x.shape[0] // parts, parts, *x.shape[1:]).swapaxes(0, 1)
    return constrain(x, "- batch" + " -" * (x.ndim - 2))
