"""Processors with calls of their own: a module for each family, with its `CASES`, beside `case`."""

import pathlib

FAMILIES = tuple(sorted(p.stem for p in pathlib.Path(__file__).parent.glob("[a-z]*.py") if p.stem != "case"))
