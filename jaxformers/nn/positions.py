"""Position ids that count tokens and leave padding out, as fairseq's encoders were trained with."""

from __future__ import annotations

import jax.numpy as jnp


def padded_positions(ids, length: int, pad: int, index=0):
    """Positions int [B, S] for a table whose row `pad` is padding's: tokens count from pad + 1.

    Args:
      ids: int [B, S]; None (embeddings are given) counts everything as a token.
      length: S.
      pad: id of the padding token, which is also its position.
      index: how many slots came before, int or int32 [] (a cache's index).
    """
    if ids is None:
        return jnp.arange(length)[None] + index + pad + 1
    real = (ids != pad).astype(jnp.int32)
    return (jnp.cumsum(real, 1) + index) * real + pad
