"""Settings of tokenizer_config.json, checked; null is a class's own value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxformers.errors import CheckpointError


def flag(settings: Mapping[str, Any], name: str, usual: bool = False) -> bool:
    """A setting that is true or false.

    Raises:
      CheckpointError: it is neither.
    """
    return _of(bool, "true or false", settings, name, usual)


def word(settings: Mapping[str, Any], name: str, usual: str = "") -> str:
    """A setting that is a text.

    Raises:
      CheckpointError: it is none.
    """
    return _of(str, "a text", settings, name, usual)


def _of(kind: type, rule: str, settings: Mapping[str, Any], name: str, usual: Any) -> Any:
    value = settings.get(name)
    if value is None:
        return usual
    if not isinstance(value, kind):
        raise CheckpointError("tokenizer_config.json", [f"{name} must be {rule}, got {value!r:.60}"])
    return value
