"""`Saving`: a tokenizer as files; a part of every tokenizer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from jaxformers.checkpoints.files import to_write, write_atomically
from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats.python_backend import PythonBackend
from jaxformers.tokenization.settings import SPECIAL, saved
from jaxformers.tokenization.vocabulary import Vocabulary

_OWN = ("model_max_length", "padding_side", "truncation_side", "model_input_names", "clean_up_tokenization_spaces")
# Settings that are written from the tokenizer itself, and those that tell where its files were.
_NOT_KEPT = (
    *(*SPECIAL, "additional_special_tokens", "extra_special_tokens", "added_tokens_decoder", "chat_template"),
    *("name_or_path", "special_tokens_map_file", "tokenizer_file"),
)


class Saving(Vocabulary):
    """Files that this library and the reference read."""

    chat_template: str | dict[str, str] | None

    def save_pretrained(self, save_directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes tokenizer.json (or its class's own files), tokenizer_config.json and special_tokens_map.json.

        Returns their paths.

        Chat templates go to chat_template.jinja and, those with other names, additional_chat_templates/<name>.jinja.

        Raises:
          CheckpointError: `save_directory` is a file.
        """
        folder = to_write(save_directory)
        files = {
            **self._vocabulary_files(),
            "tokenizer_config.json": _json(self._config()),
            "special_tokens_map.json": _json(self.special_tokens_map),
            **self._template_files(),
        }
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_atomically(folder / name, content.encode() if isinstance(content, str) else content)
        return tuple(str(folder / name) for name in files)

    def _config(self) -> dict[str, Any]:
        """What tokenizer_config.json says."""
        held = {name: value for name, value in self.settings.items() if name not in _NOT_KEPT}
        config = {**held, **{name: getattr(self, name) for name in _OWN}, **self.special_tokens_map}
        if self.extra_special_tokens:
            config["extra_special_tokens"] = self.extra_special_tokens
        if isinstance(self.backend, PythonBackend):
            config["added_tokens_decoder"] = {str(i): saved(t) for i, t in sorted(self.added_tokens_decoder.items())}
        if self.settings.get("additional_special_tokens") is not None:
            config.setdefault("additional_special_tokens", [])  # a class that has some by itself has none here
        config.setdefault("tokenizer_class", "PreTrainedTokenizerFast")
        return config

    def _template_files(self) -> dict[str, str]:
        held = self.chat_template or {}
        named = {"default": held} if isinstance(held, str) else held
        if wrong := [name for name in named if not name or {"/", "\\", "\0"} & set(name)]:
            raise CheckpointError("save_pretrained", [f"a template's name must be that of a file, got {wrong[0]!r}"])
        return {
            "chat_template.jinja" if name == "default" else f"additional_chat_templates/{name}.jinja": template
            for name, template in named.items()
        }

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        """tokenizer.json or, for a class that the `tokenizers` library has not, the files that it was made of."""
        if isinstance(self.backend, PythonBackend):
            return dict(self.backend.files)
        with self._whole():
            return {"tokenizer.json": self.backend.to_str(pretty=True)}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
