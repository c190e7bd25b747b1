"""`PhonemeCTCTokenizer`: the phonemes that Wav2Vec2 hears in any language, and when.

Paper: https://arxiv.org/abs/2109.11680.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.ctc import CTCOutput, gathered, offset
from jaxformers.tokenization.decoding import row
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats.phonemes import Phonemes


def _kept(name: str, attribute: str, kind: type, what: str) -> property:
    """A setting that is the scheme's."""

    def get(self) -> Any:
        return getattr(self.scheme, attribute)

    def put(self, value: Any) -> None:
        if not isinstance(value, kind):
            raise InputError("tokenizer", [f"{name} must be {kind.__name__}, got {value!r:.60}"])
        setattr(self.scheme, attribute, value)
        self.settings[name] = value

    return property(get, put, doc=what)


class PhonemeCTCTokenizer(FastTokenizer):
    """A tokenizer that reads a phoneme a frame; made by `AutoTokenizer`.

    Texts are words, which the phonemizer library turns into phonemes, or with `do_phonemize=False` phonemes.
    """

    do_phonemize = _kept("do_phonemize", "phonemize", bool, "Are texts words, to be turned into phonemes?")
    phonemizer_lang = _kept("phonemizer_lang", "language", str, 'The language of texts, such as "en-us".')
    phonemizer_backend = _kept("phonemizer_backend", "engine", str, "The program that the phonemizer runs.")
    phone_delimiter_token = _kept("phone_delimiter_token", "phone", str, "What stands between phonemes of texts.")
    word_delimiter_token = _kept("word_delimiter_token", "word", str, "The token behind a word, or None.")

    @property
    def scheme(self) -> Phonemes:
        """How text is cut and joined."""
        scheme = self.backend.scheme  # type: ignore[attr-defined]
        scheme.blank = self.pad_token
        return scheme

    @property
    def word_delimiter_token_id(self) -> int | None:
        """The id of the token behind a word, or None."""
        word = self.word_delimiter_token
        return None if word is None else self.convert_tokens_to_ids(word)

    @property
    def phone_delimiter_token_id(self) -> int | None:
        """The id of what stands between phonemes; the unknown token's, if the vocabulary lacks it."""
        return self.convert_tokens_to_ids(self.phone_delimiter_token)

    def phonemize(self, text: str, phonemizer_lang: str | None = None) -> str:
        """The phonemes of a text, in the tokenizer's language or in another.

        Raises:
          InputError: the phonemizer is not installed, or does not know the language.
        """
        return self.scheme.spoken(text, phonemizer_lang)

    def _call(self, text: Any, text_pair: Any, **options: Any) -> BatchEncoding:
        """As of any tokenizer; `do_phonemize` and `phonemizer_lang` hold for this call and those that follow."""
        for name in ("do_phonemize", "phonemizer_lang"):
            value = options.pop(name, None)
            if value is not None:
                setattr(self, name, value)
        return super()._call(text, text_pair, **options)

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """The phonemes of a text; those that the vocabulary lacks as they are."""
        for name in ("do_phonemize", "phonemizer_lang"):
            value = options.pop(name, None)
            if value is not None:
                setattr(self, name, value)
        return super().tokenize(text, pair, add_special_tokens, **options)

    # -------------------------------------------------------------------------------------------- frames -> text

    def decode(  # type: ignore[override]
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_char_offsets: bool = False,
        group_tokens: bool = True,
        filter_word_delimiter_token: bool = True,
        spaces_between_special_tokens: bool = False,
    ) -> str | CTCOutput:
        """The phonemes of frames [S], with spaces between them; a `CTCOutput` if offsets are asked for.

        Args:
          token_ids: the likeliest token of each frame.
          skip_special_tokens: leave special tokens out, before runs are joined: padding parts no phonemes then.
          clean_up_tokenization_spaces: undo the spaces before English punctuation; None as the checkpoint says.
          output_char_offsets: also give the frames of phonemes.
          group_tokens: are runs of a token one phoneme?
          filter_word_delimiter_token: leave out the token behind a word.
          spaces_between_special_tokens: has no effect, there are always spaces.

        Raises:
          InputError: ids are no integers, negative, or rows of them.
        """
        tokens = self.convert_ids_to_tokens(row(token_ids), skip_special_tokens)
        out = self.convert_tokens_to_string(
            tokens, group_tokens, spaces_between_special_tokens, filter_word_delimiter_token, output_char_offsets
        )
        out["text"] = self._cleaned(out["text"], clean_up_tokenization_spaces)
        return out if output_char_offsets else out["text"]

    def batch_decode(  # type: ignore[override]
        self,
        sequences: Iterable[Any],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_char_offsets: bool = False,
        **options: Any,
    ) -> list[str] | CTCOutput:
        """`decode` of every row of frames [B, S]; one `CTCOutput` of lists if offsets are asked for."""
        how = (skip_special_tokens, clean_up_tokenization_spaces, output_char_offsets)
        found: list[Any] = [self.decode(one, *how, **options) for one in sequences]
        return gathered(found, ["char_offsets"]) if output_char_offsets else found

    def convert_tokens_to_string(  # type: ignore[override]
        self,
        tokens: Sequence[str],
        group_tokens: bool = True,
        spaces_between_special_tokens: bool = False,
        filter_word_delimiter_token: bool = True,
        output_char_offsets: bool = False,
    ) -> CTCOutput:
        """What the tokens of frames say; the options are those of `decode`."""
        how = (group_tokens, filter_word_delimiter_token)
        out = CTCOutput(text=self.scheme.join(list(tokens), *how))
        if output_char_offsets:
            out["char_offsets"] = [offset("char", *one) for one in self.scheme.phonemes(tokens, *how)]
        return out
