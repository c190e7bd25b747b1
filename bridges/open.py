"""Which container a directory holds, and its tensors under canonical names."""

from __future__ import annotations

import os

from jaxformers.bridges.names import canonical
from jaxformers.checkpoints import Checkpoint, open_checkpoint


def open_weights(path: str | os.PathLike) -> Checkpoint:
    """The weights in a directory (or a single file) by canonical name, none of them read yet.

    Raises:
      CheckpointError: no weights in a known format, or a damaged file.
    """
    return canonical(open_checkpoint(path))
