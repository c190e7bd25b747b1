"""`Vocabulary`: tokens and ids, special tokens by role, and what is put around texts; a part of every tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tokenizers

from jaxformers.tokenization.settings import SPECIAL


def _id_of(name: str) -> property:
    def get(self) -> int | None:
        token = getattr(self, name)
        return None if token is None else self.backend.token_to_id(token)

    def put(self, index: int | None) -> None:
        setattr(self, name, None if index is None else self.backend.id_to_token(index))

    return property(get, put, doc=f"Id of `{name}`, or None.")


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
