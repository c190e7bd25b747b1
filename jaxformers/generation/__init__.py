"""Text generation: one compiled program a call. See `generate`."""

from jaxformers.generation.api import generate, stream
from jaxformers.generation.config import GenerationConfig
from jaxformers.generation.constraints import DisjunctiveConstraint, PhrasalConstraint
from jaxformers.generation.outputs import transition_scores
from jaxformers.generation.streaming import TextIteratorStreamer, TextStreamer

__all__ = [
    "DisjunctiveConstraint",
    "GenerationConfig",
    "PhrasalConstraint",
    "TextIteratorStreamer",
    "TextStreamer",
    "generate",
    "stream",
    "transition_scores",
]
