"""`BatchEncoding`: what a tokenizer returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers

from jaxformers.errors import InputError


class BatchEncoding(dict):
    """What a tokenizer returns: `input_ids`, `attention_mask`, ... by name, for `model(**encoding)`.

    Fields are attributes too. `encodings` holds the `tokenizers.Encoding` of every row; an integer index gives one.
    """

    def __init__(self, fields: Mapping[str, Any], encodings: Sequence[tokenizers.Encoding] = ()):
        super().__init__(fields)
        self.encodings = list(encodings)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}; it has {', '.join(self)}") from None

    def __getitem__(self, key: str | int) -> Any:
        return self.encodings[key] if isinstance(key, int) else super().__getitem__(key)

    def tokens(self, row: int = 0) -> list[str]:
        """The tokens of a row as strings."""
        return self.encodings[row].tokens

    def word_ids(self, row: int = 0) -> list[int | None]:
        """For each token of a row the index of its word; None for special tokens."""
        return self.encodings[row].word_ids

    def sequence_ids(self, row: int = 0) -> list[int | None]:
        """For each token of a row 0 (text) or 1 (its pair); None for special tokens."""
        return self.encodings[row].sequence_ids


def arrays(fields: dict[str, Any], kind: str) -> dict[str, Any]:
    lengths = {len(row) for row in next(iter(fields.values()))}
    if len(lengths) > 1:
        problem = f"rows must be equally long for return_tensors={kind!r}, got {min(lengths)} to {max(lengths)} tokens"
        raise InputError("tokenizer", [problem], "pass padding=True, and truncation=True for a limit")
    arrays = {name: np.asarray(value, np.int64) for name, value in fields.items()}
    if kind == "np":
        return arrays
    import jax.numpy as jnp

    return {name: jnp.asarray(value.astype(np.int32)) for name, value in arrays.items()}
