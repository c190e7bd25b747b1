"""Processors with calls of their own: a module for each family, with its `CASES`, beside `case`."""

from __future__ import annotations

import importlib
import pathlib
from typing import Any

FAMILIES = tuple(sorted(p.stem for p in pathlib.Path(__file__).parent.glob("[a-z]*.py") if p.stem != "case"))


def cases() -> list[tuple[str, Any]]:
    """The cases of all families, each with its family's name."""
    return [(name, case) for name in FAMILIES for case in importlib.import_module(f"processors.own.{name}").CASES]
