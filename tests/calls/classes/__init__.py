"""Calls that some classes have beside those of all tokenizers: a module a class, with `observe(load)`."""

import importlib
import pathlib

HERE = pathlib.Path(__file__).parent
GOLDENS = HERE.parents[1] / "goldens" / "tokenizer_calls" / "classes"
NAMES = sorted(p.stem for p in HERE.glob("*.py") if p.stem != "__init__")


def observe(name: str, load) -> dict:
    """What either side says; `load(case, **settings)` gives a tokenizer or a processor."""
    return importlib.import_module(f"calls.classes.{name}").observe(load)
