"""`Output`: what every head returns, a dict with attribute access that is also a pytree."""

from __future__ import annotations

from typing import Any

import jax


class Output(dict):
    """A head's results by name; the names are the reference library's (`logits`, `hidden_states`, ...).

    Fields that were not asked for are absent; reading one as an attribute gives None, as in the reference. Integer
    indices and slices read the fields in order, so `logits, *_ = out[:]` works.
    """

    def __init__(self, *args, **fields):
        super().__init__({k: v for k, v in dict(*args, **fields).items() if v is not None})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __getitem__(self, key):
        if isinstance(key, int | slice):
            return tuple(self.values())[key]
        return super().__getitem__(key)

    def __repr__(self) -> str:
        shapes = jax.tree.map(lambda x: f"{x.dtype}{list(x.shape)}" if hasattr(x, "dtype") else x, dict(self))
        return "Output(" + ", ".join(f"{k}={v}" for k, v in shapes.items()) + ")"


def _flatten(out):
    keys = tuple(out)
    return [(jax.tree_util.DictKey(k), dict.__getitem__(out, k)) for k in keys], keys


jax.tree_util.register_pytree_with_keys(Output, _flatten, lambda keys, values: Output(zip(keys, values, strict=True)))
