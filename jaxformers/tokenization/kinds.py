"""What a kind of tokenizer means: its class's special tokens, and the files it is made of before tokenizer.json."""

from __future__ import annotations

import importlib
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import tokenizers

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats.python_backend import PythonBackend
from jaxformers.tokenization.kinds_table import CALLS, CLASSES, KINDS, NAMES, Kind


def class_name(stem_: str) -> str:
    """How files name a class that `stem` shortened; "" of classes that tokenizer.json describes whole."""
    names = {stem(name): name for name in NAMES.split()}
    kind = find(stem_)
    alike = [] if kind is None else [one for one in kind.stems.split() if one in names]
    return names.get(stem_) or (names[alike[0]] if alike else "")


def make(stem: str, directory: pathlib.Path, backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> Any:
    """The tokenizer of a directory, of the class that its call needs."""
    module, name = CLASSES.get(stem, "fast.FastTokenizer").split(".")
    held = importlib.import_module(f"jaxformers.tokenization.{module}")
    return getattr(held, name).read(directory, backend, settings, stem)


def call(stem: str) -> dict[str, Any]:
    """The options of a call of the class that are not those of all."""
    return CALLS.get(stem, {})


def stem(name: str) -> str:
    """ "XLMRobertaTokenizerFast" and "xlm-roberta" -> "xlmroberta"."""
    return re.sub(r"tokenizer(fast)?$|[-_]", "", name.lower())


def find(name: str) -> Kind | None:
    """The kind of a tokenizer class or model type."""
    return next((kind for kind in KINDS if stem(name) in kind.stems.split()), None)


def usual(name: str, backend: tokenizers.Tokenizer, built: bool) -> dict[str, Any]:
    """The settings that a kind's class has by itself; of the special tokens those that the vocabulary holds.

    built: is the backend made by `build`?
    """
    kind = find(name)
    if kind is None:
        return {}
    own = class_name(stem(name))
    if not own and built and kind.format == "wordpiece" and isinstance(backend, PythonBackend):
        own = "BertTokenizer" if kind.types else "DistilBertTokenizer"  # of the classes in Python that are alike
    named = {"tokenizer_class": own} if own else {}
    held = {f"{k}_token": v for k, v in kind.tokens.items() if backend.token_to_id(v) is not None}
    names = ["input_ids", *["token_type_ids"] * kind.types, *["attention_mask"] * kind.masks]
    typed: dict[str, Any] = {"pad_token_type_id": kind.pad_type} if kind.pad_type else {}
    typed |= {"model_max_length": kind.longest} if kind.longest else {}
    if not built and kind.format == "wordpiece" and not own.startswith(("RoCBert", "Tapas")):
        typed |= {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
    clean = {"clean_up_tokenization_spaces": True} if built and kind.cleans else {}
    return {**named, **held, **clean, "model_input_names": names, "padding_side": kind.side, **typed, **kind.more}


def older(name: str, directory: pathlib.Path, settings: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Do settings ask for what tokenizer.json can not say, but older files beside it can?

    Of formats in which they may the module says so, in a function of this name.

    Args:
      name: tokenizer class or model type.
      directory: holds the files.
      settings: those of tokenizer_config.json, of which a space in front of texts counts.
      changes: those that the caller makes.
    """
    kind = find(name)
    asks = None if kind is None or kind.format is None else getattr(_format(kind), "older", None)
    return asks is not None and asks(stem(name), directory, settings, changes)


def additional(name: str, settings: Mapping[str, Any]) -> list[str]:
    """The special tokens without a role: those that the settings name, and those that their class has by itself.

    Of classes that have some the module of their format says so, in a function of this name.
    """
    from jaxformers.tokenization.formats import specials

    kind = find(name)
    own = None if kind is None or kind.format is None else getattr(_format(kind), "additional", None)
    listed = specials.additional(settings) if own is None else own(stem(name), settings)
    return list(dict.fromkeys(str(specials.text(token)) for token in listed))


def _format(kind: Kind) -> Any:
    return importlib.import_module(f"jaxformers.tokenization.formats.{kind.format}")


def build(name: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """The tokenizer of a directory without tokenizer.json, from the older files of its class.

    Args:
      name: tokenizer class or model type.
      directory: holds the files.
      settings: those of tokenizer_config.json, with the class's own special tokens where it names none.

    Raises:
      CheckpointError: a file is missing or damaged, or nothing is known of such a class.
    """
    kind = find(name)
    if kind is None or kind.format is None:
        held = ", ".join(sorted(p.name for p in directory.iterdir())[:12]) or "nothing"
        what = f"the older files of {name!r} are not read" if name else "no file names the tokenizer's class"
        raise CheckpointError(os.fspath(directory), [f"must hold tokenizer.json, as {what}; it holds {held}"])
    whole = {**{f"{role}_token": text for role, text in kind.tokens.items()}, **kind.more, **settings}
    return _format(kind).build(stem(name), directory, whole)
