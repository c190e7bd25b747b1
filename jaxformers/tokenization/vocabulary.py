"""`Vocabulary`: tokens and ids, added tokens, and what is put around texts; a part of every tokenizer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers

from jaxformers.errors import InputError
from jaxformers.tokenization.formats.python_backend import PythonBackend
from jaxformers.tokenization.roles import MORE, Roles, Token, checked
from jaxformers.tokenization.settings import added

_FORMS = {False: "a token", True: "a list of tokens"}


class Vocabulary(Roles):
    """The tokens of a backend, a `tokenizers.Tokenizer`, and what is put around texts."""

    backend: tokenizers.Tokenizer
    _lock: Any  # the backend's truncation and padding are state

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

    def add_tokens(self, new_tokens: Token | Sequence[Token], special_tokens: bool = False) -> int:
        """Adds tokens that the vocabulary lacks; returns how many. The model's embedding must have room for them.

        Args:
          new_tokens: texts, or `tokenizers.AddedToken`s, which say how they match (`lstrip`, `single_word`, ...).
          special_tokens: are they special, that is, left out of decoded text where it is asked for?
        """
        many = [new_tokens] if isinstance(new_tokens, Token) else list(new_tokens)
        if wrong := [t for t in many if not isinstance(t, Token) or not str(getattr(t, "content", t))]:
            raise InputError("add_tokens", [f"a token must be a text that is not empty, got {wrong[0]!r}"])
        new = [tokenizers.AddedToken(t, special=special_tokens) if isinstance(t, str) else t for t in many]
        if not special_tokens:
            return self.backend.add_tokens(new)
        if isinstance(self.backend, PythonBackend):
            new = [added(t) for t in new]  # special whatever their flags say, as the library's own makes them
        return self.backend.add_special_tokens(new)

    def add_special_tokens(
        self, special_tokens_dict: Mapping[str, Any], replace_additional_special_tokens: bool = True
    ) -> int:
        """Gives roles to tokens, `{"pad_token": "<pad>", "additional_special_tokens": [...], ...}`.

        Those that the vocabulary lacks are added; returns how many.

        Args:
          special_tokens_dict: tokens by role.
          replace_additional_special_tokens: do additional ones take the place of those that there are? These stay in
            the vocabulary, without being listed.

        Raises:
          InputError: there is no such role, or no such token.
        """
        roles = (*self._tokens, MORE)
        if unknown := [k for k in special_tokens_dict if k not in roles]:
            raise InputError("add_special_tokens", [f"roles must be of {', '.join(roles)}, got {unknown[0]!r}"])
        new: list[Token] = []
        for role, given in special_tokens_dict.items():
            many = list(given) if role == MORE and not isinstance(given, str) else [given]
            texts = [checked(role, token) for token in many]
            if None in texts or (role == MORE and isinstance(given, str)):
                raise InputError("add_special_tokens", [f"{role} must be {_FORMS[role == MORE]}, got {given!r:.60}"])
            if role == MORE:
                kept = [] if replace_additional_special_tokens else self.additional_special_tokens
                many = [token for token, text in zip(many, texts, strict=True) if text not in kept]
                if texts:
                    self.additional_special_tokens = list(dict.fromkeys([*kept, *map(str, texts)]))
            else:
                setattr(self, role, given)
            new += many
        return self.add_tokens(new, special_tokens=True)

    @property
    def added_tokens_decoder(self) -> dict[int, tokenizers.AddedToken]:
        """The added tokens by id."""
        return self.backend.get_added_tokens_decoder()

    def get_added_vocab(self) -> dict[str, int]:
        """`{token: id}` of the added tokens."""
        return {t.content: i for i, t in sorted(self.added_tokens_decoder.items())}

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """What `get_added_vocab` gives."""
        return self.get_added_vocab()

    # -------------------------------------------------------------------------------------------- around texts

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens are put around a text, or around a pair."""
        return self.backend.num_special_tokens_to_add(pair)

    def build_inputs_with_special_tokens(self, token_ids_0: list[int], token_ids_1: list[int] | None = None):
        """The ids of a text (and its pair) with the special tokens around them."""
        return self._around(token_ids_0, token_ids_1)[0]

    def create_token_type_ids_from_sequences(self, token_ids_0: list[int], token_ids_1: list[int] | None = None):
        """The token types of a text (and its pair) with the special tokens around them."""
        return self._around(token_ids_0, token_ids_1)[1]

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 at special tokens, 0 elsewhere: of ids that have them, or of those that are to be put around ids."""
        if already_has_special_tokens:
            special = set(self.all_special_ids)
            return [int(int(i) in special) for i in token_ids_0]
        return self._around(token_ids_0, token_ids_1)[2]

    def _around(self, first: list[int], second: list[int] | None) -> tuple[list[int], list[int], list[int]]:
        """Ids, token types and the mask of special tokens, as the backend's template puts them."""
        pair = None if second is None else self._encoded(second)
        with self._whole():
            made = self.backend.post_process(self._encoded(first), pair, add_special_tokens=True)
        special, given = made.special_tokens_mask, iter([*first, *(second or ())])
        ids = [i if mark else next(given) for i, mark in zip(made.ids, special, strict=True)]
        return ids, made.type_ids, special

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """For this thread alone, a backend that neither cuts nor pads."""
        with self._lock:
            self.backend.no_truncation()
            self.backend.no_padding()
            yield

    def _encoded(self, ids: list[int]) -> tokenizers.Encoding:
        """An encoding as long as `ids`."""
        plain = tokenizers.Tokenizer(tokenizers.models.WordLevel({"x": 0}, "x"))
        plain.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        return plain.encode("x " * len(ids), add_special_tokens=False)

    # -------------------------------------------------------------------------------------------- sizes

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

    @property
    def vocab(self) -> dict[str, int]:
        """What `get_vocab` gives."""
        return self.get_vocab()
