"""Models made of other models: nested configs of any model type, and the models that such configs describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxformers import models
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, arguments
from jaxformers.output import Output


def any_config(values: Mapping[str, Any]) -> ModelConfig:
    """A nested config, for `sub_configs`: of the `model_type` that it names.

    Raises:
      ConfigError: it names none, or one that is not known.
    """
    return models.module(values.get("model_type"), "nested config").Config.from_dict(values)  # type: ignore[arg-type]


def config_of(default: str):
    """As `any_config`, for values that may leave their `model_type` out: then it is the `default`."""
    return lambda values: any_config({"model_type": default, **values})


def missing(c: ModelConfig, *names: str):
    """For `check`: a sentence for each of the nested configs `names` that is not there."""
    return [f"{n} must be a config with a model_type, got None" for n in names if getattr(c, n) is None]


def bare(c: ModelConfig) -> Head:
    """The head that is the bare model of a nested config."""
    return models.find_head(c, models.base_head(c))[1]


def declare(c: ModelConfig) -> dict:
    """Parameters of the bare model."""
    return bare(c).declare(c)


def call(head: Head, p, c: ModelConfig, **inputs) -> Output:
    """What a nested head says of those inputs that are there.

    Raises:
      InputError: the head does not take one of them.
    """
    given = {n: x for n, x in inputs.items() if x is not None and x is not False}
    known = arguments(head.apply)
    problems = [f"{n} must not be given: the nested {c.model_type} does not read it" for n in given if n not in known]
    if problems:
        raise InputError(c.model_type, problems)
    return head.apply(p, c, **given)


def cache(c: ModelConfig, batch: int, length: int, dtype, stacked: bool, ring: bool = True) -> dict:
    """An empty cache of the bare model's; without `ring`, layers that see a window keep every token if they can."""
    make: Any = bare(c).cache
    rings = {} if ring or "ring" not in arguments(make) else {"ring": False}
    return make(c, batch, length, dtype, stacked, **rings)
