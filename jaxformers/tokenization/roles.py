"""`Roles`: the special tokens of a tokenizer, by what they are for; a part of every tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tokenizers

from jaxformers.errors import InputError
from jaxformers.tokenization.settings import SPECIAL, text_of

Token = str | tokenizers.AddedToken
MORE = "additional_special_tokens"


def checked(role: str, token: Any) -> str | None:
    """A token's text, if it is one."""
    if isinstance(token, tokenizers.AddedToken):
        return token.content
    if token is None or isinstance(token, str):
        return token
    raise InputError("tokenizer", [f"{role} must be a token's text or None, got {token!r:.60}"])


def _token(role: str) -> property:
    def get(self) -> str | None:
        return self._tokens.get(role)

    def put(self, token: Token | None) -> None:
        self._tokens[role] = checked(role, token)

    return property(get, put, doc=f"Text of the token of role `{role}`, or None.")


def _id_of(role: str) -> property:
    def get(self) -> int | None:
        token = getattr(self, role)
        return None if token is None else self.backend.token_to_id(token)

    def put(self, index: int | None) -> None:
        setattr(self, role, None if index is None else self.backend.id_to_token(index))

    return property(get, put, doc=f"Id of `{role}`; None if there is none, or not in the vocabulary.")


class Roles:
    """Special tokens as attributes: `pad_token`, `pad_token_id`, ..., and those that a model has beside the usual.

    Setting one names a token of the vocabulary; `Vocabulary.add_special_tokens` also adds it.
    """

    backend: Any
    settings: dict[str, Any]
    _tokens: dict[str, str | None]
    _more: list[str]

    bos_token = _token("bos_token")
    eos_token = _token("eos_token")
    unk_token = _token("unk_token")
    sep_token = _token("sep_token")
    pad_token = _token("pad_token")
    cls_token = _token("cls_token")
    mask_token = _token("mask_token")

    bos_token_id = _id_of("bos_token")
    eos_token_id = _id_of("eos_token")
    unk_token_id = _id_of("unk_token")
    sep_token_id = _id_of("sep_token")
    pad_token_id = _id_of("pad_token")
    cls_token_id = _id_of("cls_token")
    mask_token_id = _id_of("mask_token")

    def _take_roles(self) -> None:
        """Reads the special tokens of the settings."""
        extra = self.settings.get("extra_special_tokens") or {}
        named = {**{role: self.settings.get(role) for role in SPECIAL}, **extra}
        self._tokens = {role: checked(role, text_of(token)) for role, token in named.items()}
        self.additional_special_tokens = [text_of(t) for t in self.settings.get(MORE) or ()]

    @property
    def extra_special_tokens(self) -> dict[str, str]:
        """The tokens of roles that only some models have, such as `{"image_token": "<image>"}`."""
        return {role: token for role, token in self._tokens.items() if role not in SPECIAL and token is not None}

    def __getattr__(self, name: str) -> Any:
        tokens = self.__dict__.get("_tokens", {})
        if name in tokens:
            return tokens[name]
        if name.removesuffix("_id") in tokens:
            return _id_of(name.removesuffix("_id")).__get__(self)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in SPECIAL and name in self.__dict__.get("_tokens", ()):
            self._tokens[name] = checked(name, value)
        else:
            super().__setattr__(name, value)

    @property
    def additional_special_tokens(self) -> list[str]:
        """Texts of the special tokens without a role."""
        return list(self._more)

    @additional_special_tokens.setter
    def additional_special_tokens(self, tokens: Sequence[Token] | None) -> None:
        if isinstance(tokens, str):
            raise InputError("tokenizer", [f"{MORE} must be a list of tokens, got {tokens!r:.60}"])
        self._more = [str(checked(MORE, token)) for token in tokens or ()]

    @property
    def additional_special_tokens_ids(self) -> list[int]:
        """Ids of the special tokens without a role."""
        return [self.backend.token_to_id(token) for token in self._more]

    @additional_special_tokens_ids.setter
    def additional_special_tokens_ids(self, ids: Sequence[int] | None) -> None:
        self.additional_special_tokens = [self.backend.id_to_token(i) for i in ids or ()]

    @property
    def pad_token_type_id(self) -> int:
        """The token type of padding."""
        return self.settings.get("pad_token_type_id", 0)

    # -------------------------------------------------------------------------------------------- all of them

    @property
    def special_tokens_map(self) -> dict[str, Any]:
        """The special tokens by role."""
        usual = {role: self._tokens[role] for role in SPECIAL if self._tokens[role]}
        more = {MORE: list(self._more)} if self._more else {}
        return {**usual, **more, **self.extra_special_tokens}

    @property
    def special_tokens_map_extended(self) -> dict[str, Any]:
        """The special tokens by role, as `tokenizers.AddedToken` where they are added ones: with their flags."""
        return {
            role: [self._extended(t) for t in held] if isinstance(held, list) else self._extended(held)
            for role, held in self.special_tokens_map.items()
        }

    @property
    def all_special_tokens(self) -> list[str]:
        """The special tokens, each once."""
        held = self.special_tokens_map.values()
        return list(dict.fromkeys(t for one in held for t in (one if isinstance(one, list) else [one])))

    @property
    def all_special_tokens_extended(self) -> list[Token]:
        """The special tokens, each once, as in `special_tokens_map_extended`."""
        return [self._extended(token) for token in self.all_special_tokens]

    def _extended(self, text: str) -> Token:
        index = self.backend.token_to_id(text)
        return text if index is None else self.backend.get_added_tokens_decoder().get(index, text)
