"""`Features`: what processors return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError

KINDS = (None, "np", "jax")


class Features(dict):
    """Arrays by name (`pixel_values`, `input_features`, ...) for `model(**features)`; fields are attributes too.

    Args:
      fields: by name a list of arrays, one an image or sound.
      kind: None leaves lists as they are, "np" makes one array of each, "jax" one on the device.
      ragged: names of fields that stay lists.

    Raises:
      InputError: the arrays of a field differ in shape, and one array was asked for.
    """

    def __init__(self, fields: Mapping[str, Any], kind: str | None = None, ragged: tuple[str, ...] = ()):
        if kind not in KINDS:
            raise InputError("processor", [f"return_tensors must be None, 'np' or 'jax', got {kind!r}"])
        super().__init__({k: v if kind is None or k in ragged else _one(k, v, kind) for k, v in fields.items()})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}; it has {', '.join(self)}") from None


def _one(name: str, values: Any, kind: str) -> Any:
    shapes = {np.shape(v) for v in values}
    if len(shapes) > 1:
        listed = ", ".join(map(str, sorted(shapes)[:4]))
        problem = f"{name} must be equally large for return_tensors={kind!r}, got shapes {listed}"
        raise InputError("processor", [problem], "resize, crop or pad them to one size, or pass return_tensors=None")
    array = np.stack([np.asarray(v) for v in values]) if len(values) else np.asarray(values)
    if kind == "np":
        return array
    import jax.numpy as jnp

    return jnp.asarray(array)
