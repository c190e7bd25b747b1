"""Reading vocabulary files, with one clear error for each that is missing or damaged."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import CheckpointError


def need(directory: pathlib.Path, *names: str) -> pathlib.Path:
    """The first of the files `names` that a directory holds."""
    for name in names:
        if (directory / name).is_file():
            return directory / name
    held = ", ".join(sorted(p.name for p in directory.iterdir())[:12]) or "nothing"
    wanted = " or ".join(("tokenizer.json", *names))
    raise CheckpointError(str(directory), [f"must hold {wanted}; it holds {held}"])


def lines(file: pathlib.Path) -> list[str]:
    """The lines of a text file in UTF-8, without their ends."""
    try:
        with file.open(encoding="utf-8", newline="\n") as f:
            return [line.rstrip("\n") for line in f]
    except (OSError, ValueError) as e:
        raise CheckpointError(str(file), [f"must be text in UTF-8: {e}"]) from None


def vocabulary(file: pathlib.Path) -> dict[str, int]:
    """`{token: id}` of a JSON file."""
    try:
        value: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise CheckpointError(str(file), [f"must hold one JSON object: {e}"]) from None
    if not isinstance(value, Mapping) or not all(type(i) is int for i in value.values()):
        raise CheckpointError(str(file), ["must hold one JSON object of token: id"])
    return dict(value)
