"""Attention of long texts: every token sees a window, a few global tokens see and are seen by all.

Paper: https://arxiv.org/abs/2004.05150. Both are rules over `nn.attend`: nothing of S x S is held where its kernel
works in blocks, and blocks that no window and no global token touches are not computed.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from jaxformers.nn.attention import attend
from jaxformers.nn.mask import Band


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Who sees whom in a batch of texts of S tokens.

    Args:
      real: bool [B, S], tokens that are not padding.
      spread: bool [B, S], the global tokens among them, or None where there are none.
      order: int [B, S], the tokens with the global ones first; `back` undoes it. None without global tokens.
    """

    real: Any
    spread: Any = None
    order: Any = None
    back: Any = None

    def window(self, each_side) -> Band:
        """Tokens see `each_side` tokens on each side, themselves and the global tokens."""
        at = jnp.arange(self.real.shape[1])
        also = None if self.spread is None else self.spread[:, None, None, :]
        return Band(at, at, self.real[:, None, None, :], each_side + 1, each_side, also)

    def whole(self) -> Band:
        """Queries in `order` see every token, as long as a text of the batch has a global token at that place."""
        at = jnp.arange(self.real.shape[1])
        most = self.spread.sum(1).max()
        return Band(jnp.where(at < most, at.size, -1), at, self.real[:, None, None, :])


def pattern(attention_mask, global_attention_mask, rows: int, length: int) -> Pattern:
    """From masks [B, S] that are nonzero at tokens and at global tokens; None means all and none of them."""
    real = jnp.ones((rows, length), bool) if attention_mask is None else attention_mask.astype(bool)
    if global_attention_mask is None:
        return Pattern(real)
    spread = real & global_attention_mask.astype(bool)
    order = jnp.argsort(~spread, axis=1, stable=True)
    return Pattern(real, spread, order, jnp.argsort(order, axis=1))


def rows(x, index):
    """Rows `index` [B, T] of x [B, S, ...]."""
    return jnp.take_along_axis(x, index.reshape(*index.shape, *[1] * (x.ndim - 2)), axis=1)


def windowed(seen: Pattern, q, k, v, each_side, **how):
    """What tokens read in their window and of global tokens: [B, S, N, H], and all weights if `how` asks for them.

    `how` is handed to `attend`. The rows of global tokens are `spread_out`'s to compute.
    """
    h, probs = attend(q, k, v, mask=seen.window(each_side), **how)
    return jnp.where(seen.real[:, :, None, None], h, 0), probs


def spread_out(seen: Pattern, q, k, v, h, **how):
    """`windowed`'s h with what the global tokens read of the whole text, by queries, keys and values of their own.

    q is [B, S, N, H] in the pattern's `order`, and so are the weights [B, N, S, S]; k and v are in the text's.
    """
    wide, probs = attend(q, k, v, mask=seen.whole(), **how)
    return jnp.where(seen.spread[:, :, None, None], rows(wide, seen.back), h), probs


def by_window(seen: Pattern, probs, each_side: int, columns: int):
    """`windowed`'s weights [B, N, S, S] as [B, N, S, columns + 2 * each_side + 1].

    First those of the first `columns` global tokens (none where the pattern has none), then those of the window, where
    a global token counts zero. The rows of padding and of global tokens are zero.
    """
    length = probs.shape[2]
    local, parts = seen.real, []
    if seen.spread is not None:
        local = seen.real & ~seen.spread
        first = seen.order[:, :columns]
        counted = rows(seen.spread, first)[:, None, None]
        parts = [jnp.where(counted, _columns(probs, first[:, None, None]), 0)]
    near = jnp.arange(length)[:, None] + jnp.arange(-each_side, each_side + 1)
    inside = jnp.clip(near, 0, length - 1)
    kept = (near == inside) & local[:, inside]
    parts.append(jnp.where(kept[:, None], _columns(probs, inside), 0))
    return jnp.where(local[:, None, :, None], jnp.concatenate(parts, -1), 0)


def by_global(seen: Pattern, probs, columns: int):
    """`spread_out`'s weights as [B, N, S, columns]: what the first `columns` global tokens give to each token."""
    counted = rows(seen.spread, seen.order[:, :columns])[:, None, :, None]
    return jnp.where(counted, probs[:, :, :columns], 0).swapaxes(2, 3)


def _columns(probs, at):
    """Entries `at` (int, broadcastable to [B, N, S, X]) of the rows of probs [B, N, S, S]."""
    return jnp.take_along_axis(probs, jnp.broadcast_to(at, (*probs.shape[:3], at.shape[-1])), axis=3)
