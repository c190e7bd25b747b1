"""Special and added tokens of a tokenizer that is built from older files: the order and the flags of its class."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import tokenizers

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files

ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


def text(token: Any) -> str | None:
    """A special token's text: files hold it plain or as an object.

    Raises:
      CheckpointError: it is neither.
    """
    held = token.get("content", token) if isinstance(token, Mapping) else token
    if held is not None and not isinstance(held, str):
        problem = f"a special token must be a text, or an object whose content is one, got {token!r:.60}"
        raise CheckpointError("tokenizer_config.json", [problem])
    return held


def names(settings: Mapping[str, Any], *roles: str) -> dict[str, str]:
    """The text of each role that the settings give."""
    held = {role: text(settings.get(f"{role}_token")) for role in roles or ROLES}
    return {role: name for role, name in held.items() if name}


def required(directory: pathlib.Path, settings: Mapping[str, Any], *roles: str) -> list[str]:
    """The texts of roles that a class can not do without.

    Raises:
      CheckpointError: the settings give some no text.
    """
    held = names(settings, *roles)
    if absent := [f"{role}_token" for role in roles if role not in held]:
        raise CheckpointError(str(directory / "tokenizer_config.json"), [f"must not set {', '.join(absent)} to null"])
    return [held[role] for role in roles]


def additional(settings: Mapping[str, Any]) -> list[Any]:
    """The special tokens that have no role.

    Raises:
      CheckpointError: they are no list.
    """
    held = settings.get("additional_special_tokens") or []
    if not isinstance(held, list | tuple):
        problem = f"additional_special_tokens must be a list, got {held!r:.60}"
        raise CheckpointError("tokenizer_config.json", [problem])
    return [entry for entry in held if text(entry)]


def added(directory: pathlib.Path, settings: Mapping[str, Any]) -> dict[int, tokenizers.AddedToken]:
    """`{id: token}` of `added_tokens_decoder` in the settings, or of the file added_tokens.json where there is none.

    Raises:
      CheckpointError: either holds something else.
    """
    roles = {*names(settings).values(), *map(text, additional(settings))}
    listed = settings.get("added_tokens_decoder")
    file = directory / ("tokenizer_config.json" if listed is not None else "added_tokens.json")
    try:
        if listed is not None:
            ids = sorted(listed, key=int)
            return {int(i): token(listed[i], special=False) for i in ids}
        held = files.vocabulary(file) if file.is_file() else {}
    except (AttributeError, LookupError, TypeError, ValueError) as e:
        if isinstance(e, CheckpointError):
            raise
        raise CheckpointError(str(file), [f"added_tokens_decoder must be an object of id: token: {e}"]) from None
    ordered = sorted(held.items(), key=lambda item: item[1])
    return {i: tokenizers.AddedToken(name, special=name in roles, normalized=name not in roles) for name, i in ordered}


def token(entry: Any, special: bool = True, **flags: bool) -> tokenizers.AddedToken:
    """A token of text, to which `flags` apply, or of an object that has its own."""
    if not isinstance(entry, Mapping):
        return tokenizers.AddedToken(entry, special=special, **flags)
    known = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
    return tokenizers.AddedToken(**{"special": special, **{k: entry[k] for k in known if k in entry}})


def gather(
    directory: pathlib.Path, settings: Mapping[str, Any], flags: Mapping[str, Mapping[str, bool]] | None = None
) -> list[tokenizers.AddedToken]:
    """The tokens that a class adds: those that its files list by id, then those of the roles and the additional ones.

    flags: of a role's token that is given as text, e.g. `{"mask": {"lstrip": True}}`.
    """
    listed = list(added(directory, settings).values())
    special = {*names(settings).values(), *map(text, additional(settings))}
    for entry in listed:
        entry.special = entry.special or entry.content in special
    roles = [token(settings[f"{r}_token"], **(flags or {}).get(r, {})) for r in ROLES if r in names(settings)]
    more = [token(entry) for entry in additional(settings)]
    out: dict[str, tokenizers.AddedToken] = {}
    for entry in [*listed, *roles, *more]:
        out.setdefault(entry.content, entry)
    return list(out.values())


def need(file: pathlib.Path, vocab: Mapping[str, int], tokens: Iterable[str]) -> None:
    """Refuses a vocabulary without `tokens`."""
    if absent := [t for t in dict.fromkeys(tokens) if t not in vocab]:
        raise CheckpointError(str(file), [f"must hold the special tokens; {', '.join(absent)} are missing"])
