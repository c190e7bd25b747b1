"""Text to token ids and back: NumPy in, NumPy out, no jax. Reads the files that checkpoints ship."""

from jaxformers.tokenization.auto import AutoTokenizer
from jaxformers.tokenization.encoding import BatchEncoding, CharSpan, TokenSpan
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats import whisper

__all__ = ["AutoTokenizer", "BatchEncoding", "CharSpan", "FastTokenizer", "TokenSpan", "whisper"]
