"""Canonical tensor names: those that the current PyTorch reference uses, whatever the age of the checkpoint."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from jaxformers.errors import CheckpointError

T = TypeVar("T")

# Batch normalisation of these backbones is frozen, and has no batch counter.
FROZEN = re.compile(r"(^|\.)backbone\.conv_encoder\.model\.")

# Buffers that old checkpoints hold and that are functions of the config: never parameters.
INERT = re.compile(
    r"(^|\.)("
    r"position_ids|token_type_ids|"  # aranges and zeros kept by embeddings
    r"rotary_emb\.inv_freq|rotary_pos_emb\.inv_freq|rotary_embeddings\.inv_freq|"
    r"attn\.(masked_)?bias|(cross)?attention\.(masked_)?bias|"  # GPT-2's causal mask and its -1e4
    r"relative_position_index|"  # which row of a window's bias table belongs to which pair of pixels
    r"num_batches_tracked"
    r")$"
)


def is_inert(name: str, shape: tuple[int, ...] | None = None) -> bool:
    """True for a buffer that a loader drops: positions, inverse frequencies, causal masks, batch counters.

    A name ending in `attn.bias` is a mask only if it has four dimensions, or none (the masked value).
    """
    if INERT.search(name) is None:
        return False
    return not re.search(r"att(n|ention)\.(masked_)?bias$", name) or shape is None or len(shape) in (0, 4)


def canonical(tensors: Mapping[str, T]) -> dict[str, T]:
    """Tensors under canonical names: TensorFlow-era `gamma`/`beta` renamed, inert buffers dropped.

    Raises:
      CheckpointError: an old and a new name stand for the same tensor.
    """
    out: dict[str, T] = {}
    twice: list[str] = []
    for name, tensor in tensors.items():
        if not is_inert(name, getattr(tensor, "shape", None)):
            new = re.sub(r"(^|\.)gamma$", r"\1weight", re.sub(r"(^|\.)beta$", r"\1bias", name))
            if new in out:
                twice.append(f"{new} is there twice, also under its old name")
            out[new] = tensor
    if twice:
        raise CheckpointError("tensor names", twice)
    return out


def with_inert(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The buffers that PyTorch's loader insists on beside these tensors, which have a `shape`.

    A batch counter for every running mean that may move, the pairs of pixels for every bias table of a square window.
    """
    made = {}
    for name, tensor in tensors.items():
        if name.endswith(".running_mean") and not FROZEN.search(name):
            made[name.removesuffix("running_mean") + "num_batches_tracked"] = np.zeros((), np.int64)
        if name.endswith("attention.self.relative_position_bias_table"):
            window = (math.isqrt(tensor.shape[0]) + 1) // 2
            made[name.removesuffix("bias_table") + "index"] = window_pairs(window)
    return made


def window_pairs(window: int) -> np.ndarray:
    """int64 [window^2, window^2]: row of a table [(2 * window - 1)^2, heads] for each pair of a window's pixels."""
    y, x = np.divmod(np.arange(window**2), window)
    return ((y[:, None] - y + window - 1) * (2 * window - 1) + x[:, None] - x + window - 1).astype(np.int64)
