"""`AutoTokenizer`: from a directory or hub id to the tokenizer that its files describe."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import tokenizers

from jaxformers.checkpoints.files import read_json
from jaxformers.checkpoints.hub import TEXT, resolve
from jaxformers.errors import CheckpointError, InputError, nearest
from jaxformers.tokenization import kinds, rag
from jaxformers.tokenization.formats import byte_bpe, tekken
from jaxformers.tokenization.jukebox import JukeboxTokenizer
from jaxformers.tokenization.model_types import class_of
from jaxformers.tokenization.settings import SETTINGS


class AutoTokenizer:
    """Tokenizers by directory or hub id."""

    @staticmethod
    def from_pretrained(path: str | os.PathLike, *, revision: str | None = None, **changes: Any) -> Any:
        """The tokenizer of a checkpoint.

        Reads tokenizer.json or, where there is none, the older files of its class; and from tokenizer_config.json and
        special_tokens_map.json the special tokens, the longest input and the sides. Truncation and padding that
        tokenizer.json has built in are not applied: they happen when a call asks for them.

        Returns a `FastTokenizer`; a `RagTokenizer`, which holds two; or a `JukeboxTokenizer`, whose calls take names.

        Args:
          path: a directory, or a hub id.
          revision: branch, tag or commit on the hub.
          changes: settings to override, e.g. `padding_side="left"`, `model_max_length=128`, `pad_token="</s>"`.

        Raises:
          CheckpointError: no such directory, a missing file, or a damaged one.
          InputError: an unknown setting, or a value that it can not have.
        """
        unknown = [
            f"unknown setting {k!r}; nearest: {', '.join(nearest(k, SETTINGS, 3))}" for k in changes.keys() - SETTINGS
        ]
        if unknown:
            raise InputError("AutoTokenizer.from_pretrained", sorted(unknown))
        directory = resolve(path, revision, TEXT)
        parts = rag.parts(directory)
        if parts is not None:
            return rag.RagTokenizer(*(_made(folder, folder, changes, kind) for folder, kind in parts.items()))
        return _made(path, directory, changes)


def _made(path: str | os.PathLike, directory: pathlib.Path, changes: dict[str, Any], named: str = "") -> Any:
    """The tokenizer of a directory; `named`: its class or model type, where its files name none."""
    settings, name = _settings(directory, named)
    if kinds.stem(name) == "jukebox":
        return JukeboxTokenizer.read(directory, {**settings, **changes})
    file = directory / "tokenizer.json"
    built = not file.is_file() or kinds.older(name, directory, settings, changes)
    if (directory / tekken.FILE).is_file() and (built or kinds.stem(name) == "mistralcommon"):
        built, name = True, "MistralCommonTokenizer"
    backend = kinds.build(name, directory, {**settings, **changes}) if built else _read(file)
    kind = kinds.find(name)
    if not built and kind is not None and "clip" in kind.stems.split():
        backend.decoder = byte_bpe.clip_decoder()  # tokenizer.json's own leaves </w> in the text
    usual = kinds.usual(name, backend, built)
    try:
        whole = {**usual, **_built_in(backend), **settings, **changes}
        made = kinds.make(kinds.stem(name), directory, backend, whole)
    except (TypeError, ValueError, AttributeError, OverflowError) as e:
        if isinstance(e, CheckpointError) or (isinstance(e, InputError) and changes):
            raise
        raise CheckpointError(os.fspath(path), [f"tokenizer_config.json must hold settings: {e}"]) from None
    if not built:
        made._begin()
    if kind is not None:
        own = kinds.additional(name, made.settings)
        made.additional_special_tokens = [t for t in own if backend.token_to_id(t) is not None]
    return made


def _read(file: pathlib.Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(file))
    except Exception as e:  # the library raises a bare Exception
        problem = f"must be a tokenizer that the tokenizers library reads: {e}"
        raise CheckpointError(str(file), [problem], "fetch or save it again") from None


def _settings(directory: pathlib.Path, named: str = "") -> tuple[dict[str, Any], str]:
    """What the files beside tokenizer.json say, and the class or, failing that, the model type or `named`."""
    settings = read_json(directory / "tokenizer_config.json")
    if "added_tokens_decoder" not in settings:  # newer files repeat the map there, and are then the authority
        settings |= read_json(directory / "special_tokens_map.json")
    if templates := _chat_templates(directory):
        settings["chat_template"] = templates
    config = {} if "tokenizer_class" in settings else read_json(directory / "config.json")
    named = str(config.get("model_type") or named)
    classes = (settings.get("tokenizer_class"), config.get("tokenizer_class"))
    return settings, next((k for k in classes if isinstance(k, str)), class_of(named))


def _chat_templates(directory: pathlib.Path) -> str | list[dict[str, str]] | None:
    """What chat_template.jinja and additional_chat_templates hold, in the form of tokenizer_config.json."""
    more = sorted((directory / "additional_chat_templates").glob("*.jinja"))
    first = directory / "chat_template.jinja"
    try:
        main = first.read_text(encoding="utf-8") if first.is_file() else None
        held = {"default": main} if main is not None else {}
        held |= {file.stem: file.read_text(encoding="utf-8") for file in more}
    except (OSError, ValueError) as e:
        raise CheckpointError(os.fspath(directory), [f"chat templates must be text in UTF-8: {e}"]) from None
    if not more:
        return main
    return [{"name": name, "template": template} for name, template in held.items()]


def _built_in(backend: tokenizers.Tokenizer) -> dict[str, Any]:
    """Sides and padding token of the settings inside tokenizer.json: taken where no other file names them."""
    padding, truncation = backend.padding or {}, backend.truncation or {}
    held = {
        "pad_token": padding.get("pad_token"),
        "padding_side": padding.get("direction"),
        "truncation_side": truncation.get("direction"),
    }
    return {k: v for k, v in held.items() if v is not None}
