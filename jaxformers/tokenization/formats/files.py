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


def text(file: pathlib.Path) -> str:
    """A text file in UTF-8; whatever ends its lines is a line feed here."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as e:
        raise CheckpointError(str(file), [f"must be text in UTF-8: {e}"]) from None


def lines(file: pathlib.Path) -> list[str]:
    """The lines of a text file in UTF-8, without their ends."""
    held = text(file).split("\n")
    return held[:-1] if held[-1] == "" else held


def vocabulary(file: pathlib.Path, part: str | None = None) -> dict[str, int]:
    """`{token: id}` of a JSON file; `part`: of an entry of it, where it holds several."""
    try:
        value: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise CheckpointError(str(file), [f"must hold one JSON object: {e}"]) from None
    if part is not None:
        held = value if isinstance(value, Mapping) else {}
        if part not in held:
            raise CheckpointError(str(file), [f"must hold an entry {part!r}; it has {', '.join(sorted(held)[:12])}"])
        value = held[part]
    elif isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in value.values()):
        problem = f"must hold one JSON object of token: id; it has one for each of {', '.join(sorted(value)[:12])}"
        raise CheckpointError(str(file), [problem], "name one, e.g. by target_lang")
    if not isinstance(value, Mapping) or not all(type(i) is int and 0 <= i < 2**31 for i in value.values()):
        raise CheckpointError(str(file), ["must hold one JSON object of token: id"])
    return dict(value)
