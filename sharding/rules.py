"""Rules: which mesh axis (or axes) a logical axis of a parameter is split over."""

from __future__ import annotations

from collections.abc import Mapping

from jaxformers.errors import JaxformersError, nearest

Rules = Mapping[str, str | tuple[str, ...] | None]

_FSDP: Rules = {"embed": "fsdp", "channels": "fsdp"}
_TENSOR: Rules = {"heads": "tensor", "kv_heads": "tensor", "mlp": "tensor", "vocab": "tensor"}

PRESETS: dict[str, Rules] = {
    "replicated": {},
    "data": {},
    "fsdp": _FSDP,
    "tensor": _TENSOR,
    "fsdp+tensor": {**_FSDP, **_TENSOR},
}


def resolve(rules: str | Rules | None) -> Rules:
    """A preset by name, or a dictionary of your own as it is; None is "replicated".

    Raises:
      JaxformersError: no preset has this name.
    """
    if rules is None:
        return {}
    if isinstance(rules, str):
        if rules not in PRESETS:
            hint = ", ".join(nearest(rules, PRESETS))
            raise JaxformersError("rules", [f"must be a dictionary or a preset, got {rules!r}; presets: {hint}"])
        return PRESETS[rules]
    return rules
