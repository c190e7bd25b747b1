"""Bark's processor: a text, and the voice that is to say it."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.checkpoints.files import atomic, read_json, to_write, write_atomically
from jaxformers.errors import CheckpointError, InputError
from jaxformers.processing.features import Features
from jaxformers.processing.processors import Processor

VOICES, FOLDER, REPO = "speaker_embeddings_path.json", "speaker_embeddings", "repo_or_path"
AXES = {"semantic_prompt": 1, "coarse_prompt": 2, "fine_prompt": 2}


class Bark(Processor):
    """A tokenizer, and voices: arrays of what they said before.

    speaker_embeddings_path.json holds by name the file of each array, and as `repo_or_path` the hub id to fetch files
    from that are not in the directory.
    """

    def __init__(self, *parts: Any, speaker_embeddings: Mapping[str, Any] | None = None, directory: Any = None):
        super().__init__(*parts)
        self.speaker_embeddings = dict(speaker_embeddings or {})
        self._directory = pathlib.Path(directory or "")

    @property
    def available_voice_presets(self) -> list[str]:
        """The names of voices."""
        return [name for name in self.speaker_embeddings if name != REPO]

    def __call__(  # type: ignore[override]
        self, text: Any = None, voice_preset: Any = None, return_tensors: str | None = "np", **options: Any
    ) -> Features:
        """`input_ids` and `attention_mask`, int64 [B, 256]; with a voice `history_prompt`, the arrays of it.

        Args:
          text: a text or a list.
          voice_preset: a voice's name, an .npz file, or a dictionary: `semantic_prompt` [S], `coarse_prompt` [2, S],
            `fine_prompt` [8, S].
          options: of the tokenizer's call; `max_length` is 256 by default, and special tokens are left out.

        Raises:
          InputError: there is no such voice, an array is missing or has other axes, or as the tokenizer.
        """
        usual = {"max_length": 256, "add_special_tokens": False, "return_attention_mask": True}
        fields = dict(self.read(text, return_tensors=return_tensors, **{**usual, **options}))
        if voice_preset is not None:
            fields["history_prompt"] = Features(self._voice(voice_preset), return_tensors)
        return Features(fields)

    def _voice(self, given: Any) -> dict[str, np.ndarray]:
        """The arrays of a voice."""
        if isinstance(given, str) and given in self.available_voice_presets:
            voice: Mapping[str, Any] = self._of_name(given)
        elif isinstance(given, Mapping):
            voice = given
        else:
            file = pathlib.Path(given if str(given).endswith(".npz") else f"{given}.npz")
            try:
                with np.load(file) as held:
                    voice = dict(held)
            except (OSError, ValueError) as e:
                known = ", ".join(self.available_voice_presets[:8]) or "none"
                problem = f"voice_preset must be a voice, of {known}, or an .npz file, got {given!r}: {e}"
                raise InputError(self.name, [problem]) from None
        shapes = {name: x.shape for name, x in voice.items() if isinstance(x, np.ndarray)}
        problems = [
            f"{name} of a voice must be an array of {axes} axes, got shape {shapes.get(name)}"
            for name, axes in AXES.items()
            if len(shapes.get(name, ())) != axes
        ]
        if problems:
            raise InputError(self.name, problems)
        return dict(voice)

    def _of_name(self, name: str) -> dict[str, np.ndarray]:
        files = self.speaker_embeddings[name]
        lacking = [part for part in AXES if not isinstance(files, Mapping) or not isinstance(files.get(part), str)]
        if lacking:
            raise CheckpointError(VOICES, [f"the voice {name!r} must name a file of {', '.join(lacking)}"])
        return {part: self._array(files[part]) for part in AXES}

    def _array(self, name: str) -> np.ndarray:
        """The array in a file of the directory, or else of the hub."""
        file, repo = self._directory / name, str(self.speaker_embeddings.get(REPO, ""))
        try:
            if not file.is_file() and repo and not os.path.isdir(repo):
                import huggingface_hub

                file = pathlib.Path(huggingface_hub.hf_hub_download(repo, name))
            return np.load(file)
        except Exception as e:  # the hub client raises many kinds, from httpx's to its own
            raise CheckpointError(str(file), [f"must be an array of a voice: {e}"]) from None

    @classmethod
    def of_directory(cls, directory: pathlib.Path, *parts: Any) -> Bark:
        return cls(*parts, speaker_embeddings=read_json(directory / VOICES), directory=directory)

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """As `Processor`; and the voices, an .npy file an array."""
        folder = to_write(directory)
        paths = super().save_pretrained(folder)
        if not self.available_voice_presets:
            return paths
        made: dict[str, Any] = {REPO: os.fspath(folder)}
        for name in self.available_voice_presets:
            made[name] = {part: f"{FOLDER}/{name}_{part}.npy" for part in AXES}
            for part, array in self._of_name(name).items():
                file = folder / made[name][part]
                file.parent.mkdir(parents=True, exist_ok=True)
                with atomic(file) as f:
                    np.save(f, array, allow_pickle=False)
                paths += (str(file),)
        write_atomically(folder / VOICES, (json.dumps(made, indent=2) + "\n").encode())
        return (*paths, str(folder / VOICES))
