"""`AutoImageProcessor`, `AutoFeatureExtractor`: what the preprocessor_config.json of a checkpoint describes."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from jaxformers.checkpoints.hub import TEXT, resolve
from jaxformers.errors import CheckpointError, InputError, nearest
from jaxformers.processing.audio import kinds as sounds
from jaxformers.processing.audio.extractor import FeatureExtractor
from jaxformers.processing.images import kinds as images
from jaxformers.processing.images.model_types import MODELS
from jaxformers.processing.images.processor import ImageProcessor
from jaxformers.processing.markup import MarkupLM
from jaxformers.processing.settings import FILE, model_type, read

KEYS = ("image_processor_type", "feature_extractor_type", "video_processor_type")


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

        def stem(name: str) -> str:
            return re.sub(r"(ImageProcessor(Fast)?|FeatureExtractor|VideoProcessor)$", "", name)

        return _made(path, revision, changes, stem, images.KINDS, MODELS, images.make)


class AutoFeatureExtractor:
    """Feature extractors of sounds, and processors of images, by directory or hub id."""

    @staticmethod
    def from_pretrained(
        path: str | os.PathLike, *, revision: str | None = None, **changes: Any
    ) -> FeatureExtractor | ImageProcessor | MarkupLM:
        """The feature extractor of a checkpoint of sounds; of one of images, what `AutoImageProcessor` gives.

        MarkupLM's reads web pages.

        Args:
          path: a directory with preprocessor_config.json, or a hub id.
          revision: branch, tag or commit on the hub.
          changes: settings to override, e.g. `sampling_rate=8000`, `do_normalize=False`.

        Raises:
          CheckpointError: no such directory or file, a damaged file, or a class that is not known.
          InputError: an unknown setting, or a value that it can not have.
        """
        directory = resolve(path, revision, TEXT)
        settings = read(directory)
        named = next((settings[k] for k in KEYS if isinstance(settings.get(k), str)), None)
        if named in sounds.KINDS or (named is None and model_type(directory) in sounds.MODELS):

            def make(kind: str, held: dict[str, Any]) -> FeatureExtractor:
                return sounds.KINDS[kind](**held)

            return _made(path, revision, changes, str, sounds.KINDS, sounds.MODELS, make)
        if named == MarkupLM.name or (named is None and model_type(directory) == "markuplm"):
            return MarkupLM(**{k: v for k, v in settings.items() if k not in KEYS}).changed(changes)
        return AutoImageProcessor.from_pretrained(path, revision=revision, **changes)


def _made(
    path: str | os.PathLike,
    revision: str | None,
    changes: Mapping[str, Any],
    stem: Callable[[str], str],
    known: Collection[str],
    models: Mapping[str, str],
    make: Callable[[str, dict[str, Any]], Any],
) -> Any:
    """What a directory describes.

    Args:
      stem: of the class's name, the key of `known`.
      known: kinds that there are.
      models: the kind of each model type, for files that name no class.
      make: `(kind, settings) -> processor`.
    """
    directory = resolve(path, revision, TEXT)
    settings = read(directory)
    kind = _kind(directory, settings, stem, known, models)
    try:
        made = make(kind, {k: v for k, v in settings.items() if k not in KEYS})
    except InputError as e:
        raise CheckpointError(str(directory / FILE), list(e.problems)) from None
    return made.changed(changes)


def _kind(directory: pathlib.Path, settings: Mapping[str, Any], stem, known, models) -> str:
    for key in KEYS:
        name = settings.get(key)
        if isinstance(name, str):
            if stem(name) in known:
                return stem(name)
            close = ", ".join(nearest(stem(name), known, 3))
            raise CheckpointError(str(directory / FILE), [f"{key} {name!r} is not known; nearest: {close}"])
    of_model = model_type(directory)
    if of_model not in models:
        problem = f"must name {' or '.join(KEYS)}, as config.json's model_type {of_model!r} does not tell it"
        raise CheckpointError(str(directory / FILE), [problem])
    return models[of_model]
