"""Lists of token ids as arrays of NumPy or JAX."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError

KINDS = ("np", "jax")


def check_kind(kind: Any) -> None:
    """Refuses a `return_tensors` that there is not."""
    if kind not in KINDS:
        raise InputError("tokenizer", [f"return_tensors must be None, 'np' or 'jax', got {kind!r}"])


def arrays(fields: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Numbers and rows of them as arrays, int64 of NumPy ("np") or int32 of JAX ("jax").

    Raises:
      InputError: rows differ in length, or there is no such kind.
    """
    check_kind(kind)
    made = {name: _array(name, value, kind) for name, value in fields.items()}
    if kind == "np":
        return made
    import jax.numpy as jnp

    return {name: jnp.asarray(v.astype(np.int32) if v.dtype.kind in "iub" else v) for name, v in made.items()}


def kind_of(value: Any) -> str | None:
    """ "np" or "jax" if a value, or the first of a list, is such an array."""
    first = value[0] if isinstance(value, list | tuple) and value else value
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(first, jax.Array):
        return "jax"
    return "np" if isinstance(first, np.ndarray) else None


def plain(value: Any) -> Any:
    """Arrays, and lists of them, as lists of Python's numbers."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, int | float | str) or value is None else np.asarray(value).tolist()


def _array(name: str, value: Any, kind: str) -> np.ndarray:
    """Numbers, or equally long rows of them (or of pairs)."""
    if not isinstance(value, list | tuple):
        return np.asarray(value)
    if value and isinstance(value[0], list | tuple):
        lengths = set(map(len, value))
        if len(lengths) > 1:
            rule = f"rows of {name} must be equally long for return_tensors={kind!r}"
            problem = f"{rule}, got {min(lengths)} to {max(lengths)} tokens"
            raise InputError("tokenizer", [problem], "pass padding=True, and truncation=True for a limit")
        if value[0] and isinstance(value[0][0], int):
            flat = itertools.chain.from_iterable(value)  # much faster than NumPy's own reading of nested lists
            return np.fromiter(flat, np.int64, len(value) * len(value[0])).reshape(len(value), -1)
    made = np.asarray(value)
    return made.astype(np.int64) if made.size == 0 or made.dtype.kind in "iub" else made
