"""Japanese text, which has no spaces, cut into words: by the analysers MeCab, Sudachi and Juman++, or at spaces.

MeCab: https://aclanthology.org/W04-3230, Sudachi: https://aclanthology.org/L18-1355, Juman++:
https://aclanthology.org/D18-2010. All three need a library and a dictionary: `pip install "jaxformers[japanese]"`.
"""

from __future__ import annotations

import abc
import importlib
import os
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from jaxformers.errors import CheckpointError, InputError

CONFIG = "tokenizer_config.json"
EXTRA = "pip install 'jaxformers[japanese]'"


class Analyser(abc.ABC):
    """Words of a text as an analyser's library gives them.

    Args:
      options: of the class, as tokenizer_config.json names them; others than `usual` has are refused.
      lower: are letters made small?
      kept: words that are left as they are.
    """

    name: str  # of its options in the settings
    usual: Mapping[str, Any]

    def __init__(self, options: Mapping[str, Any], lower: bool, kept: Collection[str]):
        if unknown := sorted(options.keys() - self.usual.keys()):
            problem = f"{self.name} must be of {', '.join(self.usual)}, got {unknown[0]!r}"
            raise CheckpointError(CONFIG, [problem])
        self.options, self.lower, self.kept = {**self.usual, **options}, lower, frozenset(kept)
        self._held = self.start()

    def __call__(self, text: str) -> list[str]:
        if self.options["normalize_text"]:
            text = unicodedata.normalize("NFKC", text)
        if self._held is None:
            self._held = self.start()
        words = [w if not self.lower or w in self.kept else w.lower() for w in self.cut(self._held, text)]
        if self.options.get("trim_whitespace"):
            words = [w.strip() for w in words if w.strip()]
        return words

    @abc.abstractmethod
    def start(self) -> Any:
        """The library's analyser.

        Raises:
          InputError: the library, or the dictionary that is installed beside it, is missing.
          CheckpointError: they refuse the options.
        """

    @abc.abstractmethod
    def cut(self, held: Any, text: str) -> list[str]:
        """The words that the analyser `held` finds."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": None}  # analysers can not be copied


class MeCab(Analyser):
    """MeCab by the `fugashi` library, with a dictionary that is installed or that `mecab_option` names."""

    name = "mecab_kwargs"
    usual = {"normalize_text": True, "mecab_dic": "unidic_lite", "mecab_option": None}

    def start(self) -> Any:
        fugashi = library("fugashi")
        option, wanted = self.options["mecab_option"] or "", self.options["mecab_dic"]
        if wanted is not None:
            folder = self.folder(wanted)
            option = f'-d "{folder}" -r "{os.path.join(folder, "mecabrc")}" {option}'
        try:
            return fugashi.GenericTagger(option)
        except RuntimeError as e:
            raise CheckpointError(CONFIG, [f"{self.name} must name a dictionary that MeCab reads: {e}"]) from None

    def folder(self, wanted: Any) -> str:
        """Where a dictionary is installed."""
        known = ("ipadic", "unidic_lite", "unidic")
        if wanted not in known:
            raise CheckpointError(CONFIG, [f"mecab_dic must be null or one of {', '.join(known)}, got {wanted!r:.60}"])
        return library(
            wanted, f"pip install {wanted}, or set mecab_dic to null and mecab_option to a dictionary"
        ).DICDIR

    def cut(self, held: Any, text: str) -> list[str]:
        return [word.surface for word in held(text)]


class Sudachi(Analyser):
    """Sudachi by the `sudachipy` library, with a dictionary that is installed or that a configuration names."""

    name = "sudachi_kwargs"
    usual = {
        "normalize_text": True, "trim_whitespace": False, "sudachi_split_mode": "A", "sudachi_config_path": None,
        "sudachi_resource_dir": None, "sudachi_dict_type": "core", "sudachi_projection": None,
    }  # fmt: skip

    def start(self) -> Any:
        sudachi = library("sudachipy")
        of = self.options
        if of["sudachi_split_mode"] not in ("A", "B", "C"):
            got = of["sudachi_split_mode"]
            raise CheckpointError(CONFIG, [f"sudachi_split_mode must be one of A, B, C, got {got!r:.60}"])
        mode = getattr(sudachi.SplitMode, of["sudachi_split_mode"])
        shown = {} if of["sudachi_projection"] is None else {"projection": of["sudachi_projection"]}
        where = dict(config_path=of["sudachi_config_path"], resource_dir=of["sudachi_resource_dir"])
        try:
            held = sudachi.Dictionary(**where, dict=of["sudachi_dict_type"])
            return getattr(held, "tokenizer", held.create)(mode, **shown)
        except Exception as e:  # the library raises errors of many kinds
            problem = f"{self.name} must name a dictionary that Sudachi reads: {e}"
            todo = "pip install sudachidict_core, or name a dictionary of yours"
            raise CheckpointError(CONFIG, [problem], todo) from None

    def cut(self, held: Any, text: str) -> list[str]:
        return [word.surface() for word in held.tokenize(text)]


class Juman(Analyser):
    """Juman++, a program of its own, by the `rhoknp` library."""

    name = "jumanpp_kwargs"
    usual = {"normalize_text": True, "trim_whitespace": False}

    def start(self) -> Any:
        held = library("rhoknp").Jumanpp()
        if not held.is_available():
            problem = "word_tokenizer_type jumanpp needs the program jumanpp, which does not run"
            raise CheckpointError(CONFIG, [problem], "install Juman++ 2 and put it on the PATH")
        return held

    def cut(self, held: Any, text: str) -> list[str]:
        return [word.text for word in held.apply_to_sentence(text.strip()).morphemes]


def library(name: str, todo: str = EXTRA) -> Any:
    """A library that not everyone has.

    Raises:
      InputError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        problem = f"words of this tokenizer are cut with the {name} package, which is not installed"
        raise InputError("tokenizer", [problem], todo) from None


ANALYSERS: dict[str, type[Analyser]] = {"mecab": MeCab, "sudachi": Sudachi, "jumanpp": Juman}
