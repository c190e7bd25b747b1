"""Processors with calls of their own, and what is asked of either side's."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from images.case import digest, parts
from processors.case import FILES, Case

__all__ = ["GOLDENS", "Own", "digest", "observe"]
GOLDENS = pathlib.Path(__file__).parents[2] / "goldens" / "processors"


@dataclasses.dataclass(frozen=True)
class Own(Case):
    """A processor whose call or whose other methods are more than those of its parts.

    Args:
      calls: of a processor and a function that makes its side's arrays (torch's or NumPy's), pairs of a name and a
        result: arrays, texts and numbers, in lists and dictionaries.
      folders: tokenizers in directories of their own: their class, and files as `files` has them.
      more: further files, by name: arrays, and what JSON holds. In `other`, "{here}" stands for the directory.
      build: makes the reference's processor of a directory where its class can not read it.
    """

    calls: Callable[..., Iterator[tuple[str, Any]]] = lambda processor, array: iter(())
    folders: Mapping[str, tuple[str, Mapping[str, str]]] = dataclasses.field(default_factory=dict)
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    build: Callable[[pathlib.Path], Any] | None = None

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        super().write(directory)
        for name, (kind, files) in self.folders.items():
            folder = directory / name
            folder.mkdir(exist_ok=True)
            for file, held in files.items():
                shutil.copy(FILES / held, folder / file)
            (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
        file = directory / "preprocessor_config.json"
        file.write_text(file.read_text().replace("{here}", str(directory)))
        for name, held in self.more.items():
            (directory / name).parent.mkdir(exist_ok=True)
            if isinstance(held, np.ndarray):
                np.save(directory / name, held)
            else:
                (directory / name).write_text(json.dumps(held))
        return directory


def observe(processor: Any, case: Own, array: Callable[[Any], Any]) -> dict[str, Any]:
    """What the calls give, by name, as arrays."""
    found: dict[str, Any] = {}
    for name, result in case.calls(processor, array):
        found |= dict(parts(name, result))
    return found
