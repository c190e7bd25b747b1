"""`Languages`: the source and target languages of translation models; a part of every tokenizer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.formats import sentencepiece_families as families
from jaxformers.tokenization.formats import sentencepiece_languages as languages
from jaxformers.tokenization.formats.python_backend import PythonBackend

_TRANSLATORS = (*languages.USUAL, "plbart", "marian")


class Languages:
    """Languages of a tokenizer whose class has them; for all others reading one gives None, and setting one fails.

    A text's special tokens name its language: `src_lang` for what is read, `tgt_lang` for what is written
    (`text_target`).
    """

    backend: Any
    settings: dict[str, Any]
    kind: str

    @property
    def _family(self) -> str:
        return families.NAMES.get(self.kind, self.kind)

    @property
    def src_lang(self) -> str | None:
        """Code of the language that is read, such as "en_XX"."""
        return self.settings.get("src_lang") or languages.USUAL.get(self._family)

    @src_lang.setter
    def src_lang(self, code: str) -> None:
        self._speak("src_lang", code, target=False)

    @property
    def tgt_lang(self) -> str | None:
        """Code of the language that is written, or None."""
        return self.settings.get("tgt_lang")

    @tgt_lang.setter
    def tgt_lang(self, code: str) -> None:
        self._speak("tgt_lang", code, target=True)
        self._speak("src_lang", self.src_lang, target=False)

    def _begin(self) -> None:
        """Surrounds texts as `src_lang` wants it, whatever tokenizer.json says."""
        family = self._family
        if family in languages.USUAL and not isinstance(self.backend, PythonBackend):
            usual = languages.token(family, languages.USUAL[family])
            if self.settings.get("src_lang") or self.backend.token_to_id(usual) is not None:
                languages.start(self.backend, family, self.settings)

    def _speak(self, name: str, code: str | None, target: bool) -> None:
        if self._family not in _TRANSLATORS:
            what = self.kind or "of no known class"
            raise InputError("tokenizer", [f"{name} must not be set: the tokenizer, {what}, has no languages"])
        languages.switch(self.backend, self._family, code, self.settings, target)
        if code is not None:
            self.settings[name] = code

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Surrounds texts as those that are written, and those that are read again at the end."""
        if self._family not in _TRANSLATORS or (self.tgt_lang is None and self._family != "marian"):
            yield
            return
        languages.switch(self.backend, self._family, self.tgt_lang, self.settings, target=True)
        try:
            yield
        finally:
            languages.switch(self.backend, self._family, self.src_lang, self.settings, target=False)
