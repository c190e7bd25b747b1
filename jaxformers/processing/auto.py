"""`AutoImageProcessor`: from a directory or hub id to the processor that its preprocessor_config.json describes."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Any

from jaxformers.checkpoints.hub import TEXT, resolve
from jaxformers.errors import CheckpointError, InputError, nearest
from jaxformers.processing.images import kinds
from jaxformers.processing.images.processor import ImageProcessor

FILE = "preprocessor_config.json"


class AutoImageProcessor:
    """Image processors by directory or hub id."""

    @staticmethod
    def from_pretrained(path: str | os.PathLike, *, revision: str | None = None, **changes: Any) -> ImageProcessor:
        """The image processor of a checkpoint.

        Args:
          path: a directory with preprocessor_config.json, or a hub id.
          revision: branch, tag or commit on the hub.
          changes: settings to override, e.g. `size={"shortest_edge": 256}`, `do_rescale=False`.

        Raises:
          CheckpointError: no such directory or file, a damaged file, or a class that is not known.
          InputError: an unknown setting, or a value that it can not have.
        """
        directory = resolve(path, revision, TEXT)
        settings = read(directory)
        kind = _kind(directory, settings)
        held = {k: v for k, v in settings.items() if k not in ("image_processor_type", "feature_extractor_type")}
        try:
            made = kinds.make(kind, held)
        except InputError as e:
            raise CheckpointError(str(directory / FILE), list(e.problems)) from None
        return made.changed(changes)


def read(directory: pathlib.Path) -> dict[str, Any]:
    """The settings in preprocessor_config.json.

    Raises:
      CheckpointError: it is missing or damaged.
    """
    file = directory / FILE
    if not file.is_file():
        held = ", ".join(sorted(p.name for p in directory.iterdir())[:12]) or "nothing"
        raise CheckpointError(os.fspath(directory), [f"must hold {FILE}; it holds {held}"])
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise CheckpointError(str(file), [f"must hold one JSON object: {e}"]) from None
    if not isinstance(value, dict):
        raise CheckpointError(str(file), [f"must hold one JSON object, got {type(value).__name__}"])
    return value


def _kind(directory: pathlib.Path, settings: dict[str, Any]) -> str:
    """The key of `kinds.KINDS` that the files mean: by the class they name, else by the model type."""
    for key in ("image_processor_type", "feature_extractor_type"):
        name = settings.get(key)
        if isinstance(name, str):
            stem = re.sub(r"(ImageProcessor(Fast)?|FeatureExtractor|VideoProcessor)$", "", name)
            if stem in kinds.KINDS:
                return stem
            close = ", ".join(nearest(stem, kinds.KINDS, 3))
            raise CheckpointError(str(directory / FILE), [f"{key} {name!r} is not known; nearest: {close}"])
    config = directory / "config.json"
    model = json.loads(config.read_text(encoding="utf-8")).get("model_type") if config.is_file() else None
    if model not in kinds.MODELS:
        problem = f"must name image_processor_type, as config.json's model_type {model!r} does not tell it"
        raise CheckpointError(str(directory / FILE), [problem])
    return kinds.MODELS[model]
