"""Text generation: one compiled program a call. See `generate`."""

from jaxformers.generation.api import generate, stream
from jaxformers.generation.config import GenerationConfig

__all__ = ["GenerationConfig", "generate", "stream"]
