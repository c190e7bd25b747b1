"""`MistralCommonTokenizer`: Mistral's tekken.json as its own library reads it, without that library."""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.chat import messages_of
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats.tekken import FILE
from jaxformers.tokenization.formats.tiktoken import letters
from jaxformers.tokenization.lengths import check_multiple
from jaxformers.tokenization.mistral_chat import Conversation
from jaxformers.tokenization.tensors import check_kind


class MistralCommonTokenizer(FastTokenizer):
    """A tokenizer whose special tokens stand in no text; made by `AutoTokenizer`.

    Texts begin with `bos_token` and end with `eos_token`. A row that is too long loses tokens whatever they are.
    Tokens are shown as the text that they stand for, so that several may be alike.
    """

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str, held: bytes):
        super().__init__(backend, {**settings, "split_special_tokens": True}, kind)
        self._file, self._version = held, str(json.loads(held)["config"].get("version"))
        self._bytes = {letter: byte for byte, letter in enumerate(letters())}

    @classmethod
    def read(cls, directory: pathlib.Path, backend: Any, settings: Mapping[str, Any], kind: str) -> FastTokenizer:
        """The tokenizer of a directory."""
        return cls(backend, settings, kind, (directory / FILE).read_bytes())

    def _call(  # type: ignore[override]
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_length: bool = False,
        split_special_tokens: bool = True,
    ) -> BatchEncoding:
        if text_pair is not None:
            raise InputError("tokenizer", ["text_pair must be None: this class has no pairs"])
        if return_tensors is not None:
            check_kind(return_tensors)
        many = isinstance(text, list | tuple) and not (text and isinstance(text[0], int | np.integer))
        rows = [self._ids(one, add_special_tokens, split_special_tokens) for one in (text if many else [text])]
        if truncation is None:
            truncation = max_length is not None and padding is False
        how = self._truncation(truncation, max_length, 0, 0, self.truncation_side)
        pad = self._padding(padding, max_length, padding_side or self.padding_side, pad_to_multiple_of)
        check_multiple(how, pad, pad_to_multiple_of)
        if how is not None:
            longest, left = how["max_length"], how["direction"] == "left"
            rows = [row[max(0, len(row) - longest) :] if left else row[:longest] for row in rows]
        fields: dict[str, Any] = {"input_ids": rows}
        if return_special_tokens_mask:
            special = {*self.added_tokens_decoder} if add_special_tokens else set()
            fields["special_tokens_mask"] = [[int(i in special) for i in row] for row in rows]
        lengths = list(map(len, rows))
        out = self.pad(fields, padding, max_length, pad_to_multiple_of, padding_side, return_attention_mask)
        if return_length:
            out["length"] = lengths if many else [len(row) for row in out["input_ids"]]
        if not many and return_tensors is None:
            return BatchEncoding({name: held[0] for name, held in out.items()})
        return out.convert_to_tensors(return_tensors)

    def _ids(self, text: Any, special: bool, split: bool = True) -> list[int]:
        """The ids of a text, or those that are given as they are."""
        if isinstance(text, list | tuple) and all(isinstance(i, int | np.integer) for i in text):
            return [int(i) for i in text]
        if not isinstance(text, str):
            raise InputError("tokenizer", [f"text must be a string or a list of ids, got {text!r:.60}"])
        return list(self._run([text], None, split, add_special_tokens=special)[0].ids)

    def _text(self, ids: list[int], skip_special_tokens: bool, between: str = "") -> str:
        """Bytes on either side of a special token make no character together."""
        special = self.added_tokens_decoder
        parts: list[str] = []
        for alone, group in itertools.groupby(ids, special.__contains__):
            if not alone:
                names = [self.backend.id_to_token(i) or "" for i in group]
                parts.append(bytes([self._bytes[c] for name in names for c in name]).decode(errors="replace"))
            elif not skip_special_tokens:
                parts += [special[i].content for i in group]
        return "".join(parts)

    def tokenize(self, text: str, *_: Any, **options: Any) -> list[str]:
        """The texts that the tokens of a text stand for."""
        return self.convert_ids_to_tokens(self._call(text, add_special_tokens=False, **options)["input_ids"])

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The text of an id, or the texts of several."""
        if isinstance(ids, int | np.integer):
            return self._text([int(ids)], False)
        special = self.added_tokens_decoder if skip_special_tokens else {}
        return [self._text([int(i)], False) for i in ids if int(i) not in special]

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        """The id of a special token, or of a text that is one token; or the ids of several.

        Raises:
          InputError: a text is more than one token.
        """
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        named = {token.content: i for i, token in self.added_tokens_decoder.items()}
        if tokens in named:
            return named[tokens]
        ids = self._ids(tokens, False)
        if len(ids) != 1:
            raise InputError("convert_tokens_to_ids", [f"must be one token, got {tokens!r:.60}, which is {len(ids)}"])
        return ids[0]

    def get_vocab(self) -> dict[str, int]:
        """`{text: id}`; of tokens that stand for the same text the last."""
        return {self._text([i], False): i for i in range(len(self))}

    def apply_chat_template(  # type: ignore[override]
        self,
        conversation: Any,
        tools: Any = None,
        chat_template: str | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        tokenize: bool = True,
        return_dict: bool = False,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """The token ids of a conversation, or its text; see `FastTokenizer.apply_chat_template`.

        Without a template, messages of text, calls of tools and their answers are written as the file's version has
        them. They end where the assistant is to answer, whether `add_generation_prompt` asks for that or not. With a
        template, special tokens that it writes are read as such.

        Raises:
          InputError: a message that can not be written without a template.
        """
        if chat_template is not None or self.chat_template is not None:
            how = {"split_special_tokens": False, **(tokenizer_kwargs or {})}
            ends = {"add_generation_prompt": add_generation_prompt, "continue_final_message": continue_final_message}
            more = {
                "chat_template": chat_template,
                "tokenize": tokenize,
                "return_dict": return_dict,
                **ends,
                **options,
            }
            return super().apply_chat_template(conversation, tools, tokenizer_kwargs=how, **more)
        write = Conversation(self._version, lambda text: self._ids(text, False), self._mark)
        many = isinstance(conversation, list | tuple) and bool(conversation)
        many = many and isinstance(conversation[0], list | tuple)
        chats = [messages_of(chat) for chat in (conversation if many else [conversation])]
        rows = [write(chat, tools, continue_final_message) for chat in chats]
        if not tokenize:
            texts = [self.decode(row) for row in rows]
            return texts if many else texts[0]
        out = self(rows if many else rows[0], add_special_tokens=False, **options, **(tokenizer_kwargs or {}))
        return out if return_dict else out["input_ids"]

    def _mark(self, token: str) -> int:
        """The id of a special token.

        Raises:
          InputError: the file lacks it.
        """
        index = self.backend.token_to_id(token)
        if index not in self.added_tokens_decoder:
            raise InputError("apply_chat_template", [f"this needs the special token {token}, which {FILE} lacks"])
        return index

    def add_tokens(self, *_: Any, **__: Any) -> int:
        """Refused: the file has no room for more."""
        raise InputError("add_tokens", ["a tokenizer of tekken.json takes no more tokens"])

    def train_new_from_iterator(self, *_: Any, **__: Any) -> FastTokenizer:
        """Refused: only a tokenizer that is saved as tokenizer.json is learnt anew."""
        raise InputError("train_new_from_iterator", ["a tokenizer of tekken.json can not be trained"])

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        return {FILE: self._file}
