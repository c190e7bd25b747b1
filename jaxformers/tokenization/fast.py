"""`FastTokenizer`: a tokenizer.json run by the `tokenizers` library, with the call that users of checkpoints know."""

from __future__ import annotations

import json
import os
import pathlib
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers

from jaxformers.checkpoints.files import write_atomically
from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization.chat import ChatTemplates
from jaxformers.tokenization.encoding import KINDS, BatchEncoding, arrays
from jaxformers.tokenization.formats.python_backend import PythonBackend
from jaxformers.tokenization.inputs import one_of, rows_of
from jaxformers.tokenization.languages import Languages
from jaxformers.tokenization.lengths import SIDES, UNLIMITED, Lengths
from jaxformers.tokenization.settings import SPECIAL, add_named_tokens, agree, saved, text_of
from jaxformers.tokenization.training import trained
from jaxformers.tokenization.vocabulary import Vocabulary


class FastTokenizer(Vocabulary, Lengths, Languages, ChatTemplates):
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
        one_of("padding_side", self.padding_side, SIDES)
        one_of("truncation_side", self.truncation_side, SIDES)
        for name in SPECIAL:
            setattr(self, name, text_of(settings.get(name)))
        self.additional_special_tokens = [text_of(t) for t in settings.get("additional_special_tokens") or ()]
        held = settings.get("chat_template")
        self.chat_template = {one["name"]: one["template"] for one in held} if isinstance(held, list | tuple) else held
        self.kind = kind
        self._lock = threading.Lock()  # the backend's truncation and padding are state
        add_named_tokens(backend, settings)
        agree(backend, settings)

    # -------------------------------------------------------------------------------------------- text -> ids

    def __call__(
        self, text: Any = None, text_pair: Any = None, *, text_target: Any = None, **options: Any
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
          split_special_tokens: read special tokens inside texts as any other text.
          text_target: what the model is to write: its ids become `labels`, or `input_ids` where there is no text.

        Raises:
          InputError: texts are not strings, padding is asked for without a padding token, rows differ in length and
            `return_tensors` is set, or an option has a value that it can not have.
        """
        if text is None and text_target is None:
            raise InputError("tokenizer", ["text or text_target must be given"])
        if text_target is None:
            return self._call(text, text_pair, **options)
        with self._writing():
            target = self._call(text_target, None, **options)
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
        split_special_tokens: bool = False,
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
        rows = rows_of(text, text_pair, many, is_split_into_words)
        if return_tensors not in (None, *KINDS):
            raise InputError("tokenizer", [f"return_tensors must be None, 'np' or 'jax', got {return_tensors!r}"])
        if truncation is None:
            truncation = max_length is not None and padding is False
        fixed = self.backend.num_special_tokens_to_add(bool(rows) and isinstance(rows[0], tuple))
        fixed = fixed if add_special_tokens else 0
        cut = self._truncation(truncation, max_length, fixed, stride, truncation_side or self.truncation_side)
        pad = self._padding(padding, max_length, padding_side or self.padding_side, pad_to_multiple_of)
        how = {"is_pretokenized": is_split_into_words, "add_special_tokens": add_special_tokens}
        if cut is not None and pad is not None and pad_to_multiple_of and cut["max_length"] % pad_to_multiple_of:
            rule = "max_length must be a multiple of pad_to_multiple_of to be cut to"
            raise InputError("tokenizer", [f"{rule}, got {cut['max_length']} and {pad_to_multiple_of}"])
        found = self._run(rows, cut, pad, split_special_tokens, **how)
        whose = list(range(len(found)))
        if return_overflowing_tokens:
            whose = [i for i, e in enumerate(found) for _ in range(1 + len(e.overflowing))]
            found = [one for e in found for one in (e, *e.overflowing)]
        ids = [e.ids for e in found]
        longest = max(map(len, ids), default=0)
        if cut is None and longest > self.model_max_length:
            limit = self.model_max_length
            warnings.warn(f"{longest} tokens, the model takes {limit}; pass truncation=True", stacklevel=2)
        wanted = {
            "token_type_ids": (return_token_type_ids, "type_ids"),
            "attention_mask": (return_attention_mask, "attention_mask"),
            "special_tokens_mask": (return_special_tokens_mask, "special_tokens_mask"),
            "offset_mapping": (return_offsets_mapping, "offsets"),
        }
        fields: dict[str, Any] = {"input_ids": ids}
        known = {} if pad is not None else {"attention_mask": 1}  # what is the same at every token need not be asked
        pairs = bool(rows) and isinstance(rows[0], tuple)
        if longest and not pairs and (pad is None or not pad["pad_type_id"]):
            if not any(next(e for e in found if len(e)).type_ids):
                known["type_ids"] = 0
        for name, (wish, attribute) in wanted.items():
            if wish or (wish is None and name in self.model_input_names):
                if attribute in known:
                    fields[name] = [[known[attribute]] * len(row) for row in ids]
                else:
                    fields[name] = [getattr(e, attribute) for e in found]
        if return_length:
            fields["length"] = [len(e) for e in found]
        if return_overflowing_tokens:
            fields["overflow_to_sample_mapping"] = whose
        if return_tensors is not None:
            fields = arrays(fields, return_tensors)
        elif not many and not return_overflowing_tokens:
            fields = {n: v[0] if isinstance(v[0], list) else v for n, v in fields.items()}
        return BatchEncoding(fields, found)

    def _run(
        self, rows: list, cut: dict | None, pad: dict | None, split_special: bool, **options: bool
    ) -> list[tokenizers.Encoding]:
        with self._lock:
            self.backend.encode_special_tokens = split_special
            self.backend.no_truncation()
            self.backend.no_padding()
            if cut is not None:
                self.backend.enable_truncation(**cut)
            if pad is not None:
                self.backend.enable_padding(**pad)
            try:
                return self.backend.encode_batch(rows, **options)
            except Exception as e:  # the library raises a bare Exception
                raise InputError("tokenizer", [str(e)]) from None

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
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(self, text: str, pair: str | None = None, add_special_tokens: bool = False) -> list[str]:
        """The tokens of a text as strings."""
        return self(text, pair, add_special_tokens=add_special_tokens).tokens()

    # -------------------------------------------------------------------------------------------- ids -> text

    def decode(
        self, ids: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None
    ) -> str:
        """The text of token ids [S] (a list, NumPy or JAX array, or one id)."""
        array = np.atleast_1d(np.asarray(ids))
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu") or (array < 0).any():
            problem = f"ids must be non-negative integers of shape [S], got {array.dtype}{list(array.shape)}"
            raise InputError("tokenizer.decode", [problem], "use batch_decode for rows of ids")
        text = self.backend.decode(array.astype(np.int64).tolist(), skip_special_tokens=skip_special_tokens)
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self.clean_up_tokenization_spaces
        return _clean_up(text) if clean_up_tokenization_spaces else text

    def batch_decode(self, rows: Iterable[Any], **options: Any) -> list[str]:
        """`decode` of every row of ids [B, S]."""
        return [self.decode(row, **options) for row in rows]

    # -------------------------------------------------------------------------------------------- files

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes tokenizer.json (or its class's own files), tokenizer_config.json and special_tokens_map.json.

        Returns their paths.

        Chat templates go to chat_template.jinja and, those with other names, additional_chat_templates/<name>.jinja.

        Raises:
          CheckpointError: `directory` is a file.
        """
        folder = pathlib.Path(directory)
        if folder.exists() and not folder.is_dir():
            raise CheckpointError("save_pretrained", [f"must be given a directory, got the file {str(folder)!r}"])
        folder.mkdir(parents=True, exist_ok=True)
        own = (
            "model_max_length",
            "padding_side",
            "truncation_side",
            "model_input_names",
            "clean_up_tokenization_spaces",
        )
        held = {k: v for k, v in self.settings.items() if k not in (*SPECIAL, "added_tokens_decoder", "chat_template")}
        config = {**held, **{k: getattr(self, k) for k in own}, **self.special_tokens_map}
        if isinstance(self.backend, PythonBackend):
            config["added_tokens_decoder"] = {str(i): saved(t) for i, t in sorted(self.added_tokens_decoder.items())}
        config.setdefault("tokenizer_class", "PreTrainedTokenizerFast")
        files = {
            **self._vocabulary_files(),
            "tokenizer_config.json": _json(config),
            "special_tokens_map.json": _json(self.special_tokens_map),
        }
        chats = self.chat_template or {}
        for name, template in ({"default": chats} if isinstance(chats, str) else chats).items():
            files["chat_template.jinja" if name == "default" else f"additional_chat_templates/{name}.jinja"] = template
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_atomically(folder / name, content.encode() if isinstance(content, str) else content)
        return tuple(str(folder / name) for name in files)

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        """tokenizer.json or, for a class that the `tokenizers` library has not, the files that it was made of."""
        if isinstance(self.backend, PythonBackend):
            return dict(self.backend.files)
        with self._lock:
            self.backend.no_padding()
            self.backend.no_truncation()
            return {"tokenizer.json": self.backend.to_str(pretty=True)}

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} tokens, {self.special_tokens_map})"


def _clean_up(text: str) -> str:
    """Undoes the spaces that word-level tokens leave before English punctuation and contractions."""
    for tail in (".", "?", "!", ","):
        text = text.replace(f" {tail}", tail)
    text = text.replace(" ' ", "'")
    for tail in ("n't", "'m", "'s", "'ve", "'re"):
        text = text.replace(f" {tail}", tail)
    return text


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
