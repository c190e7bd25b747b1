"""jaxformers: the Hugging Face Transformers catalogue as pure JAX functions over checkpoint-shaped pytrees.

Names are imported on first use, so `import jaxformers` costs little more than `import jax`.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "load": "auto",
    "init": "auto",
    "save": "auto",
    "generate": "generation",
    "stream": "generation",
    "transition_scores": "generation",
    "GenerationConfig": "generation",
    "PhrasalConstraint": "generation",
    "DisjunctiveConstraint": "generation",
    "TextStreamer": "generation",
    "TextIteratorStreamer": "generation",
    "AutoConfig": "auto",
    "AutoTokenizer": "tokenization",
    "AutoFeatureExtractor": "processing",
    "AutoImageProcessor": "processing",
    "AutoProcessor": "processing",
    "load_audio": "processing",
    "load_image": "processing",
    "ModelConfig": "config",
    "Model": "model",
    "Head": "model",
    "Output": "output",
    "Param": "spec",
    "Layers": "spec",
    "Stack": "spec",
    "stack": "spec",
    "unstack": "spec",
    "update": "spec",
    "running": "context",
    "enable_compilation_cache": "cache",
    "JaxformersError": "errors",
    "ConfigError": "errors",
    "CheckpointError": "errors",
    "InputError": "errors",
}
_MODULES = (
    "auto",
    "bridges",
    "checkpoints",
    "generation",
    "models",
    "nn",
    "processing",
    "sharding",
    "spec",
    "tokenization",
)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"jaxformers.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"jaxformers.{name}")
    if name.startswith("Auto"):
        doors = importlib.import_module("jaxformers.auto").DOORS
        if name in doors:
            return doors[name]
    raise AttributeError(f"module 'jaxformers' has no attribute {name!r}")


def __dir__() -> list[str]:
    doors = importlib.import_module("jaxformers.auto").DOORS
    return sorted([*globals(), *_HOME, *_MODULES, *doors])
