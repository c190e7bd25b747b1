"""`Vocabulary`: tokens and ids, special tokens by role, and what is put around texts; a part of every tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers

from jaxformers.errors import InputError
from jaxformers.tokenization.settings import SPECIAL


def _id_of(name: str) -> property:
    def get(self) -> int | None:
        token = getattr(self, name)
        return None if token is None else self.backend.token_to_id(token)

    def put(self, index: int | None) -> None:
        setattr(self, name, None if index is None else self.backend.id_to_token(index))

    return property(get, put, doc=f"Id of `{name}`, or None.")


Token = str | tokenizers.AddedToken


class Vocabulary:
    """The tokens of a backend, a `tokenizers.Tokenizer`, and the roles that some of them have."""

    backend: tokenizers.Tokenizer
    additional_special_tokens: list[str]

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

    def add_tokens(self, tokens: Token | Sequence[Token], special_tokens: bool = False) -> int:
        """Adds tokens that the vocabulary lacks; returns how many. The model's embedding must have room for them.

        Args:
          tokens: texts, or `tokenizers.AddedToken`s, which say how they match (`lstrip`, `single_word`, ...).
          special_tokens: are they special, that is, left out of decoded text where it is asked for?
        """
        many = [tokens] if isinstance(tokens, Token) else list(tokens)
        if wrong := [t for t in many if not isinstance(t, Token) or not str(getattr(t, "content", t))]:
            raise InputError("add_tokens", [f"a token must be a text that is not empty, got {wrong[0]!r}"])
        new = [tokenizers.AddedToken(t, special=special_tokens) if isinstance(t, str) else t for t in many]
        return self.backend.add_special_tokens(new) if special_tokens else self.backend.add_tokens(new)

    def add_special_tokens(self, special_tokens_dict: Mapping[str, Any]) -> int:
        """Gives roles to tokens, `{"pad_token": "<pad>", "additional_special_tokens": [...], ...}`.

        Those that the vocabulary lacks are added; returns how many. Additional ones are added to those that there are.

        Raises:
          InputError: there is no such role.
        """
        roles = (*SPECIAL, "additional_special_tokens")
        if unknown := [k for k in special_tokens_dict if k not in roles]:
            raise InputError("add_special_tokens", [f"roles must be of {', '.join(roles)}, got {unknown[0]!r}"])
        added = 0
        for role, given in special_tokens_dict.items():
            many = list(given) if role == "additional_special_tokens" else [given]
            added += self.add_tokens(many, special_tokens=True)
            texts = [t if isinstance(t, str) else t.content for t in many]
            if role == "additional_special_tokens":
                self.additional_special_tokens = list(dict.fromkeys([*self.additional_special_tokens, *texts]))
            else:
                setattr(self, role, texts[0])
        return added

    @property
    def added_tokens_decoder(self) -> dict[int, tokenizers.AddedToken]:
        """The added tokens by id."""
        return self.backend.get_added_tokens_decoder()

    def get_added_vocab(self) -> dict[str, int]:
        """`{token: id}` of the added tokens."""
        return {t.content: i for i, t in sorted(self.added_tokens_decoder.items())}

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
            return [int(i in special) for i in token_ids_0]
        return self._around(token_ids_0, token_ids_1)[2]

    def _around(self, first: list[int], second: list[int] | None) -> tuple[list[int], list[int], list[int]]:
        """Ids, token types and the mask of special tokens, as the backend's template puts them."""
        pair = None if second is None else self._encoded(second)
        made = self.backend.post_process(self._encoded(first), pair, add_special_tokens=True)
        special, given = made.special_tokens_mask, iter([*first, *(second or ())])
        ids = [i if mark else next(given) for i, mark in zip(made.ids, special, strict=True)]
        return ids, made.type_ids, special

    def _encoded(self, ids: list[int]) -> tokenizers.Encoding:
        """An encoding as long as `ids`."""
        plain = tokenizers.Tokenizer(tokenizers.models.WordLevel({"x": 0}, "x"))
        plain.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        return plain.encode("x " * len(ids), add_special_tokens=False)

    # -------------------------------------------------------------------------------------------- roles

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
