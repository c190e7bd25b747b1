"""Tiny configs of other model types, as parts of a config that nests them."""

from __future__ import annotations

from typing import Any

from support.case import load_cases


def nested(model_type: str, **changes: Any) -> dict[str, Any]:
    """The tiny config of a model type's own cases, with changes, of at most two layers unless they say otherwise."""
    given = {k: v for k, v in load_cases(model_type).TINY.items() if not k.startswith("output_")}
    depth = {name: 2 for name in ("num_hidden_layers", "n_layer") if name in given}
    return {**given, **depth, **changes, "model_type": model_type}
