"""`Ended`: tokenizers that are told whether a token begins a text, and whether one ends it; LLaMA's and their like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tokenizers
from tokenizers import processors

from jaxformers.errors import InputError
from jaxformers.tokenization.fast import FastTokenizer


def _switch(role: str) -> property:
    def get(self) -> bool:
        return self._ends[role]

    def put(self, on: bool) -> None:
        self._ends[role] = self.settings[f"add_{role}_token"] = bool(on)
        self.update_post_processor()

    return property(get, put, doc=f"Does `{role}_token` stand at that end of every text?")


class Ended(FastTokenizer):
    """A tokenizer whose settings say what surrounds texts, whatever tokenizer.json says; made by `AutoTokenizer`."""

    add_bos_token = _switch("bos")
    add_eos_token = _switch("eos")

    def __init__(self, backend: tokenizers.Tokenizer, settings: Mapping[str, Any] | None = None, kind: str = ""):
        super().__init__(backend, settings, kind)
        usual = {"bos": kind != "gptneox", "eos": False}
        self._ends = {role: bool(self.settings.get(f"add_{role}_token", on)) for role, on in usual.items()}
        told = any(self.settings.get(f"add_{role}_token") is not None for role in usual)
        if told or self.bos_token is not None or not self.add_bos_token:
            self.update_post_processor()

    def update_post_processor(self) -> None:
        """Surrounds texts with `bos_token` and `eos_token` as they are now.

        Raises:
          InputError: one that is switched on is not there.
        """
        named = {role: getattr(self, f"{role}_token") for role, on in self._ends.items() if on}
        ids = {role: getattr(self, f"{role}_token_id") for role in named}
        if absent := [role for role in named if ids[role] is None]:
            rule = f"add_{absent[0]}_token needs {absent[0]}_token in the vocabulary"
            raise InputError("tokenizer", [f"{rule}, got {named[absent[0]]!r}"])

        def text(name: str, kind: int) -> list[str]:
            before, behind = ([f"{named[role]}:{kind}"] if role in named else [] for role in ("bos", "eos"))
            return [*before, f"${name}:{kind}", *behind]

        tokens = [(token, ids[role]) for role, token in named.items()]
        single = text("A", 0)
        self.backend.post_processor = processors.TemplateProcessing(
            single=single, pair=[*single, *text("B", 1)], special_tokens=tokens
        )
