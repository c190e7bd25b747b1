"""Our side of the models in `support.modes`, filled by name."""

from __future__ import annotations

import functools

import jax.numpy as jnp

import jaxformers as jf
from jaxformers import models, spec
from support import modes
from support.fill import fill


@functools.cache
def model(name: str, stacked: bool = False) -> jf.Model:
    model_type, values, head = modes.describe(name)
    config = jf.AutoConfig.for_model(model_type, **values)
    head, found = models.find_head(config, head)
    declared = found.declare(config)
    params = spec.map_named(lambda path, p: jnp.asarray(fill(spec.names(path)[0], p.shape)), declared)
    return jf.Model(jf.stack(params) if stacked else params, config, found, head)


def start(name: str) -> dict:
    """Options that a model's config lacks."""
    return {"decoder_start_token_id": 0} if name.endswith("t5") else {}
