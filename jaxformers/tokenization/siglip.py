"""`SiglipTokenizer`: tells what is left of a text before it is cut.

Paper: https://arxiv.org/abs/2303.15343.
"""

from __future__ import annotations

from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats import siglip


class SiglipTokenizer(FastTokenizer):
    """A tokenizer that leaves punctuation out."""

    def remove_punctuation(self, text: str) -> str:
        """A text without the punctuation of ASCII."""
        return siglip.bare(text)

    def canonicalize_text(self, text: str, *, keep_punctuation_exact_string: str | None = None) -> str:
        """A text without punctuation, with single spaces and none at either end.

        Args:
          text: any text.
          keep_punctuation_exact_string: stays wherever it stands as it is; its marks go elsewhere.
        """
        return siglip.canonical(text, keep_punctuation_exact_string)
