"""Losses of detectors that predict a set: boxes matched to the labelled ones, then scored. https://arxiv.org/abs/2005.12872

Labels have static shapes: every image of a batch has room for the same number T of boxes, and the rest is padding.

* `class_labels` int [B, T]: a class in [0, num_labels), -1 = padding;
* `boxes` float [B, T, 4]: centre x, centre y, width and height as fractions of the image's, anything at padding;
* `masks` [B, T, H, W], for segmenters: 1 inside the object, else 0.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from optax.assignment import hungarian_algorithm

from jaxformers.errors import InputError
from jaxformers.nn.dense import bilinear


def corners(boxes):
    """[..., 4] as centre x, centre y, width, height -> left, top, right, bottom."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return jnp.concatenate([centre - size / 2, centre + size / 2], -1)


def generalized_iou(a, b):
    """Of boxes [..., 4] as corners, broadcast against each other. https://arxiv.org/abs/1902.09630"""

    def area(boxes):
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])

    def between(low, high):
        width, height = jnp.moveaxis(jnp.maximum(high - low, 0), -1, 0)
        return width * height

    inner = between(jnp.maximum(a[..., :2], b[..., :2]), jnp.minimum(a[..., 2:], b[..., 2:]))
    outer = between(jnp.minimum(a[..., :2], b[..., :2]), jnp.maximum(a[..., 2:], b[..., 2:]))
    union = area(a) + area(b) - inner
    return inner / union - (outer - union) / outer


def assign(cost, valid):
    """The cheapest one-to-one match of queries and labels, exactly (the Hungarian algorithm), for every image.

    Args:
      cost: float [B, Q, T], finite.
      valid: bool [B, T]: False for padding.

    Returns:
      (query, matched): int [B, T], the query of each label, and bool [B, T]: padding has none, nor have labels that
      are too many for Q queries.
    """
    queries, labels = cost.shape[1:]
    seen = jnp.where(valid[:, None], cost, 0)
    # With a query for everyone, padding takes what nobody else wants. Else it must cost more than any change is worth.
    spread = 0.0 if labels <= queries else 1 + queries * (seen.max((1, 2)) - seen.min((1, 2)))[:, None, None]
    padding = 0.0 if labels <= queries else seen.max((1, 2), keepdims=True) + spread
    cost = jnp.where(valid[:, None], cost, padding)

    def one(cost):
        query, label = hungarian_algorithm(cost)
        return jnp.full(labels, -1, jnp.int32).at[label].set(query.astype(jnp.int32))

    query = jax.vmap(one)(jax.lax.stop_gradient(cost))
    return query, valid & (query >= 0)


class Targets(NamedTuple):
    """The labels of a batch: classes int [B, T], boxes float [B, T, 4], which are real, bool [B, T], and masks."""

    classes: Any
    boxes: Any
    valid: Any
    masks: Any = None


def targets(where: str, labels: Mapping, masks: bool = False) -> Targets:
    """Checks labels as this module describes them.

    Raises:
      InputError: a part is missing or its shape does not fit.
    """
    todo = "labels are padded arrays: class_labels [B, T] with -1 at padding, boxes [B, T, 4], masks [B, T, H, W]"
    names = ("class_labels", "boxes", *(("masks",) if masks else ()))
    if not isinstance(labels, Mapping) or any(n not in labels for n in names):
        held = list(labels) if isinstance(labels, Mapping) else type(labels).__name__
        raise InputError(where, [f"labels must be a dict of {', '.join(names)}, got {held}"], todo)
    classes, boxes = labels["class_labels"], labels["boxes"]
    if classes.ndim != 2 or boxes.shape != (*classes.shape, 4) or (masks and labels["masks"].ndim != 4):
        got = ", ".join(f"{n} {list(labels[n].shape)}" for n in names)
        raise InputError(where, [f"labels must have shapes that go together, got {got}"], todo)
    valid = classes >= 0
    # A box at padding is a whole image: any box of a size greater than 0 keeps gradients finite.
    boxes = jnp.where(valid[..., None], boxes.astype(jnp.float32), jnp.asarray([0.5, 0.5, 1.0, 1.0]))
    return Targets(classes, boxes, valid, labels["masks"] if masks else None)


def match(c, logits, boxes, wanted: Targets):
    """`assign` by the config's `class_cost`, `bbox_cost` and `giou_cost`; logits [B, Q, C], boxes [B, Q, 4]."""
    probs = jax.nn.softmax(logits, -1)
    classes = jnp.maximum(wanted.classes, 0)[:, None]
    right = jnp.take_along_axis(probs, jnp.broadcast_to(classes, (*boxes.shape[:2], classes.shape[-1])), -1)
    apart = jnp.abs(boxes[:, :, None] - wanted.boxes[:, None]).sum(-1)
    overlap = generalized_iou(corners(boxes)[:, :, None], corners(wanted.boxes)[:, None])
    return assign(c.bbox_cost * apart - c.class_cost * right - c.giou_cost * overlap, wanted.valid)


def label_loss(c, logits, wanted: Targets, query, matched):
    """Cross-entropy of every query's class; those without a box are to say "none", which weighs `eos_coefficient`."""
    none = logits.shape[-1] - 1
    at = jnp.where(matched, query, logits.shape[1])  # out of bounds: dropped
    rows = jnp.arange(logits.shape[0])[:, None]
    classes = jnp.full(logits.shape[:2], none).at[rows, at].set(wanted.classes, mode="drop")
    picked = jnp.where(jnp.arange(none + 1) == classes[..., None], logits, 0).sum(-1)
    weights = jnp.where(classes == none, c.eos_coefficient, 1.0)
    return (weights * (jax.nn.logsumexp(logits, -1) - picked)).sum() / weights.sum()


def cardinality_error(logits, wanted: Targets):
    """By how many the number of boxes is wrong on average; not a loss, it has no gradient."""
    said = (logits.argmax(-1) != logits.shape[-1] - 1).sum(1)
    return jnp.abs(said - wanted.valid.sum(1)).astype(jnp.float32).mean()


def box_losses(boxes, wanted: Targets, query, matched, count):
    """(L1, 1 - generalised IoU) of matched boxes, summed and divided by `count`."""
    boxes = jnp.take_along_axis(boxes, jnp.maximum(query, 0)[..., None], 1)
    apart = jnp.abs(boxes - wanted.boxes).sum(-1)
    overlap = generalized_iou(corners(boxes), corners(wanted.boxes))
    return tuple(jnp.where(matched, x, 0).sum() / count for x in (apart, 1 - overlap))


def mask_losses(masks, wanted: Targets, query, matched, count):
    """(focal, dice) losses of matched masks [B, Q, h, w], resized to the labels' size, summed, divided by `count`."""
    chosen = jnp.take_along_axis(masks.astype(jnp.float32), jnp.maximum(query, 0)[..., None, None], 1)
    x = bilinear(chosen[..., None], wanted.masks.shape[-2:])[..., 0]
    y = wanted.masks.astype(jnp.float32)
    focal = sigmoid_focal(x, y).mean((-2, -1))
    probs = jax.nn.sigmoid(x)
    both, each = (probs * y).sum((-2, -1)), probs.sum((-2, -1)) + y.sum((-2, -1))
    dice = 1 - (2 * both + 1) / (each + 1)
    return tuple(jnp.where(matched, x, 0).sum() / count for x in (focal, dice))


def sigmoid_focal(logits, labels, alpha: float = 0.25, gamma: float = 2.0):
    """Binary cross-entropy, less of it where the answer is nearly right. https://arxiv.org/abs/1708.02002"""
    probs = jax.nn.sigmoid(logits)
    wrong = probs * (1 - labels) + (1 - probs) * labels
    loss = (jax.nn.softplus(logits) - labels * logits) * wrong**gamma
    return loss * (alpha * labels + (1 - alpha) * (1 - labels))


def set_losses(c, logits, boxes, wanted: Targets, masks=None) -> dict:
    """`loss_ce`, `loss_bbox`, `loss_giou`, `cardinality_error` and, with masks, `loss_mask` and `loss_dice`.

    Args:
      c: a config with DETR's costs and coefficients.
      logits: float [B, Q, num_labels + 1]; the last class is "none".
      boxes: float [B, Q, 4], centre x, centre y, width and height.
      wanted: the labels.
      masks: scores float [B, Q, h, w], or None.
    """
    logits, boxes = logits.astype(jnp.float32), boxes.astype(jnp.float32)
    query, matched = match(c, logits, boxes, wanted)
    count = jnp.maximum(wanted.valid.sum(), 1).astype(jnp.float32)
    out = {"loss_ce": label_loss(c, logits, wanted, query, matched)}
    out["loss_bbox"], out["loss_giou"] = box_losses(boxes, wanted, query, matched, count)
    out["cardinality_error"] = cardinality_error(logits, wanted)
    if masks is not None:
        out["loss_mask"], out["loss_dice"] = mask_losses(masks, wanted, query, matched, count)
    return out


def total(c, losses: Mapping):
    """The sum of losses by the config's coefficients; those of earlier layers, `loss_ce_0`, count like the last's."""
    weights = {"loss_ce": 1.0} | {
        f"loss_{name}": getattr(c, f"{name}_loss_coefficient", 0.0) for name in ("bbox", "giou", "mask", "dice")
    }
    parts = [weights[k] * v for name, v in losses.items() if (k := name.rstrip("_0123456789")) in weights]
    return functools.reduce(jnp.add, parts)
