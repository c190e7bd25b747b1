"""`MyT5Tokenizer`: bytes as two hexadecimal digits each, and as they are rewritten.

Paper: https://arxiv.org/abs/2403.10691.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats.my_t5 import in_turn


class MyT5Tokenizer(FastTokenizer):
    """A tokenizer of rewritten bytes; made by `AutoTokenizer`."""

    def morphological_encode(self, indices: Sequence[str]) -> list[str]:
        """Bytes of UTF-8, such as "c3", rewritten as tokens."""
        backend: Any = self.backend
        return in_turn(backend.scheme.there, list(indices))

    def morphological_decode(self, indices: Sequence[str]) -> list[str]:
        """Tokens rewritten as bytes of UTF-8."""
        backend: Any = self.backend
        return in_turn(backend.scheme.back, list(indices))
