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
from jaxformers.tokenization.encoding import BatchEncoding, arrays

SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
SETTINGS = frozenset(SPECIAL) | {
    "add_prefix_space",
    "chat_template",
    "additional_special_tokens",
    "clean_up_tokenization_spaces",
    "do_lower_case",
    "model_input_names",
    "model_max_length",
    "padding_side",
    "strip_accents",
    "tokenize_chinese_chars",
    "truncation_side",
}
UNLIMITED = int(1e30)  # what files hold as model_max_length when there is none
LARGE = 10**20  # above this there is none
SIDES = ("left", "right")


def _id_of(name: str) -> property:
    def get(self) -> int | None:
        token = getattr(self, name)
        return None if token is None else self.backend.token_to_id(token)

    def put(self, index: int | None) -> None:
        setattr(self, name, None if index is None else self.backend.id_to_token(index))

    return property(get, put, doc=f"Id of `{name}`, or None.")


class FastTokenizer(ChatTemplates):
    """A tokenizer held by the `tokenizers` library.

    Args:
      backend: the `tokenizers.Tokenizer`; the settings below are written into it.
      settings: as in tokenizer_config.json. Special tokens that the vocabulary lacks are added to it.
      kind: the class that the settings name, as `kinds.stem` gives it.
    """

    bos_token_id = _id_of("bos_token")
    eos_token_id = _id_of("eos_token")
    unk_token_id = _id_of("unk_token")
    sep_token_id = _id_of("sep_token")
    pad_token_id = _id_of("pad_token")
    cls_token_id = _id_of("cls_token")
    mask_token_id = _id_of("mask_token")

    bos_token: str | None
    eos_token: str | None
    unk_token: str | None
    sep_token: str | None
    pad_token: str | None
    cls_token: str | None
    mask_token: str | None

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
        _one_of("padding_side", self.padding_side, SIDES)
        _one_of("truncation_side", self.truncation_side, SIDES)
        for name in SPECIAL:
            setattr(self, name, _content(settings.get(name)))
        self.additional_special_tokens = [_content(t) for t in settings.get("additional_special_tokens") or ()]
        held = settings.get("chat_template")
        self.chat_template = {one["name"]: one["template"] for one in held} if isinstance(held, list | tuple) else held
        self.kind = kind
        self._lock = threading.Lock()  # the backend's truncation and padding are state
        _add_tokens(backend, settings)
        _agree(backend, settings)

    # -------------------------------------------------------------------------------------------- text -> ids

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
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

        Raises:
          InputError: texts are not strings, padding is asked for without a padding token, rows differ in length and
            `return_tensors` is set, or an option has a value that it can not have.
        """
        many = isinstance(text, list | tuple)
        if is_split_into_words:
            many = many and bool(text) and isinstance(text[0], list | tuple)
        rows = _rows(text, text_pair, many, is_split_into_words)
        if return_tensors not in (None, "np", "jax"):
            raise InputError("tokenizer", [f"return_tensors must be None, 'np' or 'jax', got {return_tensors!r}"])
        if truncation is None:
            truncation = max_length is not None and padding is False
        fixed = self.backend.num_special_tokens_to_add(bool(rows) and isinstance(rows[0], tuple))
        cut = self._truncation(truncation, max_length, fixed if add_special_tokens else 0)
        pad = self._padding(padding, max_length, padding_side or self.padding_side, pad_to_multiple_of)
        found = self._run(rows, cut, pad, is_pretokenized=is_split_into_words, add_special_tokens=add_special_tokens)
        longest = max((len(e) for e in found), default=0)
        if cut is None and longest > self.model_max_length:
            limit = self.model_max_length
            warnings.warn(f"{longest} tokens, the model takes {limit}; pass truncation=True", stacklevel=2)
        wanted = {
            "token_type_ids": (return_token_type_ids, "type_ids"),
            "attention_mask": (return_attention_mask, "attention_mask"),
            "special_tokens_mask": (return_special_tokens_mask, "special_tokens_mask"),
            "offset_mapping": (return_offsets_mapping, "offsets"),
        }
        fields: dict[str, Any] = {"input_ids": [e.ids for e in found]}
        for name, (wish, attribute) in wanted.items():
            if wish or (wish is None and name in self.model_input_names):
                fields[name] = [getattr(e, attribute) for e in found]
        if return_tensors is not None:
            fields = arrays(fields, return_tensors)
        elif not many:
            fields = {name: value[0] for name, value in fields.items()}
        return BatchEncoding(fields, found)

    def _truncation(self, truncation: bool | str, max_length: int | None, fixed: int) -> dict[str, Any] | None:
        """The backend's truncation settings; `fixed` special tokens are never cut."""
        strategy = "longest_first" if truncation is True else truncation or "do_not_truncate"
        _one_of("truncation", strategy, ("longest_first", "only_first", "only_second", "do_not_truncate"))
        length = None if strategy == "do_not_truncate" else self._length(max_length, "truncation")
        if length is None:
            return None
        if length < fixed:  # the backend would not truncate at all
            raise InputError("tokenizer", [f"max_length must be at least the {fixed} special tokens, got {length}"])
        return {"max_length": length, "strategy": strategy, "direction": self.truncation_side}

    def _padding(self, padding: bool | str, max_length: int | None, side: str, multiple: int | None):
        """The backend's padding settings."""
        strategy = "longest" if padding is True else padding or "do_not_pad"
        _one_of("padding", strategy, ("longest", "max_length", "do_not_pad"))
        _one_of("padding_side", side, SIDES)
        length = self._length(max_length, "padding") if strategy == "max_length" else None
        if strategy == "do_not_pad" or (strategy == "max_length" and length is None):
            return None
        if self.pad_token_id is None:
            todo = "set one, e.g. tokenizer.pad_token = tokenizer.eos_token"
            raise InputError("tokenizer", [f"padding needs a pad_token in the vocabulary, got {self.pad_token}"], todo)
        token = {"pad_id": self.pad_token_id, "pad_token": self.pad_token}
        return {"length": length, "direction": side, "pad_to_multiple_of": multiple, **token}

    def _length(self, max_length: int | None, what: str) -> int | None:
        if max_length is None and self.model_max_length > LARGE:
            warnings.warn(f"no {what}: no max_length is given, and the model has none", stacklevel=4)
            return None
        length = self.model_max_length if max_length is None else max_length
        if length < 0:
            raise InputError("tokenizer", [f"max_length must not be negative, got {length}"])
        return length

    def _run(self, rows: list, cut: dict | None, pad: dict | None, **options: bool) -> list[tokenizers.Encoding]:
        with self._lock:
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

    # -------------------------------------------------------------------------------------------- vocabulary

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        """The id of a token, or the ids of several; unknown ones give the unknown token's id."""
        if isinstance(tokens, str):
            index = self.backend.token_to_id(tokens)
            return self.unk_token_id if index is None else index
        return [self.convert_tokens_to_ids(t) for t in tokens]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of an id, or the tokens of several; None for an id outside the vocabulary."""
        if isinstance(ids, int | np.integer):
            return self.backend.id_to_token(int(ids))
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self.backend.id_to_token(int(i)) for i in ids if int(i) not in skipped]

    def add_tokens(self, tokens: str | Sequence[str], special_tokens: bool = False) -> int:
        """Adds tokens that the vocabulary lacks; returns how many. The model's embedding must have room for them."""
        new = [
            tokenizers.AddedToken(t, special=special_tokens) for t in ([tokens] if isinstance(tokens, str) else tokens)
        ]
        return self.backend.add_tokens(new)

    @property
    def special_tokens_map(self) -> dict[str, Any]:
        """The special tokens by role."""
        held = {name: getattr(self, name) for name in SPECIAL if getattr(self, name) is not None}
        more = self.additional_special_tokens
        return {**held, "additional_special_tokens": list(more)} if more else held

    @property
    def all_special_tokens(self) -> list[str]:
        """The special tokens, each once."""
        held = [getattr(self, name) for name in SPECIAL]
        return [t for t in dict.fromkeys([*held, *self.additional_special_tokens]) if t is not None]

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of the special tokens."""
        return self.convert_tokens_to_ids(self.all_special_tokens)

    @property
    def vocab_size(self) -> int:
        """Size of the vocabulary without added tokens; `len(tokenizer)` counts them too."""
        return self.backend.get_vocab_size(with_added_tokens=False)

    def __len__(self) -> int:
        return self.backend.get_vocab_size(with_added_tokens=True)

    def __bool__(self) -> bool:
        return True

    def get_vocab(self) -> dict[str, int]:
        """`{token: id}`, added tokens included."""
        return self.backend.get_vocab(with_added_tokens=True)

    # -------------------------------------------------------------------------------------------- files

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json; returns their paths.

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
        config.setdefault("tokenizer_class", "PreTrainedTokenizerFast")
        with self._lock:
            self.backend.no_padding()
            self.backend.no_truncation()
            text = self.backend.to_str(pretty=True)
        files = {
            "tokenizer.json": text,
            "tokenizer_config.json": _json(config),
            "special_tokens_map.json": _json(self.special_tokens_map),
        }
        chats = self.chat_template or {}
        for name, template in ({"default": chats} if isinstance(chats, str) else chats).items():
            files["chat_template.jinja" if name == "default" else f"additional_chat_templates/{name}.jinja"] = template
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_atomically(folder / name, content.encode())
        return tuple(str(folder / name) for name in files)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} tokens, {self.special_tokens_map})"


# ------------------------------------------------------------------------------------------------------ inputs


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError("tokenizer", [f"{name} must be one of {', '.join(known)}, got {value!r}"])


def _rows(text: Any, pair: Any, many: bool, words: bool) -> list[Any]:
    """The backend's batch: a string (or list of words) a row, or a tuple of two. A batch may hold pairs itself."""
    if not many:
        text, pair = [text], [pair] if pair else None  # the reference takes an empty second text for none
    elif pair is not None and not (isinstance(pair, list | tuple) and len(pair) == len(text)):
        got = f"{len(pair)} texts" if isinstance(pair, list | tuple) else f"{pair!r:.60}"
        raise InputError("tokenizer", [f"text_pair must be a list of {len(text)} texts, as text is, got {got}"])
    if many and pair is None and not words and all(isinstance(t, list | tuple) and len(t) == 2 for t in text):
        text, pair = zip(*text, strict=True) if text else ((), None)
    rule, fits = ("a list of words", _is_words) if words else ("a string", _is_string)
    problems = [
        f"{name}{f'[{i}]' if many else ''} must be {rule}, got {t!r:.60}"
        for name, held in (("text", text), ("text_pair", pair or ()))
        for i, t in enumerate(held)
        if not fits(t)
    ]
    if problems:
        raise InputError("tokenizer", problems[:8])
    return list(text) if pair is None else list(zip(text, pair, strict=True))


def _is_string(x: Any) -> bool:
    return isinstance(x, str)


def _is_words(x: Any) -> bool:
    return isinstance(x, list | tuple) and all(isinstance(word, str) for word in x)


def _clean_up(text: str) -> str:
    """Undoes the spaces that word-level tokens leave before English punctuation and contractions."""
    for tail in (".", "?", "!", ","):
        text = text.replace(f" {tail}", tail)
    text = text.replace(" ' ", "'")
    for tail in ("n't", "'m", "'s", "'ve", "'re"):
        text = text.replace(f" {tail}", tail)
    return text


# ------------------------------------------------------------------------------------------------------ settings


def _content(token: Any) -> Any:
    """A special token's text: files hold it plain or as an object."""
    return token.get("content") if isinstance(token, Mapping) else token


def _token(token: Any, special: bool = True) -> tokenizers.AddedToken:
    if not isinstance(token, Mapping):
        return tokenizers.AddedToken(token, special=special)
    known = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
    return tokenizers.AddedToken(**{"special": special, **{k: token[k] for k in known if k in token}})


def _add_tokens(backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    """Tokens that the settings name and tokenizer.json does not hold, or holds with other flags."""
    held = {repr(t) for t in backend.get_added_tokens_decoder().values()}
    listed = sorted((settings.get("added_tokens_decoder") or {}).items(), key=lambda item: int(item[0]))
    new = [t for t in (_token(entry, special=False) for _, entry in listed) if repr(t) not in held]
    known = {t.content for t in [*backend.get_added_tokens_decoder().values(), *new]}
    roles = [*(settings.get(name) for name in SPECIAL), *(settings.get("additional_special_tokens") or ())]
    for token in roles:
        if token is not None and _content(token) not in known:
            known.add(_content(token))
            new.append(_token(token))
    if new:
        backend.add_tokens(new)


def _agree(backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    """Where tokenizer_config.json and tokenizer.json disagree on how text is split, the former wins."""
    if isinstance(backend.normalizer, tokenizers.normalizers.BertNormalizer):
        for key, attribute in (
            ("do_lower_case", "lowercase"),
            ("strip_accents", "strip_accents"),
            ("tokenize_chinese_chars", "handle_chinese_chars"),
        ):
            if key in settings:
                setattr(backend.normalizer, attribute, settings[key])
    if isinstance(backend.pre_tokenizer, tokenizers.pre_tokenizers.ByteLevel):
        backend.pre_tokenizer.add_prefix_space = bool(settings.get("add_prefix_space"))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
