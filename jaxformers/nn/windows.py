"""Layers that see different numbers of tokens back: which mask, and which kind of cache, is each layer's.

Unrolled layers get their own mask and, where they see a window, a ring of a cache. Scanned layers run as one program:
all of them keep every token and pick their mask by its number.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxformers.nn import cache as caches
from jaxformers.nn import mask as masks
from jaxformers.nn.cache import KVCache
from jaxformers.nn.fold import num_layers
from jaxformers.spec import Layers, Stack

LAYER_TYPES = ("full_attention", "sliding_attention")


def of_config(c) -> tuple[int | None, ...]:
    """How many tokens back each layer sees: `sliding_window`, None in those that `layer_types` (if any) calls full."""
    every = (c.sliding_window,) * c.num_hidden_layers
    if c.sliding_window is None:
        return every
    types = getattr(c, "layer_types", None) or ("sliding_attention",) * c.num_hidden_layers
    return tuple(w if kind == "sliding_attention" else None for w, kind in zip(every, types, strict=True))


def check(c):
    """For a config's `check`: yields what is wrong with `sliding_window` and `layer_types`."""
    if c.sliding_window is not None and c.sliding_window < 1:
        yield f"sliding_window must be at least 1 or None, got {c.sliding_window}"
    types = c.layer_types
    if len(types) != c.num_hidden_layers:
        yield f"layer_types must name one type for each of num_hidden_layers = {c.num_hidden_layers}, got {len(types)}"
    if unknown := sorted({repr(t) for t in types if t not in LAYER_TYPES}):
        yield f"layer_types must be of {', '.join(LAYER_TYPES)}, got {', '.join(unknown)}"


def cache(
    windows, batch: int, length: int, heads: int, head_dim: int, dtype, stacked: bool, ring: bool = True
) -> dict:
    """An empty `KVCache` for layers that see `windows` tokens back; with rings where the layers' form allows them."""
    rings = ring and (len(set(windows)) == 1 or not stacked)
    return KVCache(len(windows), batch, length, heads, head_dim, dtype, stacked, windows if rings else None)


def views(layers, windows, attention_mask, length: int, after):
    """What each layer attends to.

    Args:
      layers: the layers' parameters, as `nn.fold` takes them.
      windows: how many tokens back each layer sees, None for all of them.
      attention_mask, length: as for `nn.mask.decoder`.
      after: the cache after these tokens, or None.

    Returns:
      (each, see): `each` is a per-layer input for `nn.fold`; in a layer `see(its entry, its cache)` gives `mask`, for
      `nn.attend`, and `ring`, for `nn.cache.update`.
    """
    distinct = list(dict.fromkeys(windows))
    made = [masks.decoder(attention_mask, length, after, w, caches.ring(after, w)) for w in distinct]
    each, pick = kinds(layers, [distinct.index(w) for w in windows], made)
    slots = None if after is None else after["mask"].shape[1]

    def see(entry, layer) -> dict:
        held = None if layer is None else caches.slots_of(layer)
        return {"mask": pick(entry), "ring": None if held == slots else held}

    return each, see


def kinds(layers, which, made):
    """For layers of a few kinds: what each kind works with, given to each layer.

    Args:
      layers: the layers' parameters, as `nn.fold` takes them.
      which: the kind of each layer, a number in `made`.
      made: for each kind a pytree of arrays and masks, alike in all kinds.

    Returns:
      (each, pick): `each` is a per-layer input for `nn.fold`; in a layer `pick(its entry)` is what its kind works
      with. A stack's layers, which are one program, select it by number.
    """
    made = list(made)

    def pick(entry):
        if entry is None:
            return made[0]
        if not isinstance(entry, jax.Array) or entry.dtype == bool:
            return entry
        whole = (jax.tree.map(masks.array, one, is_leaf=lambda x: isinstance(x, masks.Band)) for one in made)
        return jax.tree.map(lambda *xs: jax.lax.select_n(entry, *jnp.broadcast_arrays(*xs)), *whole)

    if len(made) == 1:
        return None, pick
    if isinstance(layers, Stack):
        return jnp.asarray(which, jnp.int32), pick
    each, at = Layers(), 0
    for layer in layers:
        n = num_layers(layer) if isinstance(layer, Stack) else 0
        each.append(jnp.asarray(which[at : at + n], jnp.int32) if n else made[which[at]])
        at += n or 1
    return each, pick
