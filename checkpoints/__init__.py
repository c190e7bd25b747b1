"""Bytes on disk: the safetensors format, sharded checkpoints, atomic writes, hub look-up. Knows no model."""

from jaxformers.checkpoints.safetensors import (
    Checkpoint,
    Tensor,
    open_checkpoint,
    open_file,
    save_checkpoint,
    save_file,
)

__all__ = ["Checkpoint", "Tensor", "open_checkpoint", "open_file", "save_checkpoint", "save_file"]
