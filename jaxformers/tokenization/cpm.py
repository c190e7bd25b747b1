"""`CpmTokenizer` and `CpmAntTokenizer`: Chinese texts of CPM and CPM-Ant.

CPM: https://arxiv.org/abs/2012.00413.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats.cpm import words

SPACE, LINE = "\u2582", "\u2583"  # what stands for spaces and ends of lines between words


class CpmTokenizer(FastTokenizer):
    """A tokenizer whose words, if tokenizer.json says how they are cut, are parted first; made by `AutoTokenizer`.

    Decoded text has no spaces but those that had a token of their own.
    """

    def _call(self, text: Any, text_pair: Any, **options: Any) -> BatchEncoding:
        if self.is_fast:
            text, text_pair = _parted(text), _parted(text_pair)
        return super()._call(text, text_pair, **options)

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,
    ) -> str:
        """The text of token ids [S]; see `FastTokenizer.decode`."""
        how = (skip_special_tokens, clean_up_tokenization_spaces, spaces_between_special_tokens)
        text = super().decode(token_ids, *how)
        return text.replace(" ", "").replace(SPACE, " ").replace(LINE, "\n")


def _parted(given: Any) -> Any:
    """Texts with their words parted."""
    if isinstance(given, list | tuple):
        return type(given)(_parted(one) for one in given)
    if not isinstance(given, str):
        return given
    return " ".join([word.replace(" ", SPACE).replace("\n", LINE) for word in words(given)])


class CpmAntTokenizer(FastTokenizer):
    """A tokenizer whose words a dictionary cuts; made by `AutoTokenizer`.

    `bod_token`, `eod_token`, `line_token` and `space_token` name the tokens of documents, line ends and spaces.
    """

    bod_token = property(lambda self: self.settings["bod_token"], doc="Begins a document.")
    eod_token = property(lambda self: self.settings["eod_token"], doc="Ends a document.")
    bod_token_id = property(lambda self: self.backend.token_to_id(self.bod_token), doc="Id of `bod_token`.")
    eod_token_id = property(lambda self: self.backend.token_to_id(self.eod_token), doc="Id of `eod_token`.")
    newline_id = property(lambda self: self.backend.token_to_id("\n"), doc="Id of the end of a line.")

    def check(self, token: str) -> bool:
        """Is this a token of the vocabulary?"""
        return token in self.backend.get_vocab(with_added_tokens=False)

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,
    ) -> str:
        """The text of token ids [S], without what pads, begins and ends texts, and without negative ids."""
        array = np.atleast_1d(np.asarray(token_ids))
        if array.ndim == 1 and array.dtype.kind in "iu":
            out = [-1 if i is None else i for i in (self.pad_token_id, self.eos_token_id, self.bos_token_id)]
            array = array[(array >= 0) & ~np.isin(array, out)]
        how = (skip_special_tokens, clean_up_tokenization_spaces, spaces_between_special_tokens)
        return super().decode(array, *how)
