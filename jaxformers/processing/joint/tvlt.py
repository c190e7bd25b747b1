"""TVLT's processor: videos and their sounds."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from jaxformers.checkpoints.files import to_write, write_atomically
from jaxformers.errors import InputError
from jaxformers.processing.audio.log_mels import Tvlt as Sound
from jaxformers.processing.features import Features
from jaxformers.processing.images import kinds
from jaxformers.processing.processors import Processor
from jaxformers.processing.settings import FILE, read


class Tvlt(Processor):
    """What prepares videos beside what prepares sound; both have their settings in one file."""

    def __init__(self, *parts: Any, sound: Sound):
        super().__init__(*parts)
        self.sound = sound

    @property
    def feature_extractor(self) -> Sound:
        return self.sound

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        audio: Any = None,
        images_mixed: Any = None,
        sampling_rate: int | None = None,
        mask_audio: bool = False,
        mask_pixel: bool = False,
        return_tensors: str | None = None,
        **options: Any,
    ) -> Features:
        """`pixel_values` and `pixel_mask`, `audio_values` and `audio_mask`; with `images_mixed` both of those too.

        Args:
          images, audio: videos, and sounds.
          images_mixed: videos of other sounds.
          mask_audio, mask_pixel: the model's, and taken so that calls are alike: it hides patches by itself.
          options: of the videos.

        Raises:
          InputError: neither videos nor sounds are given, or as both parts.
        """
        if images is None and audio is None:
            raise InputError(self.name, ["images or audio must be given"])
        fields: dict[str, Any] = {}
        if audio is not None:
            fields |= self.sound(audio, sampling_rate=sampling_rate, return_tensors=return_tensors)
        if images is not None:
            fields |= self.seen(images, return_tensors=return_tensors, **options)
        if images_mixed is not None:
            fields |= self.seen(images_mixed, is_mixed=True, return_tensors=return_tensors, **options)
        return Features(fields)

    @classmethod
    def of_directory(cls, directory: pathlib.Path, *parts: Any) -> Tvlt:
        settings = read(directory)
        known = kinds.KINDS["Tvlt"][1]
        image = kinds.make("Tvlt", {k: v for k, v in settings.items() if k in known})
        sound = Sound(**{k: v for k, v in settings.items() if k in Sound.defaults})
        return cls(None, image, *parts[2:], sound=sound)

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """As `Processor`; both parts share preprocessor_config.json."""
        paths = super().save_pretrained(to_write(directory))
        file = pathlib.Path(directory) / FILE
        text = json.dumps({**self.sound.to_dict(), **self.other.to_dict()}, indent=2, sort_keys=True) + "\n"
        write_atomically(file, text.encode())
        return (*paths, str(file))
