"""`ClvpTokenizer`: texts to be read aloud."""

from __future__ import annotations

from collections.abc import Callable

from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats.clvp import SPACE
from jaxformers.tokenization.spelled_out import spelled_out


class ClvpTokenizer(FastTokenizer):
    """A tokenizer of English, whose numbers and titles become words; made by `AutoTokenizer`."""

    @property
    def normalizer(self) -> Callable[[str], str]:
        """Makes of a text what is read aloud."""
        return spelled_out

    def clean_up_tokenization(self, out_string: str) -> str:  # type: ignore[override]
        """Spaces for the tokens of spaces and of the end; without unknown ones."""
        held = self.get_vocab()
        for token in (SPACE, "[STOP]"):
            out_string = out_string.replace(token, " ") if token in held else out_string
        return out_string.replace(str(self.unk_token), "").replace("   ", " ").replace("  ", " ")
