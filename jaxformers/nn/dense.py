"""Dense prediction: maps resized by small matrices, and the losses of one label a pixel."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers.nn.losses import cross_entropy


@functools.cache
def bilinear_weights(old: int, new: int, align_corners: bool = False) -> np.ndarray:
    """float32 [new, old]: each new sample as a mixture of its two neighbours.

    Pixel centres are aligned by halves or, with `align_corners`, the first and last ones of both sides are; nothing is
    smoothed before shrinking.
    """
    if align_corners:
        at = np.arange(new) * ((old - 1) / max(new - 1, 1))
    else:
        at = np.maximum((np.arange(new) + 0.5) * (old / new) - 0.5, 0)
    low = np.minimum(np.floor(at).astype(int), old - 1)
    out = np.zeros((new, old))
    np.add.at(out, (np.arange(new), low), 1 - (at - low))
    np.add.at(out, (np.arange(new), np.minimum(low + 1, old - 1)), at - low)
    return out.astype(np.float32)


def bilinear(x, size: tuple[int, int], align_corners: bool = False):
    """x [..., H, W, C] resized to (height, width) as `torch.nn.functional.interpolate(mode="bilinear")` does it."""
    if tuple(x.shape[-3:-1]) == tuple(size):
        return x
    rows, columns = (
        jnp.asarray(bilinear_weights(o, n, align_corners)) for o, n in zip(x.shape[-3:-1], size, strict=True)
    )
    y = jnp.einsum("ih,jw,...hwc->...ijc", rows, columns, x.astype(jnp.float32), precision=jax.lax.Precision.HIGHEST)
    return y.astype(x.dtype)


def nearest(x, size: tuple[int, int]):
    """x [..., H, W, C] resized to (height, width) as `torch.nn.functional.interpolate(mode="nearest")` does it."""
    rows, columns = (
        np.minimum(np.floor(np.arange(n, dtype=np.float32) * np.float32(o / n)).astype(int), o - 1)
        for o, n in zip(x.shape[-3:-1], size, strict=True)
    )
    return x[..., rows, :, :][..., columns, :]


def semantic_loss(logits, labels, ignore: int):
    """Mean loss of one label a pixel; the scores are first resized to the labels' size.

    Args:
      logits: float [B, h, w, num_labels]; a single one is the score of "yes" in every pixel.
      labels: int [B, H, W]: classes, or 0 and 1 when there is a single score. Pixels labelled `ignore` do not count;
        with a single score they count as right, as in the reference.
    """
    logits = bilinear(logits.astype(jnp.float32), labels.shape[-2:])
    if logits.shape[-1] > 1:
        return cross_entropy(logits, labels, ignore)
    scores, valid = logits[..., 0], (labels >= 0) & (labels != ignore)
    return jnp.where(valid, jax.nn.softplus(scores) - labels * scores, 0).mean()
