"""`CTCTokenizer`: the text of what Wav2Vec2 and its kin hear, and when each letter and word was heard.

Paper: https://dl.acm.org/doi/10.1145/1143844.1143891.
"""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from jaxformers.errors import InputError
from jaxformers.tokenization.decoding import row
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats import speech
from jaxformers.tokenization.formats.python_backend import PythonBackend

Offset = dict[str, Any]


class CTCOutput(dict):
    """What was heard; fields are attributes too, None if they were not asked for.

    `text`; `char_offsets`, `{"char", "start_offset", "end_offset"}` of each letter in frames; and `word_offsets`,
    `{"word", "start_offset", "end_offset"}`. Of several rows each is a list.
    """

    names: ClassVar[tuple[str, ...]] = ("text", "char_offsets", "word_offsets")

    def __getattr__(self, name: str) -> Any:
        if name in self.names:
            return self.get(name)
        raise AttributeError(f"no field {name!r}; it has {', '.join(self)}")


def gathered(found: Sequence[CTCOutput], fields: Iterable[str]) -> CTCOutput:
    """The outputs of rows as one."""
    return CTCOutput({name: [one[name] for one in found] for name in ("text", *fields)})


def offset(what: str, text: str, start: int, end: int) -> Offset:
    """A letter, a word or a phoneme with its frames."""
    return {what: text, "start_offset": start, "end_offset": end}


class CTCTokenizer(FastTokenizer):
    """A tokenizer that reads a token a frame: runs of one are a letter, padding parts letters; by `AutoTokenizer`."""

    @classmethod
    def read(cls, directory: pathlib.Path, backend: Any, settings: Mapping[str, Any], kind: str) -> FastTokenizer:
        """The tokenizer of a directory; one with tokenizer.json is as any other."""
        return (cls if isinstance(backend, PythonBackend) else FastTokenizer)(backend, settings, kind)

    # -------------------------------------------------------------------------------------------- frames -> text

    def decode(  # type: ignore[override]
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_char_offsets: bool = False,
        output_word_offsets: bool = False,
        group_tokens: bool = True,
        spaces_between_special_tokens: bool = False,
    ) -> str | CTCOutput:
        """The text of frames [S]; a `CTCOutput` if offsets are asked for.

        Args:
          token_ids: the likeliest token of each frame.
          skip_special_tokens: leave special tokens out, before runs are joined: padding parts no letters then.
          clean_up_tokenization_spaces: undo the spaces before English punctuation; None as the checkpoint says.
          output_char_offsets, output_word_offsets: also give the frames of letters and of words. A frame lasts as many
            seconds as the model makes one of samples, divided by the sampling rate.
          group_tokens: are runs of a token one letter?
          spaces_between_special_tokens: put a space between any two letters.

        Raises:
          InputError: ids are no integers, negative, or rows of them.
        """
        tokens = self.convert_ids_to_tokens(row(token_ids), skip_special_tokens)
        if skip_special_tokens:
            special = {*self.all_special_tokens} - {self.pad_token}
            tokens = [token for token in tokens if token not in special]
        out = self.convert_tokens_to_string(
            tokens, group_tokens, spaces_between_special_tokens, output_char_offsets, output_word_offsets
        )
        out["text"] = self._cleaned(out["text"], clean_up_tokenization_spaces)
        return out if output_char_offsets or output_word_offsets else out["text"]

    def batch_decode(  # type: ignore[override]
        self,
        sequences: Iterable[Any],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_char_offsets: bool = False,
        output_word_offsets: bool = False,
        **options: Any,
    ) -> list[str] | CTCOutput:
        """`decode` of every row of frames [B, S]; one `CTCOutput` of lists if offsets are asked for."""
        how = {"output_char_offsets": output_char_offsets, "output_word_offsets": output_word_offsets, **options}
        found: list[Any] = [
            self.decode(one, skip_special_tokens, clean_up_tokenization_spaces, **how) for one in sequences
        ]
        fields = [name for name in ("char_offsets", "word_offsets") if how[f"output_{name}"]]
        return gathered(found, fields) if fields else found

    def convert_tokens_to_string(  # type: ignore[override]
        self,
        tokens: Sequence[str],
        group_tokens: bool = True,
        spaces_between_special_tokens: bool = False,
        output_char_offsets: bool = False,
        output_word_offsets: bool = False,
    ) -> CTCOutput:
        """What the tokens of frames say; the options are those of `decode`."""
        scheme, tokens = self._scheme, list(tokens)
        out = CTCOutput(text=scheme.join(tokens, group_tokens, " " if spaces_between_special_tokens else ""))
        letters = scheme.letters(tokens, group_tokens)
        if output_char_offsets or not tokens:
            out["char_offsets"] = [offset("char", *letter) for letter in letters]
        if output_word_offsets or not tokens:
            words = itertools.groupby(letters, lambda letter: letter[0] == scheme.space)
            runs = [list(run) for space, run in words if not space]
            out["word_offsets"] = [offset("word", "".join(x for x, _, _ in r), r[0][1], r[-1][2]) for r in runs]
        return out

    # -------------------------------------------------------------------------------------------- languages, marks

    @property
    def _scheme(self) -> speech.Heard:
        scheme = self.backend.scheme  # type: ignore[attr-defined]
        scheme.blank = self.pad_token
        return scheme

    @property
    def target_lang(self) -> str | None:
        """The language whose vocabulary is used, of a vocab.json that holds several."""
        return self.settings.get("target_lang")

    def set_target_lang(self, target_lang: str) -> None:
        """Goes over to the vocabulary of another language of vocab.json.

        Raises:
          InputError: there is no such language, or vocab.json holds one vocabulary alone.
        """
        held = json.loads(self.backend.files["vocab.json"])  # type: ignore[attr-defined]
        if self.target_lang is None:
            raise InputError("set_target_lang", ["vocab.json must hold a vocabulary for each language, it holds one"])
        if target_lang not in held:
            known = ", ".join(held)
            raise InputError("set_target_lang", [f"target_lang must be one of {known}, got {target_lang!r}"])
        self.settings["target_lang"] = target_lang
        self._scheme.speak(held[target_lang])
        speech.whole(self.backend, held[target_lang])  # type: ignore[arg-type]

    @property
    def do_lower_case(self) -> bool:
        """Are the vocabulary's letters capitals, and those of texts small?"""
        return self._scheme.lower

    @property
    def word_delimiter_token(self) -> str:
        """The token between words."""
        return self._scheme.delimiter

    @word_delimiter_token.setter
    def word_delimiter_token(self, token: str) -> None:
        self._scheme.delimiter = self.settings["word_delimiter_token"] = token

    @property
    def word_delimiter_token_id(self) -> int:
        """Its id."""
        return self.convert_tokens_to_ids(self.word_delimiter_token)

    @property
    def replace_word_delimiter_char(self) -> str:
        """What stands between words in texts."""
        return self._scheme.space

    @replace_word_delimiter_char.setter
    def replace_word_delimiter_char(self, letter: str) -> None:
        self._scheme.space = self.settings["replace_word_delimiter_char"] = letter
