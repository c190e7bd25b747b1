"""What image processors and feature extractors have in common: settings with defaults, and their file."""

from __future__ import annotations

import copy
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from jaxformers.checkpoints.files import read_json, to_write, write_atomically
from jaxformers.errors import CheckpointError, InputError, nearest

FILE = "preprocessor_config.json"
OF_VIDEOS = "video_preprocessor_config.json"  # where newer files keep what prepares videos


class Configured:
    """An object whose settings are those of preprocessor_config.json, read as attributes.

    Args:
      settings: what is left out is as in `defaults`. Keys that the class does not know are kept for the file.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}
    name: ClassVar[str] = "processor"  # the class that files name
    kind_key: ClassVar[str] = "image_processor_type"  # under this key

    def __init__(self, **settings: Any):
        self.settings = {**copy.deepcopy(dict(self.defaults)), **settings}

    def __getattr__(self, name: str) -> Any:
        if name != "settings" and name in self.__dict__.get("settings", {}):
            return self.settings[name]
        raise AttributeError(f"{type(self).__name__} has no setting {name!r}")

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """One with other settings; those that are None stay.

        Raises:
          InputError: there is no such setting.
        """
        changes = {k: v for k, v in changes.items() if v is not None}
        unknown = [k for k in changes if k not in self.defaults]
        if unknown:
            listed = [f"unknown setting {k!r}; nearest: {', '.join(nearest(k, self.defaults, 3))}" for k in unknown]
            raise InputError(self.name, listed)
        return type(self)(**{**self.settings, **changes}) if changes else self

    def to_dict(self) -> dict[str, Any]:
        """The settings as preprocessor_config.json holds them."""
        return {**copy.deepcopy(self.settings), self.kind_key: self.name}

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes preprocessor_config.json; returns its path.

        Raises:
          CheckpointError: `directory` is a file.
        """
        folder = to_write(directory)
        text = json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"
        write_atomically(folder / FILE, text.encode())
        return (str(folder / FILE),)

    def __repr__(self) -> str:
        return f"{self.name}({json.dumps(self.settings, default=str)})"


def read(directory: pathlib.Path) -> dict[str, Any]:
    """The settings in a directory's preprocessor_config.json or, where there is none, in that of videos.

    Raises:
      CheckpointError: it is missing or damaged.
    """
    file = next((directory / name for name in (FILE, OF_VIDEOS) if (directory / name).is_file()), None)
    if file is None:
        held = ", ".join(sorted(p.name for p in directory.iterdir())[:12]) or "nothing"
        raise CheckpointError(os.fspath(directory), [f"must hold {FILE}; it holds {held}"])
    return read_json(file)


def model_type(directory: pathlib.Path) -> str | None:
    """The `model_type` that a directory's config.json names, if there is one."""
    return read_json(directory / "config.json").get("model_type")
