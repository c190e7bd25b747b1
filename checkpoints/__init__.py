"""Bytes on disk: the safetensors format, sharded checkpoints, atomic writes, hub look-up. Knows no model."""

from jaxformers.checkpoints.safetensors import (
    Checkpoint,
    Tensor,
    open_checkpoint,
    open_file,
    save_checkpoint,
    save_file,
)
from jaxformers.checkpoints.sharded import load_sharded, save_sharded

__all__ = [
    "Checkpoint",
    "Tensor",
    "load_sharded",
    "open_checkpoint",
    "open_file",
    "save_checkpoint",
    "save_file",
    "save_sharded",
]
