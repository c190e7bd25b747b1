"""`FastTokenizer`: a tokenizer.json run by the `tokenizers` library, with the call that users of checkpoints know."""

from __future__ import annotations

import pathlib
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tokenizers

from jaxformers.errors import InputError
from jaxformers.tokenization import kinds
from jaxformers.tokenization.chat import ChatTemplates
from jaxformers.tokenization.decoding import Decoding
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.formats.python_backend import PythonBackend
from jaxformers.tokenization.inputs import one_of, rows_of
from jaxformers.tokenization.languages import Languages
from jaxformers.tokenization.lengths import SIDES, UNLIMITED, Lengths, check_multiple
from jaxformers.tokenization.rows import Rows
from jaxformers.tokenization.saving import Saving
from jaxformers.tokenization.settings import add_named_tokens, agree
from jaxformers.tokenization.tensors import arrays, check_kind
from jaxformers.tokenization.training import trained


class FastTokenizer(Saving, Decoding, Lengths, Languages, ChatTemplates):
    """A tokenizer held by the `tokenizers` library.

    Args:
      backend: the `tokenizers.Tokenizer`; the settings below are written into it.
      settings: as in tokenizer_config.json. Special tokens that the vocabulary lacks are added to it.
      kind: the class that the settings name, as `kinds.stem` gives it.
    """

    def __init__(self, backend: tokenizers.Tokenizer, settings: Mapping[str, Any] | None = None, kind: str = ""):
        settings = dict(settings or {})
        backend.no_padding()
        backend.no_truncation()
        self.backend = backend
        self.settings = settings
        self.model_max_length = int(settings.get("model_max_length") or settings.get("max_len") or UNLIMITED)
        self.padding_side = settings.get("padding_side", "right")
        self.truncation_side = settings.get("truncation_side", "right")
        names = settings.get("model_input_names") or ("input_ids", "token_type_ids", "attention_mask")
        self.model_input_names = list(names)
        self.clean_up_tokenization_spaces = bool(settings.get("clean_up_tokenization_spaces"))
        self.split_special_tokens = bool(settings.get("split_special_tokens"))
        one_of("padding_side", self.padding_side, SIDES)
        one_of("truncation_side", self.truncation_side, SIDES)
        self._take_roles()
        held = settings.get("chat_template")
        self.chat_template = {one["name"]: one["template"] for one in held} if isinstance(held, list | tuple) else held
        self.kind = kind
        self._usual = kinds.call(kind)
        self._lock = threading.RLock()
        add_named_tokens(backend, settings)
        agree(backend, settings, kind)

    @classmethod
    def read(cls, directory: pathlib.Path, backend: Any, settings: Mapping[str, Any], kind: str) -> FastTokenizer:
        """The tokenizer of a directory; classes with files of their own read them here."""
        return cls(backend, settings, kind)

    # -------------------------------------------------------------------------------------------- text -> ids

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        **options: Any,
    ) -> BatchEncoding:
        """Token ids and masks of a text, or of a batch of them.

        Args:
          text: a string, or a list of strings (with `is_split_into_words`: a list of words, or a list of those).
          text_pair: a second text for each one, of the same form.
          add_special_tokens: surround texts with the model's special tokens.
          padding: True or "longest" pads to the longest row, "max_length" to `max_length`.
          truncation: True or "longest_first", "only_first", "only_second" cut to `max_length`; None does if
            `max_length` is given without padding.
          max_length: tokens a row; the model's longest input by default.
          pad_to_multiple_of: round padded lengths up, so that few shapes are compiled.
          padding_side: "left" or "right", for this call.
          return_tensors: None (lists), "np" (int64) or "jax" (int32); arrays are always [B, S].
          return_token_type_ids, return_attention_mask: None includes what the model takes.
          return_special_tokens_mask, return_offsets_mapping: also `special_tokens_mask` (1 = special) and
            `offset_mapping` (each token's start and end in the text).
          return_overflowing_tokens: what is cut off becomes further rows; `overflow_to_sample_mapping` tells whose.
          return_length: also `length`, the tokens of each row.
          stride: tokens that such a row repeats of the one before.
          truncation_side: "left" or "right", for this call.
          split_special_tokens: read special tokens inside texts as any other text; None as the checkpoint says.
          text_target, text_pair_target: what the model is to write: its ids become `labels`, or `input_ids` where
            there is no text.

        Raises:
          InputError: texts are not strings, padding is asked for without a padding token, rows differ in length and
            `return_tensors` is set, or an option has a value that it can not have.
        """
        if text is None and text_target is None:
            raise InputError("tokenizer", ["text or text_target must be given"])
        options = {**self._usual, **options}
        if text_target is None:
            return self._call(text, text_pair, **options)
        with self._writing():
            target = self._call(text_target, text_pair_target, **options)
        if text is None:
            return target
        out = self._call(text, text_pair, **options)
        out["labels"] = target["input_ids"]
        return out

    def _call(
        self,
        text: Any,
        text_pair: Any,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        truncation_side: str | None = None,
        stride: int = 0,
        split_special_tokens: bool | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_overflowing_tokens: bool = False,
        return_length: bool = False,
    ) -> BatchEncoding:
        many = isinstance(text, list | tuple)
        if is_split_into_words:
            many = many and bool(text) and isinstance(text[0], list | tuple)
        if not many and not isinstance(self.backend, PythonBackend):
            text_pair = text_pair or None  # the reference takes an empty second text for none
        texts = rows_of(text, text_pair, many, is_split_into_words)
        if return_tensors is not None:
            check_kind(return_tensors)
        if split_special_tokens is None:
            split_special_tokens = self.split_special_tokens
        if truncation is None:
            truncation = max_length is not None and padding is False
        pairs = bool(texts) and isinstance(texts[0], tuple)
        fixed = self.backend.num_special_tokens_to_add(pairs) if truncation and add_special_tokens else 0
        cut = self._truncation(truncation, max_length, fixed, stride, truncation_side or self.truncation_side)
        pad = self._padding(padding, max_length, padding_side or self.padding_side, pad_to_multiple_of)
        check_multiple(cut, pad, pad_to_multiple_of)
        how = {"is_pretokenized": is_split_into_words, "add_special_tokens": add_special_tokens}
        found = self._run(texts, cut, split_special_tokens, **how)
        whose: list[int] = []
        if return_overflowing_tokens:
            whose = [i for i, e in enumerate(found) for _ in range(1 + len(e.overflowing))]
            found = [one for e in found for one in (e, *e.overflowing)]
        wishes = (
            ("token_type_ids", return_token_type_ids),
            ("attention_mask", return_attention_mask),
            ("special_tokens_mask", return_special_tokens_mask),
            ("offset_mapping", return_offsets_mapping),
        )
        wanted = [n for n, wish in wishes if wish or (wish is None and n in self.model_input_names)]
        rows = Rows(found, pad, pairs)
        fields = rows.fields(["input_ids", *wanted], fill=return_tensors is not None)
        longest = max(rows.lengths, default=0)
        if cut is None and longest > self.model_max_length:
            limit = self.model_max_length
            warnings.warn(f"{longest} tokens, the model takes {limit}; pass truncation=True", stacklevel=2)
        if return_length:
            fields["length"] = rows.lengths
        if return_overflowing_tokens:
            fields["overflow_to_sample_mapping"] = whose
        if return_tensors is not None:
            fields = arrays(fields, return_tensors)
        elif not many and not return_overflowing_tokens:
            bare = isinstance(self.backend, PythonBackend)  # whose classes give one length, too
            fields = {n: v[0] if bare or isinstance(v[0], list) else v for n, v in fields.items()}
        return BatchEncoding(fields, found, pad=rows.pad)

    def _run(self, texts: list, cut: dict | None, split_special: bool, **options: bool) -> list[tokenizers.Encoding]:
        """The encodings of texts, cut but not padded."""
        with self._lock:
            self.backend.encode_special_tokens = split_special
            self.backend.no_padding()
            if cut is None:
                self.backend.no_truncation()
            else:
                self.backend.enable_truncation(**cut)
            try:
                return self.backend.encode_batch(texts, **options)
            except BaseException as e:  # the library raises a bare Exception, and panics by one that is none
                if isinstance(e, Exception) or type(e).__name__ == "PanicException":
                    raise InputError("tokenizer", [str(e)]) from None
                raise

    def train_new_from_iterator(
        self,
        text_iterator: Iterable[str] | Iterable[Sequence[str]],
        vocab_size: int,
        new_special_tokens: Sequence[str] = (),
        special_tokens_map: Mapping[str, str] | None = None,
    ) -> FastTokenizer:
        """A tokenizer that works as this one does, with a vocabulary learnt from texts.

        Args:
          text_iterator: texts, or batches of them.
          vocab_size: tokens to learn, at most.
          new_special_tokens: further special tokens.
          special_tokens_map: special tokens to rename, `{old: new}`.

        Raises:
          InputError: a backend that can not be trained.
        """
        return trained(self, text_iterator, vocab_size, new_special_tokens, special_tokens_map or {})

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The `input_ids` of a call."""
        return self._call(text, text_pair, **options)["input_ids"]

    def encode_plus(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
        """What a call gives."""
        return self._call(text, text_pair, **options)

    def batch_encode_plus(self, batch_text_or_text_pairs: Any, **options: Any) -> BatchEncoding:
        """What a call gives for a list of texts, or of pairs `(text, text_pair)`."""
        return self._call(list(batch_text_or_text_pairs), None, **options)

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """The tokens of a text as strings; those that the vocabulary lacks as they are, of classes that make such."""
        if isinstance(self.backend, PythonBackend) and pair is None and not add_special_tokens and not options:
            rows_of(text, None, False, False)
            with self._whole():
                self.backend.encode_special_tokens = self.split_special_tokens
                return self.backend.tokenize(text)
        return self._call(text, pair, add_special_tokens=add_special_tokens, **options).tokens()

    @property
    def is_fast(self) -> bool:
        """Is this a tokenizer of the `tokenizers` library, which knows places in texts?"""
        return not isinstance(self.backend, PythonBackend)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} tokens, {self.special_tokens_map})"
